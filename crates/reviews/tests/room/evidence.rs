//! What an auditor is given.

use serde_json::{Value, json};

use crate::bench::House;

#[tokio::test]
async fn the_export_names_every_decision_and_its_events() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let key = house.place(&ada, &review, "key", &acme.key).await;
        let body = json!({ "decision": "revoke", "reason": "=1+1, \"unused\"", "items": [key] });
        house.decided(&ada, &review, body).await;
        house.keep_the_rest(&ada, &bob, &review).await;
        house.post(&ada, &format!("{review}/sign-off"), Value::Null).await;
        house.closed(&ada, &review).await;
        let events = house.events(acme).await;
        let event =
            |n: &Value| &events[usize::try_from(n.as_i64().expect("a number")).expect("fits")];

        let whole = house.get(&bob, &format!("{review}/export")).await.json();
        let campaign = &whole["campaign"];
        for (noted, action) in [
            ("created_event", "reviews.campaign.begun"),
            ("signed_event", "reviews.campaign.signed"),
            ("ended_event", "reviews.campaign.closed"),
        ] {
            assert_eq!(event(&campaign[noted])["action"], action);
        }
        let items = whole["items"].as_array().expect("items");
        assert_eq!(items.len(), 7);
        for (item, place) in items.iter().zip(1..) {
            assert_eq!(item["position"], place, "none is missing");
            let decided = event(&item["decision_event"]);
            assert_eq!(decided["action"], "reviews.items.decided");
            assert_eq!(decided["userId"], item["decided_by"]);
            assert_eq!(decided["changes"]["decision"]["to"], item["decision"]);
            assert!(item["decided_at"].is_string() && item["reason"].is_string());
            assert_ne!(item["about"], item["decided_by"]);
            assert!(item["about_name"].is_string(), "{item}");
        }
        let revoked = &items[usize::try_from(key - 1).expect("fits")];
        assert_eq!(revoked["name"], "ci");
        assert_eq!(event(&revoked["result_event"])["action"], "identity.key.revoked");

        let table = house.get(&bob, &format!("{review}/export?format=csv")).await.text;
        assert_eq!(table.lines().count(), 8, "{table}");
        assert!(table.contains("\"'=1+1, \"\"unused\"\"\""), "no formula: {table}");
        let exported = house.events(acme).await;
        let exported =
            exported.iter().filter(|event| event["action"] == "reviews.campaign.exported");
        assert_eq!(exported.count(), 2);
        // The record itself holds ids, and no names of people.
        assert!(!format!("{events:?}").contains("eve of acme"));
    }
}

#[tokio::test]
async fn the_pages_lead_from_beginning_to_signature() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        assert!(house.get(&ada, "/reviews").await.text.contains("No reviews yet"));
        assert_eq!(house.get(&ada, "/reviews/new").await.status, 200);
        let wrong = Value::from("name=&due=soon&scope=everything");
        let again = house.post(&ada, "/reviews/new", wrong).await;
        assert!(
            again.status == 422 && again.text.contains("must be in the future"),
            "{}",
            again.text
        );
        let right = Value::from("name=Q1&due=2026-03-31&scope=everything");
        assert_eq!(house.post(&ada, "/reviews/new", right).await.status, 303);
        let list = house.get(&ada, "/api/reviews").await.json();
        let id = list["items"][0]["id"].as_str().expect("an id").to_owned();
        let page = format!("/reviews/{id}");
        let text = house.get(&ada, &page).await.text;
        assert!(text.contains("eve of acme") && text.contains("yours"), "{text}");
        assert!(!text.contains("<script") && !text.contains("style="));
        let of_keys = format!("{page}?kind=key&reach=&decision=&role=&unused_days=0&about=");
        let keys = house.get(&ada, &of_keys).await.text;
        assert!(keys.contains("ci") && !keys.contains("eve of acme"));
        let form = "all=yes&decision=keep&reason=needed&kind=&about=&role=&reach=&unused_days=";
        for who in [&ada, &bob] {
            assert_eq!(house.post(who, &format!("{page}/decide"), form.into()).await.status, 303);
        }
        let text = house.get(&ada, &page).await.text;
        assert!(text.contains("Sign off") && text.contains("cannot be taken back"), "{text}");
        assert_eq!(house.post(&ada, &format!("{page}/sign-off"), Value::Null).await.status, 303);
        house.closed(&ada, &format!("/api{page}")).await;
        let text = house.get(&ada, &page).await.text;
        assert!(!text.contains("Sign off") && !text.contains("Decide about"), "{text}");
    }
}
