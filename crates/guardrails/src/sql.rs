//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[Migration::both(
    "guardrails/0001_guardrail",
    include_str!("../migrations/0001_guardrail.sql"),
)];

/// An org has few: see `POLICIES_MAX`.
pub(crate) const ALL: Statement = Statement::new(
    "read guardrails",
    "SELECT policy_id, name, policy, created_at, changed_at, off_at FROM guardrails_policy
      WHERE org_id = $1 ORDER BY policy_id LIMIT 100",
);

/// Those that hold, and the zone that their hours are read by.
pub(crate) const HOLDING: Statement = Statement::new(
    "read the guardrails that hold",
    "SELECT p.policy_id, p.name, p.policy, p.created_at, p.changed_at, p.off_at, s.zone
       FROM guardrails_policy p LEFT JOIN guardrails_setting s ON s.org_id = p.org_id
      WHERE p.org_id = $1 AND p.off_at IS NULL ORDER BY p.policy_id LIMIT 100",
);

pub(crate) const ADD: Statement = Statement::new(
    "add a guardrail",
    "INSERT INTO guardrails_policy (org_id, policy_id, name, policy, created_at, changed_at, off_at)
     VALUES ($1, $2, $3, $4, $5, $5, $6)",
);

pub(crate) const CHANGE: Statement = Statement::new(
    "change a guardrail",
    "UPDATE guardrails_policy SET name = $3, policy = $4, changed_at = $5, off_at = $6
      WHERE org_id = $1 AND policy_id = $2",
);

pub(crate) const REMOVE: Statement = Statement::new(
    "remove a guardrail",
    "DELETE FROM guardrails_policy WHERE org_id = $1 AND policy_id = $2",
);

pub(crate) const ZONE: Statement = Statement::new(
    "read the time zone of guardrails",
    "SELECT zone FROM guardrails_setting WHERE org_id = $1",
);

pub(crate) const SET_ZONE: Statement = Statement::new(
    "set the time zone of guardrails",
    "INSERT INTO guardrails_setting (org_id, zone, changed_at) VALUES ($1, $2, $3)
     ON CONFLICT (org_id) DO UPDATE SET zone = excluded.zone, changed_at = excluded.changed_at",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] =
    &[crate::keeper::NAMING, ALL, HOLDING, ADD, CHANGE, REMOVE, ZONE, SET_ZONE];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
