//! Who hears that somebody asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::Method;
use base::time::Clock as _;
use identity::testing::Plan;
use identity::{Birth, Letter, Mail, Sent};
use serde_json::{Value, json};
use support::{Config, Consents, Support};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::bench::House;

/// A mail server that hands on what it takes.
#[derive(Debug)]
struct Postbox(UnboundedSender<Letter>);

impl Mail for Postbox {
    fn public_url(&self) -> &'static str {
        "https://portico.example"
    }

    fn send(&self, letter: Letter) -> Sent<'_> {
        self.0.send(letter).expect("somebody reads");
        Box::pin(std::future::ready(Ok(())))
    }
}

fn ask() -> Value {
    json!({
        "org": "acme", "reason": "case 4711: see http://evil.example",
        "permissions": ["users:read"], "hours": 4,
    })
}

#[tokio::test]
async fn those_who_may_approve_hear_of_a_request_by_mail() {
    let (sender, mut post) = unbounded_channel();
    let plan = Plan {
        mail: Some(Arc::new(Postbox(sender))),
        visits: |databases, clock, record| Arc::new(Consents::new(databases, clock, record)),
        ..Plan::of(support::sql::MIGRATIONS)
    };
    for house in plan.houses().await {
        let support = Support::open(support::Needs {
            databases: house.databases.clone(),
            clock: house.clock.shared(),
            record: house.record.clone(),
            identity: house.identity.clone(),
            find_org: house.directory.clone(),
            config: Config { operators: Some("operators".to_owned()) },
        });
        let house = house.serving(support::routes(support));
        let (operators, acme) = (house.org("operators").await, house.org("acme").await);
        let operator = operators.owner.id.parse().expect("an id");
        let birth = Birth::of(operator, Method::Passkey, Some(house.clock.now()));
        let session = house.let_in(&operators.id, birth, None).await;
        let asked = house.post(&session, "/api/support/asks", ask()).await;
        assert_eq!(asked.status, 201, "{}", asked.text);
        let (first, second) = (post.recv().await, post.recv().await);
        let letters = [first, second].map(|letter| letter.expect("a letter"));
        let to: BTreeSet<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
        assert_eq!(to, BTreeSet::from([&*acme.owner.email, &*acme.admin.email]));
        for letter in &letters {
            assert_eq!(letter.subject, "Support asks for access to ACME on Portico");
            let text = letter.text.reveal();
            assert!(text.contains("https://portico.example/support"), "{text}");
            assert!(!text.contains("4711") && !text.contains("evil"), "no words of theirs: {text}");
        }
        let event = house.events(&acme, "support.request.asked").await.remove(0);
        let told = event["changes"]["letters"]["to"].as_array().expect("a list");
        let told: BTreeSet<&str> = told.iter().filter_map(Value::as_str).collect();
        assert_eq!(told, BTreeSet::from([&*acme.owner.id, &*acme.admin.id]), "{event}");
        assert!(post.try_recv().is_err(), "nobody else is written to");
    }
}

#[tokio::test]
async fn a_request_waits_also_where_nobody_can_be_written_to() {
    for house in House::on_each_engine().await {
        let operator = house.sign_in(&house.operators, &house.operators.owner).await;
        assert_eq!(house.post(&operator, "/api/support/asks", ask()).await.status, 201);
        let events = house.events(&house.acme).await;
        let asked = events.iter().find(|event| event["action"] == json!("support.request.asked"));
        assert_eq!(asked.expect("recorded")["changes"]["letters"]["to"], json!([]));
    }
}
