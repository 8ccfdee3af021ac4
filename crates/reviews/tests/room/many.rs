//! As much as a campaign holds.

use std::time::Instant;

use access::{Caller, MemberId, Region};
use base::args;
use base::db::Batch;
use base::time::Clock as _;
use serde_json::json;

use crate::bench::House;

const MEMBERS: Batch = Batch::new(
    "add many members",
    "INSERT INTO identity_member (org_id, member_id, email, name, role, state, created_at)",
    7,
    "",
);

/// More than one reading of members, one piece of an export and one batch of rows hold.
#[tokio::test]
async fn a_campaign_of_many_items_is_whole() {
    for house in House::on_each_engine().await {
        campaign_of(&house, 2_500).await;
    }
}

/// As many items as there can be, and one more is refused.
#[tokio::test]
#[ignore = "half a minute in a debug build: run by hand, for its figures"]
async fn a_campaign_holds_fifty_thousand_items_and_no_more() {
    for house in House::on_each_engine().await {
        let ada = campaign_of(&house, reviews::ITEMS_MAX).await;
        add(&house, 1).await;
        let body = json!({ "name": "x", "scope": "everything", "due_at": "2026-02-01T00:00:00Z" });
        let more = house.post(&ada, "/api/reviews", body).await;
        assert_eq!((more.status, more.code().as_str()), (422, "too_many_items"));
    }
}

async fn add(house: &House, count: usize) {
    let acme = &house.acme;
    let scope = Caller::operator(acme.id.clone(), Region::Eu, "test").itself();
    let at = house.clock.now();
    let mut work = house.identity.begin(&scope).await.expect("begins");
    let rows = (0..count).map(|_| {
        let id = MemberId::new(at);
        let email = format!("{}@many.example", id.ulid());
        args![id.as_str(), email, "somebody", "org:member", "active", at]
    });
    work.change.many(&MEMBERS, rows.collect()).await.expect("adds");
    let event = audit::Event::done("identity.member.added", "org", acme.id.as_str());
    house.identity.commit(work, event).await.expect("commits");
}

/// Begins with so many items, decides about all at once and exports them. Says how long
/// each took, and gives a reviewer's session.
#[expect(clippy::print_stderr, reason = "its figures are what it is run by hand for")]
async fn campaign_of(house: &House, items: usize) -> String {
    add(house, items - 7).await;
    let acme = &house.acme;
    let ada = house.sign_in(acme, &acme.ada).await;
    let bob = house.sign_in(acme, &acme.bob).await;
    let begun = Instant::now();
    let review = house.begun(&ada, "everything", 1).await;
    let to_begin = begun.elapsed();
    let begun = Instant::now();
    house.keep_the_rest(&ada, &bob, &review).await;
    let to_decide = begun.elapsed();
    let begun = Instant::now();
    let campaign = house.get(&ada, &review).await.json();
    let to_look = begun.elapsed();
    assert_eq!(campaign["progress"]["keep"], items, "{campaign}");
    let begun = Instant::now();
    let table = house.get(&ada, &format!("{review}/export?format=csv")).await.text;
    assert_eq!(table.lines().count(), items + 1);
    let whole = house.get(&ada, &format!("{review}/export")).await.json();
    assert_eq!(whole["items"].as_array().expect("items").len(), items);
    let to_export = begun.elapsed();
    eprintln!("begin {to_begin:?}, decide {to_decide:?}, look {to_look:?}, export {to_export:?}");
    ada
}
