//! Statements on events of an earlier version.

use base::db::Statement;

/// Events of version 0 that wait to be taken over: of all orgs, only at start-up.
pub(crate) const OLD_ORGS: Statement = Statement::new(
    "look for events of an earlier version",
    "SELECT DISTINCT org_id FROM audit_event_v0 WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

pub(crate) const OLD: Statement = Statement::new(
    "read events of an earlier version",
    "SELECT seq, at, body FROM audit_event_v0 WHERE org_id = $1 ORDER BY seq LIMIT 500",
);

pub(crate) const OLD_DONE: Statement = Statement::new(
    "let go of events that were taken over",
    "DELETE FROM audit_event_v0 WHERE org_id = $1 AND seq <= $2",
);
