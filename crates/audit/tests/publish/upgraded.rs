//! A version that lays the record out anew.

use base::args;
use base::db::{Statement, Within};
use base::testing::Bench;

use crate::house::{EU, House};
use crate::shelf::Shelf;

const EDIT: Statement =
    Statement::new("edit", "UPDATE audit_event SET outcome = 'x' WHERE org_id = $1");
const DELETE: Statement = Statement::new("delete", "DELETE FROM audit_event WHERE org_id = $1");

#[tokio::test]
async fn a_record_that_is_laid_out_anew_goes_on_with_every_event_and_stays_append_only() {
    let all = audit::sql::MIGRATIONS;
    let before = all.iter().position(|step| step.name == "audit/0014_rowid").expect("a step");
    let house = House::on(Bench::sqlite(&all[..before]).await, Shelf::default());
    let caller = house.somebody();
    house.grow(&caller, 300).await;
    let entries = house.entries(&caller).await;
    assert_eq!(house.published().await, 300);

    let applied = house.bench.db.migrate(all).await.expect("migrates");
    assert!(applied.contains(&"audit/0014_rowid"), "{applied:?}");
    assert_eq!(house.entries(&caller).await, entries);
    let org = caller.org.as_str();
    for verb in [EDIT, DELETE] {
        let mut tx = house.bench.db.begin(&Within::org(org)).await.expect("begins");
        assert!(tx.run(verb, args![org]).await.is_err(), "{}", verb.doing);
    }
    house.grow(&caller, 10).await;
    assert_eq!(house.published().await, 10);
    let verified = house.log.verify_some(EU, 1_000).await.expect("verifies");
    assert_eq!(verified.faults, []);
    assert!(verified.checked >= 310, "{}", verified.checked);
}
