//! As much as a campaign holds.

use access::MemberId;
use base::args;
use base::db::Batch;
use base::time::Clock as _;

use crate::bench::House;

const MEMBERS: Batch = Batch::new(
    "add many members",
    "INSERT INTO identity_member (org_id, member_id, email, name, role, state, created_at)",
    7,
    "",
);
/// What gives access in an org of these tests from the beginning.
const FURNISHED: usize = 7;

/// More than one reading of members, one piece of an export and one batch of rows hold.
#[tokio::test]
async fn a_campaign_of_many_items_is_whole() {
    const MANY: usize = 2_500;
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        add(&house, MANY - FURNISHED).await;
        let ada = house.sign_in(acme, &acme.ada).await;
        let bob = house.sign_in(acme, &acme.bob).await;
        let review = house.begun(&ada, "everything", 1).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        let campaign = house.get(&ada, &review).await.json();
        assert_eq!(campaign["progress"]["keep"], MANY, "{campaign}");
        let table = house.get(&ada, &format!("{review}/export?format=csv")).await.text;
        assert_eq!(table.lines().count(), MANY + 1);
        let whole = house.get(&ada, &format!("{review}/export")).await.json();
        assert_eq!(whole["items"].as_array().expect("items").len(), MANY);
    }
}

async fn add(house: &House, count: usize) {
    let acme = &house.acme;
    let at = house.clock.now();
    let mut work = house.identity.begin(&acme.system.itself()).await.expect("begins");
    let rows = (0..count).map(|_| {
        let id = MemberId::new(at);
        let email = format!("{}@many.example", id.ulid());
        args![id.as_str(), email, "somebody", "org:member", "active", at]
    });
    work.change.many(&MEMBERS, rows.collect()).await.expect("adds");
    let event = audit::Event::done("identity.member.added", "org", acme.id.as_str());
    house.identity.commit(work, event).await.expect("commits");
}
