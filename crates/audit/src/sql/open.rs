//! Statements of calls that are open, and of their ends.

use base::db::{Batch, Statement};

pub(crate) const OPEN: Batch = Batch::new(
    "note where open calls begin",
    "INSERT INTO audit_open (org_id, node, first)",
    3,
    "ON CONFLICT (org_id, node) DO UPDATE SET first = excluded.first",
);

/// Of events of an earlier life, whose calls may have begun before them.
pub(crate) const OPEN_BEFORE: Batch = Batch::new(
    "note where calls of an earlier life begin",
    "INSERT INTO audit_open (org_id, node, first)",
    3,
    "ON CONFLICT (org_id, node) DO NOTHING",
);

/// All orgs of this node: only at start-up.
pub(crate) const OPEN_OF_NODE: Statement = Statement::new(
    "look for calls that a crash cut off",
    "SELECT org_id, first FROM audit_open WHERE org_id > $1 AND node = $2 ORDER BY org_id LIMIT 500",
);

/// Calls that one [`ENDED`] asks for.
pub(crate) const ENDED_MAX: usize = 16;

/// Of what waits in memory: far younger than anything in the archive.
pub(crate) const ENDED: Statement = Statement::new(
    "look for the outcomes of calls",
    "SELECT resource_id FROM audit_event
      WHERE org_id = $1 AND action = 'gateway.call.ended'
        AND resource_id IN ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);

/// Behind an outcome that is being written: it must be the only one.
pub(crate) const ENDS: Statement = Statement::new(
    "count the outcomes of a call",
    "SELECT COUNT(*) AS ends FROM audit_event
      WHERE org_id = $1 AND resource_id = $2 AND action = 'gateway.call.ended'",
);

/// Nothing of this node is open in the org any more.
pub(crate) const OPEN_DROP: Statement = Statement::new(
    "forget where open calls began",
    "DELETE FROM audit_open WHERE org_id = $1 AND node = $2",
);

/// The same, unless something was begun there since it was read where they begin.
pub(crate) const OPEN_SWEPT: Statement = Statement::new(
    "forget where open calls of a dead node began",
    "DELETE FROM audit_open WHERE org_id = $1 AND node = $2 AND first = $3",
);
