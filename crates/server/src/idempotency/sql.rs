//! Every statement of the server itself. `$1` is always the org.

use base::db::{Migration, Statement};

/// The server's own steps.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration::both(
        "server/0001_idempotency",
        include_str!("../../migrations/0001_idempotency.sql"),
    ),
    Migration::both(
        "server/0002_idempotency",
        include_str!("../../migrations/0002_idempotency.sql"),
    ),
    Migration::both("server/0003_old", include_str!("../../migrations/0003_old.sql")),
];

/// Takes the key; also from the very same request, if nobody has said since `$6` that it lives.
pub(super) const BEGIN: Statement = Statement::new(
    "remember a request",
    "INSERT INTO server_idempotency (org_id, credential, request, tag, at, alive_at)
     VALUES ($1, $2, $3, $4, $5, $5)
     ON CONFLICT (org_id, credential, request)
     DO UPDATE SET at = excluded.at, alive_at = excluded.alive_at
      WHERE server_idempotency.status IS NULL
        AND server_idempotency.tag = excluded.tag
        AND server_idempotency.alive_at = $6",
);

pub(super) const STILL_ALIVE: Statement = Statement::new(
    "say that a request is under way",
    "UPDATE server_idempotency SET alive_at = $5
      WHERE org_id = $1 AND credential = $2 AND request = $3 AND at = $4 AND status IS NULL",
);

pub(super) const READ: Statement = Statement::new(
    "look for a request that was sent before",
    "SELECT tag, status, answer, alive_at FROM server_idempotency
      WHERE org_id = $1 AND credential = $2 AND request = $3",
);

/// Also a second time, where nobody knows whether the first one was committed.
pub(super) const END: Statement = Statement::new(
    "remember an answer",
    "UPDATE server_idempotency SET status = $5, answer = $6
      WHERE org_id = $1 AND credential = $2 AND request = $3 AND at = $4
        AND (status IS NULL OR answer = $6)",
);

pub(super) const FORGET: Statement = Statement::new(
    "forget a request",
    "DELETE FROM server_idempotency
      WHERE org_id = $1 AND credential = $2 AND request = $3 AND at = $4 AND status IS NULL",
);

pub(super) const FORGET_OLD: Statement = Statement::new(
    "forget old requests",
    "DELETE FROM server_idempotency WHERE org_id = $1 AND at < $2",
);

/// Some of those of orgs too in which nobody asks any more; `$1` names none of them.
pub(super) const FORGET_ALL_OLD: Statement = Statement::new(
    "forget old requests",
    "DELETE FROM server_idempotency WHERE (org_id, credential, request) IN (
        SELECT org_id, credential, request FROM server_idempotency
         WHERE org_id <> $1 AND at < $2 ORDER BY at LIMIT $3)",
);

pub(super) const COUNT: Statement = Statement::new(
    "count the remembered requests of a person",
    "SELECT COUNT(*) AS rows FROM server_idempotency
      WHERE org_id = $1 AND (credential = $2 OR credential LIKE $2 || '/%')",
);

pub(super) const ERASE: Statement = Statement::new(
    "forget the requests of a person",
    "DELETE FROM server_idempotency
      WHERE org_id = $1 AND (credential = $2 OR credential LIKE $2 || '/%')",
);

/// For the tests that prepare every statement on each engine.
#[cfg(test)]
pub(super) const STATEMENTS: &[Statement] =
    &[BEGIN, STILL_ALIVE, READ, END, FORGET, FORGET_OLD, FORGET_ALL_OLD, COUNT, ERASE];
