//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "audit/0001_event",
    sqlite: include_str!("../migrations/0001_event.sqlite.sql"),
    postgres: include_str!("../migrations/0001_event.postgres.sql"),
}];

/// Tables that the application may only read and add to.
pub const APPEND_ONLY: &[&str] = &["audit_event"];

pub(crate) const APPEND: Batch = Batch::new(
    "append to the record",
    "INSERT INTO audit_event
        (org_id, seq, at, action, user_id, resource_type, resource_id, outcome, body)",
    9,
    "",
);

/// Takes the next positions of each org: its row is locked until the commit.
pub(crate) const TAKE: Batch = Batch::new(
    "take positions in the record",
    "INSERT INTO audit_head (org_id, size)",
    2,
    "ON CONFLICT (org_id) DO UPDATE SET size = audit_head.size + excluded.size
     RETURNING org_id, size",
);

pub(crate) const OPEN: Batch = Batch::new(
    "note where open calls begin",
    "INSERT INTO audit_open (org_id, node, first)",
    3,
    "ON CONFLICT (org_id, node) DO UPDATE SET first = excluded.first",
);

/// All orgs of this node: only at start-up.
pub(crate) const OPEN_OF_NODE: Statement = Statement::new(
    "look for calls that a crash cut off",
    "SELECT org_id, first FROM audit_open WHERE org_id > $1 AND node = $2 ORDER BY org_id LIMIT 500",
);

pub(crate) const SIZE: Statement =
    Statement::new("read the size of the record", "SELECT size FROM audit_head WHERE org_id = $1");

pub(crate) const ENDED: Statement = Statement::new(
    "look for the outcome of a call",
    "SELECT seq FROM audit_event
      WHERE org_id = $1 AND resource_id = $2 AND outcome <> 'started' LIMIT 1",
);

pub(crate) const FROM: Statement = Statement::new(
    "read the record",
    "SELECT seq, action, resource_id, body FROM audit_event
      WHERE org_id = $1 AND seq >= $2 ORDER BY seq LIMIT 1000",
);

/// A page, newest first. `$2` is the position behind the last seen one; an empty
/// text or a zero turns a filter off.
pub(crate) const PAGE: Statement = Statement::new(
    "read the record",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq < $2
        AND at >= $3 AND at < $4
        AND ($5 = '' OR action = $5)
        AND ($6 = '' OR user_id = $6)
        AND ($7 = '' OR resource_type = $7)
        AND ($8 = '' OR resource_id = $8)
        AND ($9 = '' OR outcome = $9)
      ORDER BY seq DESC LIMIT $10",
);

pub(crate) const PAGE_OF_USER: Statement = Statement::new(
    "read the record of an actor",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq < $2
        AND at >= $3 AND at < $4
        AND ($5 = '' OR action = $5)
        AND user_id = $6
        AND ($7 = '' OR resource_type = $7)
        AND ($8 = '' OR resource_id = $8)
        AND ($9 = '' OR outcome = $9)
      ORDER BY seq DESC LIMIT $10",
);

pub(crate) const PAGE_OF_RESOURCE: Statement = Statement::new(
    "read the record of a resource",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND seq < $2
        AND at >= $3 AND at < $4
        AND ($5 = '' OR action = $5)
        AND ($6 = '' OR user_id = $6)
        AND ($7 = '' OR resource_type = $7)
        AND resource_id = $8
        AND ($9 = '' OR outcome = $9)
      ORDER BY seq DESC LIMIT $10",
);

pub(crate) const ONE: Statement = Statement::new(
    "read one event",
    "SELECT seq, body FROM audit_event WHERE org_id = $1 AND seq = $2",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] =
    &[OPEN_OF_NODE, SIZE, ENDED, FROM, PAGE, PAGE_OF_USER, PAGE_OF_RESOURCE, ONE];

/// For the same tests.
pub const BATCHES: &[Batch] = &[APPEND, TAKE, OPEN];
