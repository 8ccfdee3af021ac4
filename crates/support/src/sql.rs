//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("support/0001_support", include_str!("../migrations/0001_support.sql"))];

pub(crate) const REQUEST_ADD: Statement = Statement::new(
    "ask for support access",
    "INSERT INTO support_request
        (org_id, request_id, operator_id, operator_name, operator_email, home_id, home_region,
         reason, asked, hours, asked_at, lapses_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
);

pub(crate) const REQUESTS_WAITING: Statement = Statement::new(
    "count the support requests that wait",
    "SELECT CAST(COUNT(*) AS BIGINT) AS waiting FROM support_request
      WHERE org_id = $1 AND decision IS NULL AND ended_at IS NULL AND lapses_at > $2",
);

pub(crate) const REQUEST_ONE: Statement = Statement::new(
    "look up a support request",
    "SELECT request_id, operator_id, operator_name, operator_email, home_id, reason, asked,
            hours, asked_at, lapses_at, decision, decided_by, decided_at, granted, until,
            anywhere_at, entered_at, left_at, ended_at, ended_by
       FROM support_request WHERE org_id = $1 AND request_id = $2",
);

/// Newest first, behind the id `$2`; empty for the newest. `$3` is the instant, `$4` one of the
/// three kinds or empty.
pub(crate) const REQUEST_PAGE: Statement = Statement::new(
    "list support requests",
    "SELECT request_id, operator_id, operator_name, operator_email, home_id, reason, asked,
            hours, asked_at, lapses_at, decision, decided_by, decided_at, granted, until,
            anywhere_at, entered_at, left_at, ended_at, ended_by
       FROM support_request
      WHERE org_id = $1 AND ($2 = '' OR request_id < $2) AND ($4 = '' OR $4 = CASE
            WHEN decision IS NULL AND ended_at IS NULL AND lapses_at > $3 THEN 'waiting'
            WHEN decision = 'granted' AND ended_at IS NULL AND until > $3 THEN 'current'
            ELSE 'past' END)
      ORDER BY request_id DESC LIMIT $5",
);

pub(crate) const REQUEST_GRANT: Statement = Statement::new(
    "grant support access",
    "UPDATE support_request SET decision = 'granted', decided_by = $3, decided_at = $4,
            granted = $5, until = $6, anywhere_at = $7
      WHERE org_id = $1 AND request_id = $2 AND decision IS NULL AND ended_at IS NULL
        AND lapses_at > $4",
);

pub(crate) const REQUEST_REFUSE: Statement = Statement::new(
    "refuse support access",
    "UPDATE support_request SET decision = 'refused', decided_by = $3, decided_at = $4
      WHERE org_id = $1 AND request_id = $2 AND decision IS NULL AND ended_at IS NULL
        AND lapses_at > $4",
);

/// Also what was not granted yet; the token of a visit goes with it.
pub(crate) const REQUEST_END: Statement = Statement::new(
    "end support access",
    "UPDATE support_request SET ended_at = $4, ended_by = $3, tag = NULL
      WHERE org_id = $1 AND request_id = $2 AND ended_at IS NULL
        AND (decision = 'granted' AND until > $4 OR decision IS NULL AND lapses_at > $4)",
);

/// All that was granted and goes on.
pub(crate) const REQUESTS_END: Statement = Statement::new(
    "end all support access",
    "UPDATE support_request SET ended_at = $3, ended_by = $2, tag = NULL
      WHERE org_id = $1 AND ended_at IS NULL AND decision = 'granted' AND until > $3
      RETURNING request_id",
);

pub(crate) const REQUEST_ENTER: Statement = Statement::new(
    "begin a visit",
    "UPDATE support_request SET entered_at = $4, left_at = NULL, tag = $5
      WHERE org_id = $1 AND request_id = $2 AND operator_id = $3 AND decision = 'granted'
        AND ended_at IS NULL AND until > $4",
);

pub(crate) const REQUEST_LEAVE: Statement = Statement::new(
    "end a visit",
    "UPDATE support_request SET left_at = $3, tag = NULL
      WHERE org_id = $1 AND request_id = $2 AND tag IS NOT NULL",
);

pub(crate) const VISIT_BY_TAG: Statement = Statement::new(
    "look up a visit",
    "SELECT request_id, operator_id, home_id, home_region, granted, until, anywhere_at, entered_at,
            tag
       FROM support_request
      WHERE org_id = $1 AND tag = $2 AND decision = 'granted' AND ended_at IS NULL",
);

pub(crate) const ASK_ADD: Statement = Statement::new(
    "note whom the operators asked",
    "INSERT INTO support_ask
        (org_id, request_id, operator_id, customer_id, customer_region, customer, asked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const ASK_ONE: Statement = Statement::new(
    "look up whom the operators asked",
    "SELECT request_id, operator_id, customer_id, customer_region, customer, asked_at
       FROM support_ask WHERE org_id = $1 AND request_id = $2",
);

/// Newest first, behind the id `$2`; empty for the newest.
pub(crate) const ASK_PAGE: Statement = Statement::new(
    "list whom the operators asked",
    "SELECT request_id, operator_id, customer_id, customer_region, customer, asked_at
       FROM support_ask
      WHERE org_id = $1 AND ($2 = '' OR request_id < $2)
      ORDER BY request_id DESC LIMIT $3",
);

pub(crate) const ASK_ENTERED: Statement = Statement::new(
    "note that an operator entered",
    "UPDATE support_ask SET entered_at = $3 WHERE org_id = $1 AND request_id = $2",
);

pub(crate) const ASK_WITHDRAWN: Statement = Statement::new(
    "note that an operator gave access back",
    "UPDATE support_ask SET withdrawn_at = $3 WHERE org_id = $1 AND request_id = $2",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::REQUESTS,
    crate::keeper::ASKS,
    REQUEST_ADD,
    REQUESTS_WAITING,
    REQUEST_ONE,
    REQUEST_PAGE,
    REQUEST_GRANT,
    REQUEST_REFUSE,
    REQUEST_END,
    REQUESTS_END,
    REQUEST_ENTER,
    REQUEST_LEAVE,
    VISIT_BY_TAG,
    ASK_ADD,
    ASK_ONE,
    ASK_PAGE,
    ASK_ENTERED,
    ASK_WITHDRAWN,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
