//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "limits/0001_limit",
    sqlite: include_str!("../migrations/0001_limit.sqlite.sql"),
    postgres: include_str!("../migrations/0001_limit.postgres.sql"),
}];

/// All limits of an org: an admin writes them, so they are few.
pub(crate) const LIMITS: Statement = Statement::new(
    "read the limits",
    "SELECT level, subject, requests_per_minute, tokens_per_minute, concurrency,
            money_per_day_nanocents, money_per_month_nanocents, set_at, set_by
       FROM limits_limit WHERE org_id = $1 ORDER BY level, subject",
);

pub(crate) const LIMIT: Statement = Statement::new(
    "read a limit",
    "SELECT level, subject, requests_per_minute, tokens_per_minute, concurrency,
            money_per_day_nanocents, money_per_month_nanocents, set_at, set_by
       FROM limits_limit WHERE org_id = $1 AND level = $2 AND subject = $3",
);

/// Limits from the org down to models, behind the place `$4`. An empty `$2` turns the filter
/// by level off; anything in `$3` leaves limits in money alone.
pub(crate) const SOME: Statement = Statement::new(
    "read the limits",
    "SELECT level, subject, requests_per_minute, tokens_per_minute, concurrency,
            money_per_day_nanocents, money_per_month_nanocents, set_at, set_by
       FROM limits_limit
      WHERE org_id = $1 AND ($2 = '' OR level = $2)
        AND ($3 = '' OR money_per_day_nanocents IS NOT NULL
                     OR money_per_month_nanocents IS NOT NULL)
        AND CASE level WHEN 'org' THEN '0' WHEN 'team' THEN '1' WHEN 'member' THEN '2'
                       WHEN 'key' THEN '3' ELSE '4' END || subject > $4
      ORDER BY CASE level WHEN 'org' THEN '0' WHEN 'team' THEN '1' WHEN 'member' THEN '2'
                          WHEN 'key' THEN '3' ELSE '4' END || subject
      LIMIT $5",
);

pub(crate) const COUNT: Statement = Statement::new(
    "count the limits",
    "SELECT COUNT(*) AS limits FROM limits_limit WHERE org_id = $1",
);

pub(crate) const SET: Statement = Statement::new(
    "set a limit",
    "INSERT INTO limits_limit
        (org_id, level, subject, requests_per_minute, tokens_per_minute, concurrency,
         money_per_day_nanocents, money_per_month_nanocents, set_at, set_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (org_id, level, subject) DO UPDATE SET
        requests_per_minute = excluded.requests_per_minute,
        tokens_per_minute = excluded.tokens_per_minute,
        concurrency = excluded.concurrency,
        money_per_day_nanocents = excluded.money_per_day_nanocents,
        money_per_month_nanocents = excluded.money_per_month_nanocents,
        set_at = excluded.set_at,
        set_by = excluded.set_by",
);

pub(crate) const REMOVE: Statement = Statement::new(
    "remove a limit",
    "DELETE FROM limits_limit WHERE org_id = $1 AND level = $2 AND subject = $3",
);

/// What every subject spent, on the day `$3` and since the first of its month, `$2`.
pub(crate) const SPENT: Statement = Statement::new(
    "read the ledger",
    "SELECT subject,
            CAST(SUM(CASE WHEN day = $3 THEN nanocents ELSE 0 END) AS BIGINT) AS day_spent,
            CAST(SUM(nanocents) AS BIGINT) AS month_spent
       FROM limits_ledger WHERE org_id = $1 AND day >= $2 AND day <= $3 GROUP BY subject",
);

/// What the subject `$2` spent on each of 31 days. The days are named one by one: the key of
/// the ledger begins with the day, so each of them is one step in it, however many rows a day has.
pub(crate) const SPENT_BY_DAY: Statement = Statement::new(
    "read the ledger",
    "SELECT day, nanocents FROM limits_ledger
      WHERE org_id = $1 AND subject = $2
        AND day IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                    $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)",
);

/// Rows from day `$2` to day `$3`, newest first, behind the day `$6` and the subject
/// `$7`. An empty `$4` turns the filter by subject off; `$5` is a pattern of subjects.
pub(crate) const USAGE: Statement = Statement::new(
    "read the ledger",
    "SELECT day, subject, calls, tokens_in, tokens_out, nanocents
       FROM limits_ledger
      WHERE org_id = $1 AND day >= $2 AND day <= $3
        AND ($4 = '' OR subject = $4) AND subject LIKE $5
        AND (day < $6 OR (day = $6 AND subject > $7))
      ORDER BY day DESC, subject LIMIT $8",
);

pub(crate) const ADD: Batch = Batch::new(
    "add to the ledger",
    "INSERT INTO limits_ledger (org_id, day, subject, calls, tokens_in, tokens_out, nanocents)",
    7,
    "ON CONFLICT (org_id, day, subject) DO UPDATE SET
        calls = limits_ledger.calls + excluded.calls,
        tokens_in = limits_ledger.tokens_in + excluded.tokens_in,
        tokens_out = limits_ledger.tokens_out + excluded.tokens_out,
        nanocents = limits_ledger.nanocents + excluded.nanocents",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::LIMITS_OF,
    crate::keeper::LEDGER_OF,
    LIMITS,
    LIMIT,
    SOME,
    COUNT,
    SET,
    REMOVE,
    SPENT,
    SPENT_BY_DAY,
    USAGE,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[ADD];
