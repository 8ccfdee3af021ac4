//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] =
    &[Migration::both("privacy/0001_privacy", include_str!("../migrations/0001_privacy.sql"))];

macro_rules! request {
    ($tail:literal) => {
        concat!(
            "SELECT org_id, request_id, person_id, state, asked_by, asked_at, last_event_at,
                    erased_at, erased_event, statement
               FROM privacy_request WHERE ",
            $tail
        )
    };
}

macro_rules! hold {
    ($tail:literal) => {
        concat!(
            "SELECT hold_id, person_id, reason, placed_by, placed_at, until, lifted_at, lifted_by
               FROM privacy_hold WHERE org_id = $1 ",
            $tail
        )
    };
}

/// One at a time for each person: a second one waits here, and finds the first one's.
pub(crate) const REQUEST_ADD: Statement = Statement::new(
    "ask for an erasure",
    "INSERT INTO privacy_request (org_id, request_id, person_id, state, asked_by, asked_at,
        last_event_at)
     VALUES ($1, $2, $3, 'asked', $4, $5, $6) ON CONFLICT DO NOTHING",
);

/// Locks it until the commit.
pub(crate) const REQUEST_TAKE: Statement = Statement::new(
    "go on with an erasure",
    "UPDATE privacy_request SET state = 'asked'
      WHERE org_id = $1 AND request_id = $2 AND state = 'restricted'",
);

pub(crate) const REQUEST_RESTRICT: Statement = Statement::new(
    "let an erasure wait",
    "UPDATE privacy_request SET state = 'restricted'
      WHERE org_id = $1 AND request_id = $2 AND state = 'asked'",
);

pub(crate) const REQUEST_ERASED: Statement = Statement::new(
    "note an erasure",
    "UPDATE privacy_request SET state = 'erased', erased_at = $3, statement = $4
      WHERE org_id = $1 AND request_id = $2 AND state = 'asked'",
);

/// The event's position comes last.
pub(crate) const REQUEST_EVENT: Statement = Statement::new(
    "note the event of an erasure",
    "UPDATE privacy_request SET erased_event = $3 WHERE org_id = $1 AND request_id = $2",
);

/// Of an erasure that was done once, whatever the database knows of it.
pub(crate) const REQUEST_AGAIN: Statement = Statement::new(
    "note an erasure that is done again",
    "UPDATE privacy_request SET state = 'erased', erased_at = $3
      WHERE org_id = $1 AND person_id = $2 AND state IN ('asked', 'restricted')",
);

pub(crate) const REQUEST_WITHDRAW: Statement = Statement::new(
    "take an erasure back",
    "UPDATE privacy_request SET state = 'withdrawn', withdrawn_at = $3, withdrawn_by = $4
      WHERE org_id = $1 AND request_id = $2 AND state = 'restricted'",
);

pub(crate) const REQUEST_ONE: Statement =
    Statement::new("look up an erasure", request!("org_id = $1 AND request_id = $2"));

pub(crate) const REQUEST_OF: Statement = Statement::new(
    "look up the erasure of a person",
    request!("org_id = $1 AND person_id = $2 AND state <> 'withdrawn'"),
);

/// Newest first, behind the id `$2`; empty for the newest.
pub(crate) const REQUEST_PAGE: Statement = Statement::new(
    "list erasures",
    request!("org_id = $1 AND ($2 = '' OR request_id < $2) ORDER BY request_id DESC LIMIT $3"),
);

/// Of all orgs of a region: for the sweep.
pub(crate) const REQUESTS_WAITING: Statement = Statement::new(
    "look for erasures that wait",
    request!(
        "(org_id, request_id) > ($1, $2) AND state = 'restricted'
          ORDER BY org_id, request_id LIMIT 200"
    ),
);

pub(crate) const REQUESTS_COUNT: Statement = Statement::new(
    "count the erasures of a person",
    "SELECT COUNT(*) AS rows FROM privacy_request
      WHERE org_id = $1 AND (person_id = $2 OR asked_by = $2 OR withdrawn_by = $2)",
);

pub(crate) const HOLD_ADD: Statement = Statement::new(
    "place a hold",
    "INSERT INTO privacy_hold (org_id, hold_id, person_id, reason, placed_by, placed_at, until)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const HOLD_LIFT: Statement = Statement::new(
    "lift a hold",
    "UPDATE privacy_hold SET lifted_at = $3, lifted_by = $4
      WHERE org_id = $1 AND hold_id = $2 AND lifted_at IS NULL",
);

pub(crate) const HOLD_ONE: Statement = Statement::new("look up a hold", hold!("AND hold_id = $2"));

/// Newest first, behind the id `$2`; empty for the newest.
pub(crate) const HOLD_PAGE: Statement = Statement::new(
    "list holds",
    hold!("AND ($2 = '' OR hold_id < $2) ORDER BY hold_id DESC LIMIT $3"),
);

/// Those in force on a person at an instant.
pub(crate) const HOLDS_ON: Statement = Statement::new(
    "look for holds on a person",
    hold!(
        "AND lifted_at IS NULL AND (until IS NULL OR until > $3)
         AND (person_id IS NULL OR person_id = $2) ORDER BY hold_id LIMIT 200"
    ),
);

/// All that are in force at an instant: at most [`crate::hold::HOLDS_MAX`].
pub(crate) const HOLDS_NOW: Statement = Statement::new(
    "look for holds",
    "SELECT person_id, until FROM privacy_hold
      WHERE org_id = $1 AND lifted_at IS NULL AND (until IS NULL OR until > $2)
      ORDER BY hold_id LIMIT 200",
);

pub(crate) const HOLDS_IN_FORCE: Statement = Statement::new(
    "count holds",
    "SELECT COUNT(*) AS rows FROM privacy_hold
      WHERE org_id = $1 AND lifted_at IS NULL AND (until IS NULL OR until > $2)",
);

pub(crate) const HOLDS_COUNT: Statement = Statement::new(
    "count the holds on a person",
    "SELECT COUNT(*) AS rows FROM privacy_hold
      WHERE org_id = $1 AND (person_id = $2 OR placed_by = $2 OR lifted_by = $2)",
);

pub(crate) const RETENTION: Statement = Statement::new(
    "read how long values are kept",
    "SELECT days, law, set_by, set_at FROM privacy_retention WHERE org_id = $1",
);

/// Also locks the row: what blocks an erasure stays as it is until the erasure is done.
pub(crate) const RETENTION_SET: Statement = Statement::new(
    "set how long values are kept",
    "INSERT INTO privacy_retention (org_id, days, law, set_by, set_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (org_id) DO UPDATE SET days = excluded.days, law = excluded.law,
        set_by = excluded.set_by, set_at = excluded.set_at",
);

/// Whoever places a hold, carries out an erasure or deletes takes turns by this row.
pub(crate) const TURN: Statement = Statement::new(
    "take the turn of an org's erasures",
    "INSERT INTO privacy_retention (org_id, days, law, set_by, set_at)
     VALUES ($1, 0, '', '', 0)
     ON CONFLICT (org_id) DO UPDATE SET days = privacy_retention.days",
);

pub(crate) const RETENTION_COUNT: Statement = Statement::new(
    "count what a person set",
    "SELECT COUNT(*) AS rows FROM privacy_retention WHERE org_id = $1 AND set_by = $2",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    REQUEST_ADD,
    REQUEST_TAKE,
    REQUEST_RESTRICT,
    REQUEST_ERASED,
    REQUEST_EVENT,
    REQUEST_AGAIN,
    REQUEST_WITHDRAW,
    REQUEST_ONE,
    REQUEST_OF,
    REQUEST_PAGE,
    REQUESTS_WAITING,
    REQUESTS_COUNT,
    HOLD_ADD,
    HOLD_LIFT,
    HOLD_ONE,
    HOLD_PAGE,
    HOLDS_ON,
    HOLDS_NOW,
    HOLDS_IN_FORCE,
    HOLDS_COUNT,
    RETENTION,
    RETENTION_SET,
    TURN,
    RETENTION_COUNT,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
