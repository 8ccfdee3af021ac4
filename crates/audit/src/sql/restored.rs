//! Statements of going on after a restore.

use base::db::{Batch, Statement};

pub(crate) const ERASED_BETWEEN: Statement = Statement::new(
    "look for erasures in the record",
    "SELECT seq, body FROM audit_event
      WHERE org_id = $1 AND action = 'privacy.person.erased' AND seq >= $2 AND seq < $3
      ORDER BY seq",
);

/// Of all orgs of a region: for the node's own work.
pub(crate) const HEADS_WHOLE: Statement = Statement::new(
    "read the heads of the records",
    "SELECT org_id, size, newest, frontier FROM audit_head
      WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

/// Puts a head where the published log says that it was.
pub(crate) const HEAD_REGAIN: Batch = Batch::new(
    "go on where the published log ends",
    "INSERT INTO audit_head (org_id, size, newest, frontier)",
    4,
    "ON CONFLICT (org_id) DO UPDATE SET size = excluded.size, frontier = excluded.frontier,
        newest = CASE WHEN excluded.newest > audit_head.newest
                      THEN excluded.newest ELSE audit_head.newest END",
);
