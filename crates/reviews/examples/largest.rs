//! How long the largest campaign takes, and that one more item is refused:
//! `cargo run --release -p reviews --example largest`, on each engine that tests run on.
#![expect(clippy::expect_used, reason = "what cannot be measured should stop the measurement")]
#![expect(clippy::print_stdout, reason = "its figures are what it is run for")]

use std::time::Instant;

use access::{Caller, MemberId, Method};
use base::tasks::Tasks;
use base::time::Clock as _;
use identity::testing::{House, Plan};
use identity::{Arrival, Birth};
use reviews::{ITEMS_MAX, Reviews};
use serde_json::json;

#[tokio::main]
async fn main() {
    for house in Plan::of(reviews::sql::MIGRATIONS).houses().await {
        println!("{ITEMS_MAX} items on {:?}:", house.bench.db.engine());
        let reviews = Reviews::open(reviews::Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            identity: house.identity.clone(),
            tasks: Tasks::new(),
        });
        let routes = reviews::routes(reviews.clone()).merge(reviews::pages(reviews));
        measure(&house.serving(routes)).await;
    }
}

async fn measure(house: &House) {
    let (org, operator) = house.found("acme").await;
    let owner = house.member(&operator, "ada@acme.example", "org:owner").await.id;
    let birth = Birth::of(owner, Method::Passkey, Some(house.clock.now()));
    let ada = house.let_in(&org, birth, None).await;
    // Beside the owner.
    add(house, &operator, ITEMS_MAX - 1).await;
    let everything =
        json!({ "name": "Q1", "scope": "everything", "due_at": "2026-03-31T00:00:00Z" });
    let ask = async |what: &str, method: &str, path: &str, body, status: u16| {
        let begun = Instant::now();
        let answer = house.ask(&ada, method, path, body).await;
        println!("  {what}: {:?}", begun.elapsed());
        assert_eq!(answer.status, status, "{}", answer.text);
        answer
    };
    let begun = ask("begin", "POST", "/api/reviews", everything.clone(), 201).await.json();
    let id = begun.get("id").and_then(|id| id.as_str()).expect("an id");
    let review = format!("/api/reviews/{id}");
    let keep = json!({ "decision": "keep", "reason": "still needed", "filter": {} });
    ask("decide about all", "POST", &format!("{review}/decisions"), keep, 200).await;
    ask("look", "GET", &review, json!(null), 200).await;
    let export = format!("{review}/export?format=csv");
    let table = ask("export", "GET", &export, json!(null), 200).await.text;
    assert_eq!(table.lines().count(), ITEMS_MAX + 1);
    add(house, &operator, 1).await;
    let more = ask("refuse one more", "POST", "/api/reviews", everything, 422).await;
    assert_eq!(more.code(), "too_many_items");
}

async fn add(house: &House, operator: &Caller, count: usize) {
    let mut work = house.identity.begin(&operator.itself()).await.expect("begins");
    for _ in 0..count {
        let email = format!("{}@many.example", MemberId::new(house.clock.now()).ulid());
        let (name, role) = ("somebody".to_owned(), "org:member".to_owned());
        let arrival = Arrival { email, name, role };
        house.identity.arrive(operator, &mut work, &arrival).await.expect("arrives");
    }
    let event = audit::Event::done("identity.member.added", "org", operator.org.as_str());
    house.identity.commit(work, event).await.expect("commits");
}
