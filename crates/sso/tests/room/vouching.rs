//! Who answers for a provider: it lets in, and gives, no more than they may.

use base::time::Clock as _;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{Connected, House, Org};
use crate::idp::{Idp, Says};
use crate::signing_in::{begun, signs_in};

const IDP: &str = "https://idp.example/metadata";

/// Signs in as somebody in these groups, and gives the status, or why it was refused.
async fn tries(
    house: &House,
    org: &Org,
    on: (&Connected, &Idp),
    email: &str,
    groups: &[&str],
) -> String {
    let (mut browser, says) = (Browser::default(), |says: Says| says.groups(groups));
    let end = signs_in(house, &mut browser, on, says, email).await;
    assert_eq!(browser.has_session(), end.status == 303, "{}", end.text);
    if end.status == 403 { house.last_refusal(org).await } else { end.status.to_string() }
}

/// The role of the member with this address; null if there is none.
async fn role(house: &House, org: &Org, email: &str) -> Value {
    house.member(org, email).await.map(|member| member["role"].clone()).unwrap_or_default()
}

/// A role that an admin does not have, and a team that it was given to.
async fn auditors(house: &House, org: &Org) -> String {
    let key = &org.owner.key;
    let auditor = json!({ "name": "auditor", "permissions": ["events:*"] });
    assert_eq!(house.post(key, "/api/roles", auditor).await.status, 201);
    let team = house.team(org, "Watchers").await.to_string();
    let grant = json!({ "subject": team, "role": "auditor" });
    assert_eq!(house.post(key, "/api/grants", grant).await.status, 201);
    team
}

#[tokio::test]
async fn an_admin_does_not_become_an_owner_by_a_provider_of_their_own() {
    for house in House::on_each_engine().await {
        let (org, good, bad) = (house.org("acme").await, Idp::new(IDP), Idp::new(IDP));
        let connected = house.connected(&org, &good).await;
        let team = auditors(&house, &org).await;
        // What groups mean was said by an owner, who may promise it.
        let rules = json!([
            { "group": "audit", "role": "auditor" }, { "group": "watch", "teams": [team] },
        ]);
        let mapping = json!({ "mapping": { "role": "org:member", "rules": rules } });
        assert_eq!(house.patch(&org.owner.key, &connected, mapping).await.status, 200);
        let (eve, bob) = ("eve@acme.example", "bob@acme.example");
        let on = (&connected, &good);
        assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "303");
        assert_eq!(tries(&house, &org, on, bob, &[]).await, "303");
        // The admin puts the certificate of a provider of their own in its place.
        let put = house.put_metadata(&org.admin.key, &connected, &bad).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let on = (&connected, &bad);
        // Nobody is taken over who may more, neither as they are nor made less before.
        for groups in [&["audit"][..], &[]] {
            assert_eq!(tries(&house, &org, on, eve, groups).await, "not_vouched");
        }
        assert_eq!(role(&house, &org, eve).await, "auditor", "nothing was taken from them");
        // Nobody comes to more: neither somebody known nor somebody new, by role or by team.
        for groups in [&["audit"], &["watch"]] {
            assert_eq!(tries(&house, &org, on, bob, groups).await, "not_vouched");
            assert_eq!(tries(&house, &org, on, "new@acme.example", groups).await, "not_vouched");
        }
        assert_eq!(role(&house, &org, bob).await, "org:member", "nothing was given to them");
        assert_eq!(role(&house, &org, "new@acme.example").await, Value::Null);
        let teams = house.get(&org.owner.key, "/api/teams").await.json();
        assert_eq!(teams["items"][0]["members"], json!([]));
        assert_eq!(house.events(&org, "sso.member.changed").await.len(), 0);
        // Whoever may no more than the admin goes on, and still comes in anew.
        for email in [bob, "ada@acme.example"] {
            assert_eq!(tries(&house, &org, on, email, &[]).await, "303");
        }
        // An admin cannot confirm what they do not have; an owner can.
        let vouch = format!("/api/connections/{}/vouch", connected.id);
        assert_eq!(house.ask(&org.admin.key, "POST", &vouch, Value::Null).await.status, 200);
        assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "not_vouched");
        let vouched = house.ask(&org.owner.key, "POST", &vouch, Value::Null).await;
        assert_eq!(vouched.json()["vouched"], json!(["*"]));
        assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "303");
        assert_eq!(tries(&house, &org, on, bob, &["audit", "watch"]).await, "303");
        assert_eq!(role(&house, &org, bob).await, "auditor");
    }
}

#[tokio::test]
async fn what_one_provider_answered_is_not_believed_once_another_was_put_in_its_place() {
    for house in House::on_each_engine().await {
        let (org, good, bad) = (house.org("acme").await, Idp::new(IDP), Idp::new(IDP));
        let connected = house.connected(&org, &good).await;
        auditors(&house, &org).await;
        let eve = house.somebody(&org.operator, "eve@acme.example", "auditor").await;
        assert_eq!(house.put_metadata(&org.admin.key, &connected, &bad).await.status, 200);
        let mut browser = Browser::default();
        let asked = begun(&house, &mut browser, &connected).await;
        let says = Says::of(&eve.email, &connected, Some(&asked), house.clock.now());
        let response = bad.response(&says);
        let form =
            [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        let ticket = browser.post_from_elsewhere(&house, &connected.acs, &form).await.location();
        // The owner puts the right one back before the browser goes on.
        assert_eq!(house.put_metadata(&org.owner.key, &connected, &good).await.status, 200);
        assert_eq!(browser.get(&house, &ticket).await.status, 403);
        assert!(!browser.has_session());
        assert_eq!(house.last_refusal(&org).await, "unsolicited");
        assert_eq!(tries(&house, &org, (&connected, &good), &eve.email, &[]).await, "303");
    }
}

#[tokio::test]
async fn what_a_setup_link_connected_opens_no_account_until_it_is_confirmed() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let link = house.post(&org.owner.key, "/api/setup-links", json!({ "days": 1 })).await;
        assert_eq!(link.status, 201, "{}", link.text);
        let token = link.json()["token"].as_str().expect("a token").to_owned();
        let guest = house.form("nobody=1", "/setup", &format!("token={token}")).await.cookie();
        let made = json!({ "kind": "saml", "name": "Acme login" });
        let made = house.post(&guest, "/api/connections", made).await;
        assert_eq!((made.status, &made.json()["vouched"]), (201, &json!([])), "{}", made.text);
        let connected = Connected::of(&made.json());
        let put = house.put_metadata(&guest, &connected, &idp).await;
        assert_eq!(put.status, 200, "{}", put.text);
        house.sso_state_tested(&connected).await;
        let path = |act: &str| format!("/api/connections/{}/{act}", connected.id);
        let on = house.ask(&guest, "POST", &path("activate"), Value::Null).await;
        assert_eq!(on.json()["state"], "active", "{}", on.text);
        let on = (&connected, &idp);
        for email in ["new@acme.example", &org.viewer.email] {
            assert_eq!(tries(&house, &org, on, email, &[]).await, "not_vouched", "{email}");
        }
        assert_eq!(role(&house, &org, "new@acme.example").await, Value::Null, "nobody was made");
        let vouched = house.ask(&org.admin.key, "POST", &path("vouch"), Value::Null).await;
        assert_eq!(vouched.status, 200, "{}", vouched.text);
        for email in ["new@acme.example", &org.viewer.email] {
            assert_eq!(tries(&house, &org, on, email, &[]).await, "303", "{email}");
        }
    }
}

#[tokio::test]
async fn whoever_lets_more_of_a_provider_be_believed_answers_for_it_too() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        auditors(&house, &org).await;
        let vouched = async |connected: &Connected, body: Value| {
            let answer = house.patch(&org.admin.key, connected, body.clone()).await;
            assert_eq!(answer.status, 200, "{body} {}", answer.text);
            answer.json()["vouched"].clone()
        };
        let connected = house.connected(&org, &idp).await;
        let eve = house.somebody(&org.operator, "eve@acme.example", "auditor").await;
        let rules = json!([{ "group": "g", "role": "org:viewer" }]);
        for harmless in [
            json!({ "name": "Login" }),
            json!({ "policy": { "clock_skew_secs": 30, "single_logout": false, "jit": false } }),
            json!({ "mapping": { "role": "org:member", "name": ["cn"] } }),
        ] {
            assert_eq!(vouched(&connected, harmless.clone()).await, json!(["*"]), "{harmless}");
        }
        let vouch = format!("/api/connections/{}/vouch", connected.id);
        let told = async || house.events(&org, "sso.connection.changed").await.remove(0);
        for widened in [
            json!({ "policy": {} }),
            json!({ "mapping": { "role": "org:member", "email": ["mail"] } }),
            json!({ "mapping": { "role": "org:member", "groups": ["none"] } }),
            json!({ "mapping": { "role": "org:member", "rules": rules } }),
            json!({ "mapping": { "role": "org:viewer" } }),
            json!({ "policy": { "name_id_format": "urn:x" } }),
            json!({ "policy": { "widened_algorithms": true } }),
            json!({ "policy": { "expired_certificates": true } }),
            json!({ "policy": { "factor_contexts": ["urn:any"] } }),
            json!({ "policy": { "link_by_email": false } }),
            json!({ "policy": { "link_by_email": true } }),
        ] {
            house.ask(&org.owner.key, "POST", &vouch, Value::Null).await;
            let left = vouched(&connected, widened.clone()).await;
            assert!(left != json!(["*"]) && left.to_string().contains("users:connections"));
            assert!(!left.to_string().contains("events:"), "{widened} {left}");
            let changes = told().await["changes"]["vouched"].clone();
            assert_eq!(changes, json!({ "from": ["*"], "to": left }), "{widened}");
        }
        // An owner who changes it answers for no more by that: they confirm it.
        let mapping = json!({ "mapping": { "role": "org:member" } });
        assert_eq!(house.patch(&org.owner.key, &connected, mapping).await.status, 200);
        let on = (&connected, &idp);
        assert_eq!(tries(&house, &org, on, &eve.email, &[]).await, "not_vouched");
        house.ask(&org.owner.key, "POST", &vouch, Value::Null).await;
        assert_eq!(tries(&house, &org, on, &eve.email, &[]).await, "303");
    }
}

#[tokio::test]
async fn an_admin_demotes_nobody_who_may_more_by_what_groups_mean() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.connected(&org, &idp).await;
        let team = auditors(&house, &org).await;
        let rules = json!([{ "group": "audit", "role": "auditor", "teams": [team] }]);
        let mapping = json!({ "mapping": { "role": "org:member", "rules": rules } });
        assert_eq!(house.patch(&org.owner.key, &connected, mapping.clone()).await.status, 200);
        let (on, eve) = ((&connected, &idp), "eve@acme.example");
        assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "303");
        let viewer = json!([{ "group": "none", "role": "org:viewer" }]);
        let vouch = format!("/api/connections/{}/vouch", connected.id);
        for lessened in [
            json!({ "mapping": { "role": "org:viewer", "rules": viewer } }),
            json!({ "mapping": { "role": "org:member" } }),
        ] {
            let patched = house.patch(&org.admin.key, &connected, lessened.clone()).await;
            assert_eq!(patched.status, 200, "{lessened} {}", patched.text);
            assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "not_vouched");
            assert_eq!(role(&house, &org, eve).await, "auditor", "{lessened}");
            assert_eq!(house.events(&org, "sso.member.changed").await.len(), 0, "{lessened}");
            // Whoever may less follows what the admin says.
            assert_eq!(tries(&house, &org, on, &org.member.email, &[]).await, "303");
        }
        assert_eq!(house.patch(&org.owner.key, &connected, mapping).await.status, 200);
        house.ask(&org.owner.key, "POST", &vouch, Value::Null).await;
        assert_eq!(tries(&house, &org, on, eve, &["audit"]).await, "303");
    }
}

#[tokio::test]
async fn a_key_bound_to_models_addresses_or_a_time_connects_no_provider() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.made(&org, &idp).await;
        house.sso_state_tested(&connected).await;
        let one = format!("/api/connections/{}", connected.id);
        let acts = [
            ("POST", "/api/connections".to_owned(), json!({ "kind": "oidc", "name": "Mine" })),
            ("PATCH", one.clone(), json!({ "policy": { "link_by_email": true } })),
            ("PUT", format!("{one}/source"), json!({ "source": "https://idp.example" })),
            ("POST", format!("{one}/test"), Value::Null),
            ("POST", format!("{one}/activate"), Value::Null),
            ("POST", format!("{one}/vouch"), Value::Null),
        ];
        let narrowed = async |mut narrowing: Value| {
            narrowing["name"] = json!("narrow");
            narrowing["roles"] = json!(["org:admin"]);
            let made = house.post(&org.owner.key, "/api/keys", narrowing).await;
            assert_eq!(made.status, 201, "{}", made.text);
            made.json()["secret"].as_str().expect("a key").to_owned()
        };
        for narrowing in [
            json!({ "models": ["small"] }),
            json!({ "addresses": ["192.0.2.0/24"] }),
            json!({ "expires_at": "2026-02-01T00:00:00Z" }),
        ] {
            let key = narrowed(narrowing.clone()).await;
            let from = Some("192.0.2.7");
            let seen = house.ask_from(&key, from, "GET", &one, Value::Null).await;
            assert_eq!(seen.status, 200, "{}", seen.text);
            for (method, path, body) in &acts {
                let refused = house.ask_from(&key, from, method, path, body.clone()).await;
                let got = (refused.status, refused.code());
                assert_eq!(got, (403, "narrow_key".to_owned()), "{narrowing} {method} {path}");
            }
        }
        let seen = house.get(&org.owner.key, &one).await.json();
        assert_eq!((&seen["state"], &seen["version"]), (&json!("tested"), &json!(2)));
        // A key that has fewer roles than its owner, and no other bound, answers for those.
        let key = narrowed(json!({})).await;
        let on = house.ask(&key, "POST", &format!("{one}/activate"), Value::Null).await;
        assert_eq!(on.json()["state"], "active", "{}", on.text);
    }
}

#[tokio::test]
async fn nobody_goes_on_as_somebody_who_was_given_more_than_their_provider_is_believed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (idp, email) = (Idp::new(IDP), "bob@acme.example");
        let connected = house.connected(&org, &idp).await;
        let put = house.put_metadata(&org.admin.key, &connected, &idp).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let comes_in = async || {
            let mut browser = Browser::default();
            signs_in(&house, &mut browser, (&connected, &idp), |says| says, email).await;
            browser
        };
        let mut before = comes_in().await;
        assert_eq!(before.get(&house, "/api/session").await.status, 200);
        let bob = house.member(&org, email).await.expect("bob");
        let path = format!("/api/members/{}", bob["id"].as_str().expect("an id"));
        let given = house.ask(&org.owner.key, "PATCH", &path, json!({"role": "org:owner"})).await;
        assert_eq!(given.status, 200, "{}", given.text);
        assert_eq!(before.get(&house, "/api/session").await.status, 401);
        assert!(!comes_in().await.has_session());
        let vouch = format!("/api/connections/{}/vouch", connected.id);
        assert_eq!(house.ask(&org.owner.key, "POST", &vouch, Value::Null).await.status, 200);
        assert_eq!(comes_in().await.get(&house, "/api/session").await.status, 200);
    }
}
