//! What the room does by itself.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{Connected, House};
use crate::idp::Idp;
use crate::op::Op;
use crate::signing_in::signs_in;

const IDP: &str = "https://idp.example/metadata";

#[tokio::test]
async fn metadata_that_cannot_be_read_leaves_the_last_good_in_place() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let (idp, next) = (Idp::new(IDP), Idp::new(IDP));
        op.said().metadata = idp.metadata();
        let source = format!("{}/metadata", op.issuer);
        let new = json!({ "kind": "saml", "name": "Acme login", "source": source });
        let made = house.ask(&org.owner.key, "POST", "/api/connections", new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let connected = Connected::of(&made.json());
        house.sso_state_tested(&connected).await;
        let path = format!("/api/connections/{}", connected.id);
        let on = house.ask(&org.owner.key, "POST", &format!("{path}/activate"), Value::Null).await;
        assert_eq!(on.status, 200, "{}", on.text);
        assert_eq!(house.sso.refresh_due().await.expect("reads"), 0, "not before an hour");
        let one = async || house.ask(&org.owner.key, "GET", &path, Value::Null).await.json();
        // Gone, broken, of another provider: what was read before holds on.
        for metadata in [None, Some("<xml/>".to_owned()), Some(Idp::new("https://b").metadata())] {
            op.said().down = metadata.is_none();
            op.said().metadata = metadata.unwrap_or_default();
            house.clock.advance(SignedDuration::from_mins(61));
            assert_eq!(house.sso.refresh_due().await.expect("reads"), 1);
            assert!(one().await["fault"].is_string());
            let on = (&connected, &idp);
            let mut browser = Browser::default();
            let end = signs_in(&house, &mut browser, on, |says| says, "ada@acme.example").await;
            assert_eq!(end.status, 303, "{}", end.text);
        }
        assert_eq!(house.events(&org, "sso.provider.unreadable").await.len(), 3);
        // It is back, with another certificate.
        op.said().down = false;
        op.said().metadata = next.metadata();
        house.clock.advance(SignedDuration::from_mins(61));
        assert_eq!(house.sso.refresh_due().await.expect("reads"), 1);
        assert!(one().await["fault"].is_null());
        let (mut old, mut new) = (Browser::default(), Browser::default());
        let email = "ada@acme.example";
        let end = signs_in(&house, &mut old, (&connected, &idp), |says| says, email).await;
        assert_eq!(end.status, 403, "its certificate is gone");
        let end = signs_in(&house, &mut new, (&connected, &next), |says| says, email).await;
        assert_eq!(end.status, 303, "{}", end.text);
        // As it was, it is no event.
        let changed = house.events(&org, "sso.provider.changed").await.len();
        house.clock.advance(SignedDuration::from_mins(61));
        house.sso.refresh_due().await.expect("reads");
        assert_eq!(house.events(&org, "sso.provider.changed").await.len(), changed);
    }
}

#[tokio::test]
async fn certificates_that_expire_are_told_of_before() {
    for house in House::on_each_engine().await {
        // The clock stands at the beginning of 2026.
        let (org, idp) = (house.org("acme").await, Idp::until(IDP, 2027));
        let connected = house.made(&org, &idp).await;
        assert_eq!(house.sso.warn().await.expect("looks"), 0);
        let mut told = Vec::new();
        for (days, warns) in [(334, 0), (3, 1), (1, 0), (16, 1), (0, 0), (9, 1)] {
            house.clock.advance(SignedDuration::from_hours(days * 24));
            assert_eq!(house.sso.warn().await.expect("looks"), warns, "{days} days later");
            told.push(house.sso.warn().await.expect("looks"));
        }
        assert!(told.iter().all(|again| *again == 0), "once each");
        let events = house.events(&org, "sso.certificate.expiring").await;
        let days: Vec<_> = events.iter().map(|event| &event["changes"]["days"]).collect();
        assert_eq!(days, [&json!(2), &json!(11), &json!(28)], "{events:?}");
        assert_eq!(events[0]["changes"]["whose"], "provider");
        let page = format!("/connections/{}", connected.id);
        let page = house.ask(&org.owner.key, "GET", &page, Value::Null).await;
        assert!(page.text.contains("soon"), "{}", page.text);
    }
}
