//! Connections, as admins make and change them.

use audit::Outcome;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::House;
use crate::idp::{Asked, Idp, Says};
use base::time::Clock as _;

const IDP: &str = "https://idp.example/metadata";

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(sso::sql::STATEMENTS, sso::sql::BATCHES).await;
    }
}

#[tokio::test]
async fn a_connection_is_made_changed_and_removed_and_each_leaves_an_event() {
    for house in House::on_each_engine().await {
        let (org, other) = (house.org("acme").await, house.org("globex").await);
        let connected = house.made(&org, &Idp::new(IDP)).await;
        let path = format!("/api/connections/{}", connected.id);
        let one = house.ask(&org.admin.key, "GET", &path, Value::Null).await.json();
        assert_eq!((&one["state"], &one["kind"]), (&json!("draft"), &json!("saml")));
        assert_eq!(
            one["ours"]["entity_id"],
            format!("https://portico.example/sso/{}", connected.handle)
        );
        assert_eq!(one["provider"]["name"], IDP);
        for method in ["GET", "DELETE"] {
            let foreign = house.ask(&other.owner.key, method, &path, Value::Null).await;
            assert_eq!(foreign.status, 404, "{method}");
        }
        let stale = json!({ "name": "New", "version": 1 });
        assert_eq!(house.patch(&org.owner.key, &connected, stale).await.status, 409);
        let patched = house.patch(&org.owner.key, &connected, json!({ "name": "New" })).await;
        assert_eq!(patched.json()["name"], "New");
        let skew = json!({ "policy": { "clock_skew_secs": 301 } });
        assert_eq!(house.patch(&org.owner.key, &connected, skew).await.status, 422);
        let foreign = Idp::new("https://another.example");
        let refused = house.put_metadata(&org.owner.key, &connected, &foreign).await;
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (422, Some("provider_unreadable"))
        );
        let gone = house.ask(&org.owner.key, "DELETE", &path, Value::Null).await;
        assert_eq!(gone.status, 204);
        for action in ["created", "changed", "removed"] {
            let action = format!("sso.connection.{action}");
            assert_eq!(house.events(&org, &action).await.len(), 1, "{action}");
        }
        assert_eq!(house.events(&org, "sso.provider.changed").await.len(), 1);
    }
}

#[tokio::test]
async fn an_org_has_at_most_twenty_connections() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let new = json!({ "kind": "oidc", "name": "One" });
        for _ in 0..20 {
            let made = house.ask(&org.owner.key, "POST", "/api/connections", new.clone()).await;
            assert_eq!(made.status, 201, "{}", made.text);
        }
        let more = house.ask(&org.owner.key, "POST", "/api/connections", new).await;
        assert_eq!(more.json()["code"], "too_many_connections");
    }
}

#[tokio::test]
async fn a_connection_is_tested_before_it_is_switched_on() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.made(&org, &idp).await;
        let path = |act: &str| format!("/api/connections/{}/{act}", connected.id);
        let early = house.ask(&org.owner.key, "POST", &path("activate"), Value::Null).await;
        assert_eq!(early.status, 409);
        let preview = json!({});
        let none = house.ask(&org.owner.key, "POST", &path("preview"), preview.clone()).await;
        assert_eq!(none.status, 409);
        // A test that is refused shows its admin why.
        let mut browser = Browser::default();
        let forged = tested(&house, &org.owner.key, &mut browser, &connected, &Idp::new(IDP)).await;
        assert!(forged.starts_with(&format!("/connections/{}", connected.id)), "{forged}");
        let seen =
            house.ask(&org.owner.key, "POST", &path("preview"), preview.clone()).await.json();
        assert!(seen["code"].as_str().is_some_and(|code| code.contains("signature")), "{seen}");
        let early = house.ask(&org.owner.key, "POST", &path("activate"), Value::Null).await;
        assert_eq!(early.status, 409);
        // One that works signs nobody in, and makes it ready.
        let end = tested(&house, &org.owner.key, &mut browser, &connected, &idp).await;
        assert!(end.starts_with(&format!("/connections/{}", connected.id)), "{end}");
        assert!(!browser.has_session());
        assert!(house.member(&org, "ada@acme.example").await.is_none(), "nobody was made");
        let seen = house.ask(&org.owner.key, "POST", &path("preview"), preview).await.json();
        assert_eq!(seen["mapped"]["email"], "ada@acme.example");
        assert_eq!(seen["mapped"]["role"], "org:member");
        assert_eq!(seen["captured"]["claims"]["groups"], json!(["people"]));
        let rules = json!([{ "group": "people", "role": "org:viewer" }]);
        let tried = json!({ "mapping": { "role": "org:member", "rules": rules } });
        let seen = house.ask(&org.owner.key, "POST", &path("preview"), tried).await.json();
        assert_eq!(
            (&seen["mapped"]["role"], &seen["mapped"]["by_rule"]),
            (&json!("org:viewer"), &json!(1))
        );
        let on = house.ask(&org.owner.key, "POST", &path("activate"), Value::Null).await;
        assert_eq!(on.json()["state"], "active", "{}", on.text);
        let reads = house.events(&org, "sso.preview.read").await.len();
        let page = house
            .ask(&org.owner.key, "GET", &format!("/connections/{}", connected.id), Value::Null)
            .await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("ada@acme.example") && page.text.contains(&connected.acs));
        let seen = house.events(&org, "sso.preview.read").await.len();
        assert_eq!(seen, reads + 1, "whoever looks at the page sees what the provider said");
        // It is kept for a day.
        house.clock.advance(jiff::SignedDuration::from_hours(25));
        let gone = house.ask(&org.owner.key, "POST", &path("preview"), json!({})).await;
        assert_eq!(gone.status, 409);
        let reads = house.events(&org, "sso.preview.read").await;
        assert!(
            reads.len() >= 3
                && reads.iter().all(|event| event["outcome"] == json!(Outcome::Success))
        );
    }
}

/// Runs a test sign-in, and says where it ends.
async fn tested(
    house: &House,
    key: &str,
    browser: &mut Browser,
    connected: &crate::house::Connected,
    idp: &Idp,
) -> String {
    let path = format!("/api/connections/{}/test", connected.id);
    let begun = house.ask(key, "POST", &path, Value::Null).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let start = begun.json()["path"].as_str().expect("a path").to_owned();
    // Not in a browser that does not keep the cookie of the answer.
    assert_eq!(Browser::default().get(house, &start).await.status, 403);
    browser.keep(&begun);
    let page = browser.get(house, &start).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let asked = Asked::read(&page.location());
    let says = Says::of("ada@acme.example", connected, Some(&asked), house.clock.now());
    let response = idp.response(&says.groups(&["people"]));
    let form = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    let posted = browser.post_from_elsewhere(house, &connected.acs, &form).await;
    let to = posted.location();
    if to.starts_with("/connections/") { to } else { browser.get(house, &to).await.location() }
}

#[tokio::test]
async fn two_of_our_keys_live_while_one_follows_the_other() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        let connected = house.made(&org, &idp).await;
        let metadata = format!("/sso/{}/metadata", connected.handle);
        let count = |text: &str| text.matches("X509Certificate>").count() / 2;
        let before = Browser::default().get(&house, &metadata).await;
        assert_eq!(before.headers["content-type"], "application/samlmetadata+xml");
        assert!(before.text.contains(&connected.acs) && before.text.contains(&connected.entity));
        let keys = format!("/api/connections/{}/keys", connected.id);
        let once = house.ask(&org.owner.key, "POST", &keys, Value::Null).await;
        assert_eq!(once.json()["ours"]["keys_expire_at"].as_array().map(Vec::len), Some(2));
        let both = Browser::default().get(&house, &metadata).await;
        assert_eq!(count(&both.text), 2 * count(&before.text));
        let again = house.ask(&org.owner.key, "POST", &keys, Value::Null).await;
        assert_eq!(again.json()["ours"]["keys_expire_at"].as_array().map(Vec::len), Some(2));
        let retired = house.ask(&org.owner.key, "DELETE", &keys, Value::Null).await;
        assert_eq!(retired.json()["ours"]["keys_expire_at"].as_array().map(Vec::len), Some(1));
        assert_eq!(house.ask(&org.owner.key, "DELETE", &keys, Value::Null).await.status, 409);
    }
}

#[tokio::test]
async fn no_secret_of_a_connection_can_be_read_from_the_disk() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let secret = "a-very-secret-client-secret";
        let new =
            json!({ "kind": "oidc", "name": "One", "client_id": "c", "client_secret": secret });
        let made = house.ask(&org.owner.key, "POST", "/api/connections", new).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert!(!made.text.contains(secret));
        house.made(&org, &Idp::new(IDP)).await;
        let kept = house.kept().await;
        assert!(kept.len() > 2_000, "{}", kept.len());
        for needle in [secret.as_bytes(), b"PRIVATE KEY"] {
            assert!(!kept.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[tokio::test]
async fn the_pages_of_connections_work_without_script() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let get = |path: String| {
            let (house, key) = (&house, org.owner.key.clone());
            async move { house.ask(&key, "GET", &path, Value::Null).await }
        };
        let empty = get("/connections".to_owned()).await;
        assert!(empty.text.contains("No connection yet"), "{}", empty.text);
        let choose = get("/connections/new".to_owned()).await;
        for name in ["Okta", "Microsoft Entra ID", "Google", "AD FS", "Ping", "Keycloak"] {
            assert!(choose.text.contains(name), "{name}");
        }
        for guide in ["okta", "entra", "google", "adfs", "ping", "keycloak", "other"] {
            for kind in ["saml", "oidc"] {
                let page = get(format!("/connections/new?guide={guide}&kind={kind}")).await;
                assert_eq!(page.status, 200);
                // A key takes its time: the pages of two say what those of all would.
                if guide != "okta" {
                    continue;
                }
                let form = format!("guide={guide}&kind={kind}&name=My%20login");
                let made = house.form(&org.owner.key, "/connections", &form).await;
                assert_eq!(made.status, 303, "{}", made.text);
                let page = get(made.location()).await;
                assert_eq!(page.status, 200, "{}", page.text);
                assert!(page.text.contains("https://portico.example/sso/eu_"));
                let id = made.location();
                let bad =
                    house.form(&org.owner.key, &format!("{id}/mapping"), "role=org:owner").await;
                assert_eq!(bad.status, 422);
                assert!(bad.text.contains("owners are made by owners"), "{}", bad.text);
                let good = "role=org:viewer&rules=a%20-%3E%20org%3Amember&act=save";
                let good = house.form(&org.owner.key, &format!("{id}/mapping"), good).await;
                assert_eq!(good.status, 303, "{}", good.text);
                let policy = "on=jit&clock_skew_secs=30&scopes=email";
                let saved = house.form(&org.owner.key, &format!("{id}/policy"), policy).await;
                assert_eq!(saved.status, 303, "{}", saved.text);
                let gone = house.form(&org.owner.key, &format!("{id}/remove"), "").await;
                assert_eq!(gone.status, 303, "{}", gone.text);
            }
        }
    }
}

#[tokio::test]
async fn the_page_to_find_ones_provider_tells_strangers_little() {
    for house in House::on_each_engine().await {
        let (org, idp) = (house.org("acme").await, Idp::new(IDP));
        house.org("globex").await;
        let connected = house.connected(&org, &idp).await;
        let found = Browser::default().get(&house, "/sso?org=acme&next=/patterns").await;
        assert_eq!(found.location(), format!("/sso/{}/start?next=%2Fpatterns", connected.handle));
        // An org without a connection and one that is not there look the same.
        let none = Browser::default().get(&house, "/sso?org=globex").await;
        let nowhere = Browser::default().get(&house, "/sso?org=nowhere").await;
        assert_eq!(none.text.replace("globex", "nowhere"), nowhere.text);
        let evil = Browser::default().get(&house, "/sso?org=acme&next=//evil.example").await;
        assert!(!evil.text.contains("evil"), "{}", evil.text);
    }
}
