//! What an org decides about sessions and addresses.

use axum::http::HeaderMap;
use base::args;
use base::db::Statement;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::{House, Org, PASSWORD};

const HOME: &str = "192.0.2.7";
const AWAY: &str = "198.51.100.9";

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn sign_in(house: &House, org: &Org, from: &str) -> (u16, HeaderMap, Value) {
    let body = json!({"org": "acme", "email": org.member.email, "password": PASSWORD});
    house.send("POST", "/api/session", &[("x-test-ip", from)], body).await
}

async fn cookie(house: &House, org: &Org, from: &str) -> String {
    let (status, headers, body) = sign_in(house, org, from).await;
    assert_eq!(status, 201, "{body}");
    let cookie = headers.get("set-cookie").expect("a cookie").to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}

async fn change(house: &House, key: &str, from: &str, body: Value) -> (u16, Value) {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("x-test-ip", from)];
    let (status, _, body) = house.send("PATCH", "/api/org/settings", &headers, body).await;
    (status, body)
}

#[tokio::test]
async fn an_org_shortens_its_sessions_also_those_that_run() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let old = cookie(&house, &org, HOME).await;
        let whoami = async |cookie: &str| {
            house.send("GET", "/api/session", &[("cookie", cookie)], Value::Null).await
        };
        house.clock.advance(SignedDuration::from_mins(11));
        assert_eq!(whoami(&old).await.0, 200);
        let set = json!({"session_lifetime_secs": 1200, "session_idle_secs": 600});
        let (status, settings) = change(&house, &org.owner.key, HOME, set).await;
        assert_eq!((status, &settings["session_idle_secs"]), (200, &json!(600)));
        assert_eq!(settings["session_lifetime_secs_max"], 43_200);
        let (_, shown) = house.get(&org.admin.key, "/api/org/settings").await;
        assert_eq!(shown, settings);
        assert_eq!(house.get(&org.member.key, "/api/org/settings").await.0, 403);

        house.clock.advance(SignedDuration::from_mins(8));
        assert_eq!(whoami(&old).await.0, 200, "19 minutes old, used 8 minutes ago");
        house.clock.advance(SignedDuration::from_mins(1));
        let (status, _, problem) = whoami(&old).await;
        assert_eq!((status, text(&problem["code"])), (401, "session_ended"), "20 minutes old");

        let (_, headers, _) = sign_in(&house, &org, HOME).await;
        let set = headers.get("set-cookie").expect("a cookie").to_str().expect("text");
        assert!(set.contains("Max-Age=1200"), "{set}");
        let idle = set.split(';').next().expect("a pair");
        house.clock.advance(SignedDuration::from_mins(10));
        assert_eq!(whoami(idle).await.0, 401, "ten minutes unused");

        for (wrong, field) in [
            (json!({"session_lifetime_secs": 43_201}), "session_lifetime_secs"),
            (json!({"session_idle_secs": 299}), "session_idle_secs"),
            (json!({"session_idle_sec": 600}), "session_idle_sec"),
        ] {
            let (status, problem) = change(&house, &org.owner.key, HOME, wrong).await;
            assert_eq!((status, text(&problem["param"])), (422, field), "{problem}");
        }
        let back = json!({"session_idle_secs": null});
        let (_, settings) = change(&house, &org.owner.key, HOME, back).await;
        assert_eq!(settings["session_idle_secs"], Value::Null);
        assert_eq!(settings["session_lifetime_secs"], 1200, "what is left out stays");
        let events = house.events(&org, "identity.settings.changed").await;
        let changes = json!({"session_idle_secs": {"from": 600, "to": null}});
        assert_eq!(events[0]["changes"], changes, "newest first, and only what differs");
    }
}

#[tokio::test]
async fn sessions_and_keys_from_elsewhere_are_refused() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let session = cookie(&house, &org, HOME).await;
        let set = json!({"console_addresses": ["192.0.2.0/24"], "key_addresses": ["192.0.2.7"]});
        assert_eq!(change(&house, &org.owner.key, HOME, set).await.0, 200);

        let bearer = format!("Bearer {}", org.member.key);
        for (name, credential) in [("cookie", session.as_str()), ("authorization", &bearer)] {
            for (ip, expected) in [(Some(HOME), 200), (Some(AWAY), 403), (None, 403)] {
                let mut headers = vec![(name, credential)];
                headers.extend(ip.map(|ip| ("x-test-ip", ip)));
                let (status, _, answer) =
                    house.send("GET", "/api/session", &headers, Value::Null).await;
                assert_eq!(status, expected, "{name} from {ip:?}");
                if status == 403 {
                    assert_eq!(text(&answer["code"]), "address_not_allowed");
                }
            }
        }
        let mapped = [("authorization", bearer.as_str()), ("x-test-ip", "::ffff:192.0.2.7")];
        assert_eq!(house.send("GET", "/api/session", &mapped, Value::Null).await.0, 200);

        // Nobody signs in from elsewhere; only whoever knows the password is told why.
        let (status, _, problem) = sign_in(&house, &org, AWAY).await;
        assert_eq!((status, text(&problem["code"])), (403, "address_not_allowed"));
        let wrong = json!({"org": "acme", "email": org.member.email, "password": "wrong horse"});
        let away = [("x-test-ip", AWAY)];
        assert_eq!(house.send("POST", "/api/session", &away, wrong).await.0, 401);
        let events = house.events(&org, "identity.session.refused").await;
        assert_eq!(events[1]["reason"]["code"], "address_not_allowed");
    }
}

#[tokio::test]
async fn a_known_key_is_held_to_its_addresses_while_the_database_is_down() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let set = json!({"key_addresses": ["192.0.2.7"]});
        assert_eq!(change(&house, &org.owner.key, HOME, set).await.0, 200);
        house.bench.db.close().await;
        let bearer = format!("Bearer {}", org.owner.key);
        for (ip, expected) in [(HOME, 200), (AWAY, 403)] {
            let headers = [("authorization", bearer.as_str()), ("x-test-ip", ip)];
            let (status, ..) = house.send("GET", "/api/permissions", &headers, Value::Null).await;
            assert_eq!(status, expected);
        }
    }
}

#[tokio::test]
async fn nobody_locks_themselves_out() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for field in ["console_addresses", "key_addresses"] {
            let (status, problem) =
                change(&house, &org.owner.key, HOME, json!({field: ["198.51.100.0/24"]})).await;
            assert_eq!((status, text(&problem["param"])), (422, field), "{problem}");
            let detail = text(&problem["errors"][0]["detail"]);
            assert!(detail.contains(HOME), "{detail}");
            let wrong = json!({field: [HOME, "nonsense"]});
            let (status, problem) = change(&house, &org.owner.key, HOME, wrong).await;
            assert_eq!((status, text(&problem["param"])), (422, &*format!("{field}.1")));
            let empty = json!({field: []});
            assert_eq!(change(&house, &org.owner.key, HOME, empty).await.0, 422);
            let many: Vec<_> = (0..101).map(|_| HOME).collect();
            assert_eq!(change(&house, &org.owner.key, HOME, json!({field: many})).await.0, 422);
        }
        // A program is in no console, and the operator is at no address.
        let body = json!({"name": "terraform", "role": "org:admin"});
        let (_, service) = house.ask(&org.owner.key, "POST", "/api/services", body).await;
        let body = json!({"name": "ci", "owner": service["id"]});
        let (_, key) = house.ask(&org.owner.key, "POST", "/api/keys", body).await;
        let offices = json!({"console_addresses": ["198.51.100.0/24"]});
        assert_eq!(change(&house, text(&key["secret"]), HOME, offices).await.0, 200);
        let anywhere = identity::SettingsPatch {
            console_addresses: identity::Given::Null,
            key_addresses: identity::Given::Set(vec!["203.0.113.0/24".to_owned()]),
            ..Default::default()
        };
        let set = house.identity.change_settings(&org.operator, &anywhere).await.expect("set");
        assert_eq!(set.console_addresses, None);
        assert_eq!(change(&house, &org.owner.key, HOME, json!({})).await.0, 403);
    }
}

const TOO_LONG: Statement = Statement::new(
    "store what no verb would",
    "UPDATE identity_org SET session_idle_secs = 999999999 WHERE org_id = $1",
);

#[tokio::test]
async fn what_the_operator_shortens_holds_for_every_org() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let scope = org.operator.itself();
        let mut change = audit::Change::begin(&house.record, &scope).await.expect("it");
        change.run(TOO_LONG, args![]).await.expect("stores");
        change.commit(audit::Event::done("test", "org", "x")).await.expect("commits");
        let node = house.second_node();
        let signed_in = sign_in(&house, &org, HOME).await.1;
        let cookie = signed_in.get("set-cookie").expect("a cookie").to_str().expect("text");
        let mut headers = HeaderMap::new();
        let pair = cookie.split(';').next().expect("a pair");
        headers.insert("cookie", pair.parse().expect("a header"));
        house.clock.advance(SignedDuration::from_secs(3600));
        let method = axum::http::Method::GET;
        let refused = node.identify(&method, &headers, access::Origin::default()).await;
        assert_eq!(refused.expect_err("an hour unused").problem.code(), "session_ended");
    }
}

#[tokio::test]
async fn an_org_chooses_what_becomes_of_calls_that_cannot_be_recorded() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, before) = house.get(&org.admin.key, "/api/org/settings").await;
        assert_eq!(before["when_unrecorded"], "refuse", "nothing without a record");
        let set = json!({"when_unrecorded": "journal"});
        assert_eq!(change(&house, &org.member.key, HOME, set.clone()).await.0, 403);
        let (status, settings) = change(&house, &org.owner.key, HOME, set).await;
        assert_eq!((status, text(&settings["when_unrecorded"])), (200, "journal"));
        let chosen = async || {
            let headers = [("authorization", format!("Bearer {}", org.member.key))];
            let headers = headers.iter().map(|(name, value)| {
                (name.parse().expect("a name"), value.parse().expect("a value"))
            });
            let headers: HeaderMap = headers.collect();
            let origin = access::Origin::default();
            let caller = house.identity.identify(&http::Method::GET, &headers, origin).await;
            caller.expect("is let in").standing.unrecorded
        };
        assert_eq!(chosen().await, access::Unrecorded::Journal, "every call of the org knows it");
        let ready = house.identity.ready_for_outages().await.expect("reads");
        assert!(ready.iter().any(|scope| *scope.org() == org.id));
        let back = json!({"when_unrecorded": "refuse"});
        assert_eq!(change(&house, &org.owner.key, HOME, back).await.0, 200);
        assert_eq!(chosen().await, access::Unrecorded::Refuse);
        assert!(house.identity.ready_for_outages().await.expect("reads").is_empty());
        let events = house.events(&org, "identity.settings.changed").await;
        let changes = json!({"when_unrecorded": {"from": "journal", "to": "refuse"}});
        assert_eq!(events[0]["changes"], changes);
        let wrong = json!({"when_unrecorded": "forget"});
        assert!((400..=422).contains(&change(&house, &org.owner.key, HOME, wrong).await.0));
    }
}
