//! Looking and deciding.

use identity::NewKey;
use serde_json::{Value, json};

use crate::bench::House;

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(reviews::sql::STATEMENTS, reviews::sql::BATCHES).await;
    }
}

#[tokio::test]
async fn a_campaign_takes_down_everything_that_gives_access() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let ada = house.sign_in(acme, &acme.ada).await;
        let review = house.begun(&ada, "everything", 1).await;
        let items = house.items(&ada, &review).await;
        let mut kinds: Vec<_> =
            items.iter().map(|item| item["kind"].as_str().expect("k")).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["grant", "key", "member", "member", "member", "membership", "service"]);
        let find = |kind: &str, id: &str| {
            let found = items.iter().find(|item| item["kind"] == kind && item["id"] == id);
            found.expect("is looked at").clone()
        };
        let eve = find("member", acme.eve.as_str());
        assert_eq!(eve["role"], "org:member");
        assert_eq!(eve["facts"]["teams"], json!([acme.team]));
        assert_eq!(eve["elevated"], true, "by her team: {eve}");
        assert!(
            eve["facts"]["permissions"].as_array().expect("a list").contains(&json!("users:keys"))
        );
        let member = find("membership", &acme.team);
        assert_eq!((&member["about"], &member["elevated"]), (&json!(acme.eve), &json!(true)));
        let grant = find("grant", &acme.grant);
        assert_eq!((&grant["about"], &grant["role"]), (&json!(acme.team), &json!("org:admin")));
        let key = find("key", &acme.key);
        assert_eq!((&key["about"], &key["elevated"]), (&json!(acme.bot), &json!(false)));
        let signed_in = find("member", acme.ada.as_str());
        assert_eq!(signed_in["last_used_at"], "2026-01-01T00:00:00Z");
        assert_eq!(find("member", acme.bob.as_str())["last_used_at"], Value::Null);
        // What comes later is not in it.
        let new =
            NewKey { owner: Some(acme.bot.clone()), name: "late".into(), ..NewKey::default() };
        house.identity.create_key(&acme.system, &new).await.expect("a key");
        assert_eq!(house.items(&ada, &review).await.len(), 7);
        let keys = house.begun(&ada, "keys", 1).await;
        assert_eq!(house.items(&ada, &keys).await.len(), 2);
        let elevated = house.begun(&ada, "elevated", 1).await;
        let elevated = house.items(&ada, &elevated).await;
        assert!(elevated.iter().all(|item| item["elevated"] == true));
        assert_eq!(elevated.len(), 5, "three members, the grant and the membership");
    }
}

#[tokio::test]
async fn nobody_decides_about_themselves() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let (ada, bob) =
            (house.sign_in(acme, &acme.ada).await, house.sign_in(acme, &acme.bob).await);
        let review = house.begun(&ada, "everything", 1).await;
        let own = house.place(&ada, &review, "member", acme.ada.as_str()).await;
        let body = json!({ "decision": "keep", "reason": "it is me", "items": [own] });
        let path = format!("{review}/decisions");
        let refused = house.post(&ada, &path, body.clone()).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "own_access"));
        let page = format!("/reviews/{}/decide", review.rsplit('/').next().expect("an id"));
        let form = Value::from(format!("item={own}&decision=keep&reason=it+is+me"));
        let refused = house.post(&ada, &page, form).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("their own access"), "{}", refused.text);
        // Many at once pass over it, and say so.
        let all = json!({ "decision": "keep", "reason": "still needed", "filter": {} });
        let decided = house.decided(&ada, &review, all).await;
        assert_eq!((&decided["items"], &decided["own"]), (&json!(6), &json!(1)));
        let undecided = house.get(&ada, &format!("{review}/items?decision=undecided")).await.json();
        assert_eq!(undecided["items"].as_array().expect("items").len(), 1);
        assert_eq!(undecided["items"][0]["about"], acme.ada.as_str());
        // Nor about what comes to them by a team.
        let grant = house.place(&ada, &review, "grant", &acme.grant).await;
        let team = acme.team.parse().expect("an id");
        house.identity.add_to_team(&acme.system, &team, &acme.bob).await.expect("joined");
        let bobs = json!({ "decision": "keep", "reason": "my team", "items": [grant] });
        assert_eq!(house.post(&bob, &path, bobs).await.code(), "own_access");
        let decided = house.decided(&bob, &review, body).await;
        assert_eq!(decided["items"], 1);
        // Programs decide about nobody, and whoever may not review does not even look.
        let eve = house.sign_in(acme, &acme.eve).await;
        let team = acme.team.parse().expect("an id");
        house.identity.take_from_team(&acme.system, &team, &acme.eve).await.expect("left");
        assert_eq!(house.get(&eve, &review).await.status, 403);
    }
}

#[tokio::test]
async fn a_decision_is_held_to_its_rules_and_can_be_changed_while_it_is_open() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let ada = house.sign_in(acme, &acme.ada).await;
        let review = house.begun(&ada, "everything", 1).await;
        let (eve, key) = (
            house.place(&ada, &review, "member", acme.eve.as_str()).await,
            house.place(&ada, &review, "key", &acme.key).await,
        );
        let path = format!("{review}/decisions");
        for (wrong, status) in [
            (json!({ "decision": "keep", "reason": "no", "items": [eve] }), 422),
            (json!({ "decision": "keep", "reason": "why not", "items": [] }), 422),
            (json!({ "decision": "keep", "reason": "why not" }), 422),
            (json!({ "decision": "keep", "reason": "why not", "items": [eve], "filter": {} }), 422),
            (json!({ "decision": "keep", "reason": "why not", "items": [999] }), 404),
            (json!({ "decision": "change", "reason": "why not", "items": [eve] }), 422),
            (
                json!({ "decision": "change", "role": "no-such", "reason": "why not", "items": [eve] }),
                422,
            ),
            (
                json!({ "decision": "change", "role": "org:viewer", "reason": "why not", "items": [key] }),
                422,
            ),
            (
                json!({ "decision": "change", "role": "org:viewer", "reason": "why not", "filter": {} }),
                422,
            ),
            (
                json!({ "decision": "keep", "role": "org:viewer", "reason": "why not", "items": [eve] }),
                422,
            ),
        ] {
            let answer = house.post(&ada, &path, wrong.clone()).await;
            assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        }
        for (decision, decided) in [("revoke", 1), ("keep", 1)] {
            let body = json!({ "decision": decision, "reason": "a reason", "items": [eve] });
            house.decided(&ada, &review, body).await;
            let campaign = house.get(&ada, &review).await.json();
            assert_eq!(campaign["decided"], decided, "one item is one decision");
            assert_eq!(campaign["progress"][decision], 1);
        }
    }
}

#[tokio::test]
async fn a_review_that_is_late_says_so() {
    for house in House::on_each_engine().await {
        let acme = &house.acme;
        let ada = house.sign_in(acme, &acme.ada).await;
        let review = house.begun(&ada, "keys", 1).await;
        assert_eq!(house.get(&ada, &review).await.json()["overdue"], false);
        house.clock.advance(jiff::SignedDuration::from_hours(24 * 90));
        let ada = house.sign_in(acme, &acme.ada).await;
        assert_eq!(house.get(&ada, &review).await.json()["overdue"], true);
        assert!(house.get(&ada, "/reviews").await.text.contains("overdue"));
        for due in ["2025-12-31T00:00:00Z", "2028-01-01T00:00:00Z"] {
            let body = json!({ "name": "x", "scope": "keys", "due_at": due });
            assert_eq!(house.post(&ada, "/api/reviews", body).await.status, 422, "{due}");
        }
    }
}

#[tokio::test]
async fn two_orgs_review_apart() {
    for house in House::on_each_engine().await {
        let (acme, globex) = (&house.acme, &house.globex);
        let ada = house.sign_in(acme, &acme.ada).await;
        let review = house.begun(&ada, "everything", 1).await;
        let stranger = house.sign_in(globex, &globex.ada).await;
        let list = house.get(&stranger, "/api/reviews").await.json();
        assert_eq!(list["items"], json!([]));
        let keep = json!({ "decision": "keep", "reason": "not mine", "filter": {} });
        for (method, path, body) in [
            ("GET", review.clone(), Value::Null),
            ("GET", format!("{review}/items"), Value::Null),
            ("GET", format!("{review}/export"), Value::Null),
            ("POST", format!("{review}/decisions"), keep),
            ("POST", format!("{review}/sign-off"), Value::Null),
            ("POST", format!("{review}/reopen"), Value::Null),
            ("POST", format!("{review}/cancel"), Value::Null),
            ("GET", review.replace("/api", ""), Value::Null),
        ] {
            let answer = house.ask(&stranger, method, &path, body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
        }
        let own = house.begun(&stranger, "everything", 1).await;
        let items = house.get(&stranger, &format!("{own}/items")).await.text;
        assert!(items.contains(globex.eve.as_str()) && !items.contains(acme.eve.as_str()));
    }
}
