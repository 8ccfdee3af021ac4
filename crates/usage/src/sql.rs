//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[Migration {
    name: "usage/0001_usage",
    sqlite: include_str!("../migrations/0001_usage.sqlite.sql"),
    postgres: include_str!("../migrations/0001_usage.postgres.sql"),
}];

/// The columns that are added up, in the order of `Numbers::values`.
macro_rules! numbers {
    () => {
        "ok, failed, aborted, refused, tokens_in, tokens_out, nanocents,
         lat_00, lat_01, lat_02, lat_03, lat_04, lat_05, lat_06, lat_07, lat_08, lat_09,
         lat_10, lat_11, lat_12, lat_13, lat_14, lat_15, lat_16, lat_17, lat_18, lat_19"
    };
}

/// Each of them summed.
macro_rules! sums {
    () => {
        sums!(
            "ok" "failed" "aborted" "refused" "tokens_in" "tokens_out" "nanocents"
            "lat_00" "lat_01" "lat_02" "lat_03" "lat_04" "lat_05" "lat_06" "lat_07" "lat_08"
            "lat_09" "lat_10" "lat_11" "lat_12" "lat_13" "lat_14" "lat_15" "lat_16" "lat_17"
            "lat_18"
        )
    };
    ($($column:literal)+) => {
        concat!(
            $("CAST(SUM(", $column, ") AS BIGINT) AS ", $column, ", ",)+
            "CAST(SUM(lat_19) AS BIGINT) AS lat_19"
        )
    };
}

/// Adds to what a row has.
macro_rules! adding {
    ($table:literal, $key:literal) => {
        adding!($table, $key,
            "ok" "failed" "aborted" "refused" "tokens_in" "tokens_out" "nanocents"
            "lat_00" "lat_01" "lat_02" "lat_03" "lat_04" "lat_05" "lat_06" "lat_07" "lat_08"
            "lat_09" "lat_10" "lat_11" "lat_12" "lat_13" "lat_14" "lat_15" "lat_16" "lat_17"
            "lat_18"
        )
    };
    ($table:literal, $key:literal, $($column:literal)+) => {
        concat!(
            "ON CONFLICT (", $key, ") DO UPDATE SET ",
            $($column, " = ", $table, ".", $column, " + excluded.", $column, ", ",)+
            "lat_19 = ", $table, ".lat_19 + excluded.lat_19"
        )
    };
}

/// What a ranking is by, of a row; `$2` is the metric.
macro_rules! amount {
    () => {
        "CASE $2 WHEN 'tokens' THEN tokens_in + tokens_out WHEN 'money' THEN nanocents
                 WHEN 'errors' THEN failed WHEN 'refused' THEN refused
                 ELSE ok + failed + aborted END"
    };
}

/// What a row of a cell is told apart by; `$3` is the dimension, empty for none.
macro_rules! subject {
    () => {
        "CASE $3 WHEN 'model' THEN model WHEN 'member' THEN member_id WHEN 'key' THEN key_id
                 WHEN 'team' THEN team_ids ELSE '' END AS subject"
    };
}

/// The largest subjects of the cells that hold. `$4` is the span, `$5` and `$6` are its
/// ends; then the filters: an empty text turns one off.
macro_rules! top {
    ($selective:literal) => {
        concat!(
            "SELECT subject, CAST(SUM(amount) AS BIGINT) AS amount FROM (SELECT ",
            subject!(),
            ", ",
            amount!(),
            " AS amount FROM usage_cell
               WHERE org_id = $1 AND at >= $5 AND at < $6",
            $selective,
            " AND ($9 = '' OR model = $9) AND ($10 = '' OR team_ids LIKE $10)
             ) AS cell
             GROUP BY subject ORDER BY amount DESC, subject LIMIT $11"
        )
    };
}

/// The same cells, of ten subjects, by when and by subject. `$2` is not looked at.
macro_rules! parts {
    ($selective:literal) => {
        concat!(
            "SELECT at, subject, ",
            sums!(),
            " FROM (SELECT at, ",
            subject!(),
            ", ",
            numbers!(),
            " FROM usage_cell
               WHERE org_id = $1 AND $2 <> '' AND at >= $5 AND at < $6",
            $selective,
            " AND ($9 = '' OR model = $9) AND ($10 = '' OR team_ids LIKE $10)
             ) AS cell
             WHERE subject IN ($11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             GROUP BY at, subject ORDER BY at, subject LIMIT 10000"
        )
    };
}

/// Rows that one page of an export has.
macro_rules! page {
    ($selective:literal) => {
        concat!(
            "SELECT at, member_id, key_id, model, team_ids, ",
            numbers!(),
            " FROM usage_cell
              WHERE org_id = $1 AND at >= $3 AND at < $4",
            $selective,
            " AND ($7 = '' OR model = $7) AND ($8 = '' OR team_ids LIKE $8)
              AND (at, member_id, key_id, model, team_ids) > ($9, $10, $11, $12, $13)
              ORDER BY at, member_id, key_id, model, team_ids LIMIT 500"
        )
    };
}

pub(crate) const CURSOR: Statement = Statement::new(
    "read how far the record is folded",
    "SELECT seq, at, swept FROM usage_cursor WHERE org_id = $1",
);

/// Of all orgs of a region, from one to another: for the node's own work.
pub(crate) const CURSORS: Statement = Statement::new(
    "read how far records are folded",
    "SELECT org_id, seq FROM usage_cursor WHERE org_id > $1 AND org_id <= $2",
);

pub(crate) const START: Statement = Statement::new(
    "begin to fold the record",
    "INSERT INTO usage_cursor (org_id, seq, at, swept) VALUES ($1, 0, 0, 0)
     ON CONFLICT (org_id) DO NOTHING",
);

/// Of two that fold at once, one changes a row and the other none.
pub(crate) const ADVANCE: Statement = Statement::new(
    "note how far the record is folded",
    "UPDATE usage_cursor SET seq = $3, at = $4, swept = $5 WHERE org_id = $1 AND seq = $2",
);

pub(crate) const SWEEP_SUMS: Statement = Statement::new(
    "forget hours that are long over",
    "DELETE FROM usage_sum WHERE org_id = $1 AND span = 'hour' AND at < $2",
);

pub(crate) const SWEEP_CELLS: Statement = Statement::new(
    "forget hours that are long over",
    "DELETE FROM usage_cell WHERE org_id = $1 AND span = 'hour' AND at < $2",
);

/// The largest subjects of a kind: days, blocks and days, in three stretches that meet.
/// A month of 1,000 members is 9 to 16 rows of each instead of 30. `$10` is within what.
pub(crate) const SUM_TOP: Statement = Statement::new(
    "rank what was used",
    concat!(
        "SELECT subject, CAST(SUM(amount) AS BIGINT) AS amount FROM (
            SELECT subject, ",
        amount!(),
        " AS amount FROM usage_sum
               WHERE org_id = $1 AND span = $4 AND within = $10 AND kind = $3 AND at >= $5 AND at < $6
            UNION ALL SELECT subject, ",
        amount!(),
        " AS amount FROM usage_sum
               WHERE org_id = $1 AND span = 'block' AND within = $10 AND kind = $3 AND at >= $6 AND at < $7
            UNION ALL SELECT subject, ",
        amount!(),
        " AS amount FROM usage_sum
               WHERE org_id = $1 AND span = $4 AND within = $10 AND kind = $3 AND at >= $7 AND at < $8
         ) AS part
         GROUP BY subject ORDER BY amount DESC, subject LIMIT $9"
    ),
);

/// Ten subjects of a kind, by when.
pub(crate) const SUM_PARTS: Statement = Statement::new(
    "read what was used",
    concat!(
        "SELECT at, subject, ",
        numbers!(),
        " FROM usage_sum
          WHERE org_id = $1 AND span = $2 AND kind = $3 AND at >= $4 AND at < $5
            AND within = $6
            AND subject IN ($7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
          ORDER BY at, subject LIMIT 10000"
    ),
);

// The engine plans a statement once, whatever is bound: the selective filters have
// statements of their own. `$7` is the member and `$8` the key.

pub(crate) const CELL_TOP: Statement = Statement::new(
    "rank what was used",
    top!(" AND span = $4 AND ($7 = '' OR member_id = $7) AND ($8 = '' OR key_id = $8)"),
);

pub(crate) const CELL_TOP_OF_MEMBER: Statement = Statement::new(
    "rank what a member used",
    top!(" AND span = $4 AND member_id = $7 AND ($8 = '' OR key_id = $8)"),
);

pub(crate) const CELL_TOP_OF_KEY: Statement = Statement::new(
    "rank what a key was used for",
    top!(" AND span = $4 AND ($7 = '' OR member_id = $7) AND key_id = $8"),
);

pub(crate) const CELL_PARTS: Statement = Statement::new(
    "read what was used",
    parts!(" AND span = $4 AND ($7 = '' OR member_id = $7) AND ($8 = '' OR key_id = $8)"),
);

pub(crate) const CELL_PARTS_OF_MEMBER: Statement = Statement::new(
    "read what a member used",
    parts!(" AND span = $4 AND member_id = $7 AND ($8 = '' OR key_id = $8)"),
);

pub(crate) const CELL_PARTS_OF_KEY: Statement = Statement::new(
    "read what a key was used for",
    parts!(" AND span = $4 AND ($7 = '' OR member_id = $7) AND key_id = $8"),
);

pub(crate) const EXPORT: Statement = Statement::new(
    "export what was used",
    page!(" AND span = $2 AND ($5 = '' OR member_id = $5) AND ($6 = '' OR key_id = $6)"),
);

pub(crate) const EXPORT_OF_MEMBER: Statement = Statement::new(
    "export what a member used",
    page!(" AND span = $2 AND member_id = $5 AND ($6 = '' OR key_id = $6)"),
);

pub(crate) const ADD_SUMS: Batch = Batch::new(
    "add up what was used",
    concat!("INSERT INTO usage_sum (org_id, span, within, kind, at, subject, ", numbers!(), ")"),
    33,
    adding!("usage_sum", "org_id, span, within, kind, at, subject"),
);

pub(crate) const ADD_CELLS: Batch = Batch::new(
    "add up what was used",
    concat!(
        "INSERT INTO usage_cell (org_id, span, at, member_id, key_id, model, team_ids, ",
        numbers!(),
        ")"
    ),
    34,
    adding!("usage_cell", "org_id, span, at, member_id, key_id, model, team_ids"),
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::SUMS,
    crate::keeper::CELLS,
    CURSOR,
    CURSORS,
    START,
    ADVANCE,
    SWEEP_SUMS,
    SWEEP_CELLS,
    SUM_TOP,
    SUM_PARTS,
    CELL_TOP,
    CELL_TOP_OF_MEMBER,
    CELL_TOP_OF_KEY,
    CELL_PARTS,
    CELL_PARTS_OF_MEMBER,
    CELL_PARTS_OF_KEY,
    EXPORT,
    EXPORT_OF_MEMBER,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[ADD_SUMS, ADD_CELLS];
