//! Three weeks of calls that were made before a test began: a chart of one day shows
//! nothing. They are written where the house would have added them up.

use std::path::Path;

use base::args;
use base::db::{Db, Statement, Within};

/// `$2` is a model, `$3` its calls on a working day, `$4` what one costs.
const OF_A_MODEL: Statement = Statement::new(
    "write what a model did",
    "INSERT INTO usage_sum
       WITH RECURSIVE days (back) AS (VALUES (1) UNION ALL SELECT back + 1 FROM days WHERE back < 21),
            calls (at, ok) AS (SELECT
              (CAST(strftime('%s', 'now') AS INTEGER) / 86400 - back) * 86400000000,
              CASE WHEN strftime('%w', 'now', '-' || back || ' days') IN ('0', '6') THEN $3 / 6
                   ELSE $3 + (back * 37 + $3) % 23 * $3 / 60 END FROM days)
     SELECT $1, 'day', '', 'model', at, $2, ok, ok / 60, ok / 90, ok / 40, ok * 310, ok * 140,
            ok * $4, 0, 0, 0, 0, 0, 0, ok / 5, ok - ok / 5 - ok / 4 - ok / 9, ok / 4, ok / 9,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM calls",
);

const OF_THE_ORG: Statement = Statement::new(
    "write what the org did",
    "INSERT INTO usage_sum
     SELECT org_id, 'day', '', 'org', at, '', SUM(ok), SUM(failed), SUM(aborted), SUM(refused),
            SUM(tokens_in), SUM(tokens_out), SUM(nanocents), 0, 0, 0, 0, 0, 0, SUM(lat_06),
            SUM(lat_07), SUM(lat_08), SUM(lat_09), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
       FROM usage_sum WHERE org_id = $1 AND kind = 'model' GROUP BY org_id, at",
);

const SPENT: Statement = Statement::new(
    "write what was spent",
    "INSERT INTO limits_ledger
     SELECT org_id, date(at / 1000000, 'unixepoch'),
            CASE kind WHEN 'org' THEN 'org' ELSE 'model:' || subject END, ok, tokens_in,
            tokens_out, nanocents
       FROM usage_sum WHERE org_id = $1 AND span = 'day'",
);

/// What a call costs, of the first model on, in billionths of a cent.
const PRICES: [i64; 3] = [2_100_000_000, 180_000_000, 520_000_000];
/// How many are made on a working day.
const CALLS: [i64; 3] = [260, 410, 120];

/// Writes it into a region's database, before anybody serves from it.
#[expect(clippy::disallowed_methods, reason = "nobody did these: they are in no record")]
pub(crate) async fn write(file: &Path, org: &str, models: &[&str; 3]) {
    let db = Db::open(&format!("sqlite://{}", file.display())).await.expect("opens");
    let mut tx = db.begin(&Within::org(org)).await.expect("begins");
    for ((model, calls), price) in models.iter().zip(CALLS).zip(PRICES) {
        tx.run(OF_A_MODEL, args![org, *model, calls, price]).await.expect("writes");
    }
    tx.run(OF_THE_ORG, args![org]).await.expect("writes");
    tx.run(SPENT, args![org]).await.expect("writes");
    tx.commit().await.expect("commits");
    db.close().await;
}
