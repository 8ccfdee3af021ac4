//! Statements of appending.

use base::db::{Batch, Statement};

pub(crate) const APPEND: Batch = Batch::new(
    "append to the record",
    "INSERT INTO audit_event
        (org_id, seq, at, action, user_id, resource_type, resource_id, outcome, body)",
    9,
    "",
);

/// Takes the next positions of each org, and the newest instant in its record: its row is
/// locked until the commit.
pub(crate) const TAKE: Batch = Batch::new(
    "take positions in the record",
    "INSERT INTO audit_head (org_id, size, newest)",
    3,
    "ON CONFLICT (org_id) DO UPDATE SET size = audit_head.size + excluded.size,
        newest = CASE WHEN excluded.newest > audit_head.newest
                      THEN excluded.newest ELSE audit_head.newest END
     RETURNING org_id, size, newest, frontier",
);

/// Moves heads on that are as they are expected to be, in size and in the edge of the tree: a
/// database that lost commits may have come to the same size by others. `frontier` is the new
/// edge and behind it the expected one. The row is locked either way. What `expected` gives back
/// is negative where a row was there.
pub(crate) const MOVE: Batch = Batch::new(
    "move the heads of the record",
    "INSERT INTO audit_head (org_id, size, newest, frontier, expected)",
    5,
    "ON CONFLICT (org_id) DO UPDATE SET size = excluded.size, newest = excluded.newest,
        frontier = substr(excluded.frontier, 1,
                          length(excluded.frontier) - length(audit_head.frontier)),
        expected = -1
      WHERE audit_head.size = excluded.expected
        AND audit_head.frontier = substr(excluded.frontier,
                          length(excluded.frontier) - length(audit_head.frontier) + 1)
     RETURNING org_id, expected",
);

/// The edge of the tree behind the positions that were taken; the rows are there.
pub(crate) const EDGE: Batch = Batch::new(
    "move the edge of the record's tree",
    "INSERT INTO audit_head (org_id, size, newest, frontier)",
    4,
    "ON CONFLICT (org_id) DO UPDATE SET frontier = excluded.frontier",
);

pub(crate) const EDGE_OF: Statement = Statement::new(
    "read the edge of the record's tree",
    "SELECT size, frontier FROM audit_head WHERE org_id = $1",
);

/// Waits for whoever moves the head, and keeps others from it.
pub(crate) const HEAD_HOLD: Statement = Statement::new(
    "hold the head of the record",
    "UPDATE audit_head SET size = size WHERE org_id = $1",
);

pub(crate) const BODY_AT: Statement = Statement::new(
    "look for an event",
    "SELECT body FROM audit_event WHERE org_id = $1 AND seq = $2",
);
