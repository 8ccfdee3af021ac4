//! What an org requires, and what somebody may do who has yet to show a second factor.

use access::Method;
use identity::Birth;
use serde_json::{Value, json};

use super::person::Person;
use crate::house::{House, Org};

async fn require(house: &House, org: &Org, factors: &str, also_sso: bool) {
    let patch = json!({"factors": factors, "factors_also_sso": also_sso});
    let (status, told) = house.ask(&org.owner.key, "PATCH", "/api/org/settings", patch).await;
    assert_eq!((status, &told["factors"]), (200, &json!(factors)), "{told}");
}

/// A door of each kind, none of which is open to whoever is confined.
const CLOSED: [(&str, &str); 9] = [
    ("GET", "/api/sessions"),
    ("GET", "/api/keys"),
    ("POST", "/api/keys"),
    ("PATCH", "/api/me"),
    ("POST", "/api/password"),
    ("GET", "/api/members"),
    ("GET", "/me"),
    ("GET", "/account/factorsX"),
    ("GET", "/api/sessionX"),
];

#[tokio::test]
async fn whoever_has_a_second_factor_may_do_nothing_until_it_is_shown() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:owner").await;
        assert_eq!(ada.get("/api/members").await.0, 200);
        let (mut passkey, id) = ada.adds_passkey("Laptop").await;
        assert_eq!(ada.get("/api/members").await.0, 200, "this session showed it just now");
        assert_eq!(ada.sign_in().await, (201, json!({"factor": "required"})));
        for (method, path) in CLOSED {
            let (status, told) = ada.browser.api(method, path, Value::Null).await;
            assert_eq!((status, &told["code"]), (403, &json!("factor_required")), "{path}");
        }
        // Nor is another factor set by whoever has the password alone, nor one seen.
        for (method, path) in [
            ("GET", "/api/factors"),
            ("POST", "/api/factors/passkeys/begin"),
            ("POST", "/api/factors/app/begin"),
            ("POST", "/api/factors/recovery-codes"),
            ("DELETE", &*format!("/api/factors/passkeys/{id}")),
        ] {
            let (status, told) = ada.browser.api(method, path, Value::Null).await;
            assert_eq!((status, &told["code"]), (403, &json!("factor_required")), "{path}");
        }
        assert_eq!(ada.shows(&mut passkey).await.0, 204);
        assert_eq!(ada.get("/api/members").await.0, 200);
        // Another site cannot show it in this browser.
        ada.sign_in().await;
        let cookies = ada.browser.cookies();
        let foreign = [("cookie", &*cookies), ("sec-fetch-site", "cross-site")];
        let path = "/api/session/factor";
        let (status, _, told) = house.send("POST", path, &foreign, json!({"code": "1"})).await;
        assert_eq!((status, &told["code"]), (403, &json!("cross_site")));
        assert_eq!(ada.delete("/api/session").await.0, 204, "but one can always leave");
    }
}

#[tokio::test]
async fn an_org_that_requires_second_factors_leads_its_members_to_set_one() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        require(&house, &org, "required", false).await;
        let (status, told) = ada.get("/api/keys").await;
        assert_eq!((status, &told["code"]), (403, &json!("factor_required")), "at once");
        assert_eq!(ada.get("/api/session").await.1, json!({"factor": "set_up"}));
        let confirm = ada.browser.get("/account/confirm?next=%2Fkeys").await;
        assert_eq!(confirm.location(), "/account/factors?next=%2Fkeys");
        let page = ada.browser.get(confirm.location()).await;
        assert!(page.text.contains("Your organization requires a second factor."), "{}", page.text);
        let app = ada.adds_app().await;
        assert_eq!(ada.get("/api/keys").await.0, 200, "and on it goes");
        let removed = ada.delete("/api/factors/app").await;
        assert_eq!((removed.0, &removed.1["code"]), (409, &json!("last_factor")));
        ada.adds_passkey("Laptop").await;
        assert_eq!(ada.delete("/api/factors/app").await.0, 204, "there is another");
        assert_eq!(ada.shows_code(&app).await.0, 422);
        // Keys go on: programs have no finger.
        assert_eq!(house.get(&org.member.key, "/api/keys").await.0, 200);
        require(&house, &org, "optional", false).await;
        let mut bob = Person::inside(&house, &org, "bob", "org:member").await;
        assert_eq!(bob.get("/api/keys").await.0, 200);
    }
}

#[tokio::test]
async fn an_identity_providers_sign_in_counts_unless_the_org_wants_its_own_factor_too() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let ada = Person::new(&house, &org, "ada", "org:member").await;
        require(&house, &org, "required", false).await;
        let (home, origin) = (access::Region::Eu, access::Origin::default);
        let birth = Birth::of(ada.id.parse().expect("an id"), Method::Saml, None);
        let come = async || {
            let come = house.identity.let_in(&org.id, home, birth.clone(), origin()).await;
            let token = come.expect("in").token;
            let cookie = format!("__Host-portico_session={}", token.reveal());
            house.send("GET", "/api/session", &[("cookie", &cookie)], Value::Null).await.2
        };
        assert_eq!(come().await["member"]["email"], "ada@acme.example");
        require(&house, &org, "required", true).await;
        assert_eq!(come().await, json!({"factor": "set_up"}));
    }
}

#[tokio::test]
async fn whoever_lost_everything_is_helped_by_somebody_who_may_as_much() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:owner").await;
        let mut bob = Person::inside(&house, &org, "bob", "org:admin").await;
        let (mut passkey, _) = ada.adds_passkey("Laptop").await;
        let path = |person: &Person<'_>| format!("/api/members/{}/factors", person.id);
        let hers = path(&ada);
        let (status, told) = bob.delete(&hers).await;
        assert_eq!((status, &told["code"]), (403, &json!("escalation")), "an owner's");
        assert_eq!(ada.delete(&hers).await.0, 409, "one's own");
        let mut owner = crate::browser::Browser::of(&house, &org.owner);
        let page = owner.get(&format!("/members/{}", ada.id)).await;
        assert!(page.text.contains("Lost second factor"), "{}", page.text);
        let reset = owner.post(&format!("/members/{}/reset-factors", ada.id), &[]).await;
        assert_eq!(reset.status, 303, "{}", reset.text);
        assert_eq!(ada.get("/api/session").await.0, 401, "sessions ended");
        assert_eq!(ada.signs_in_by(&mut passkey).await.0, 422);
        assert_eq!(ada.sign_in().await.1["member"]["email"], "ada@acme.example");
        let event = &house.events(&org, "identity.factors.reset").await[0];
        assert_eq!(event["changes"]["passkeys"], json!({"from": 1, "to": 0}));
        assert!(
            house
                .identity
                .has_factor(&org.operator.itself(), &ada.id.parse().expect("an id"))
                .await
                .is_ok_and(|has| !has)
        );
    }
}
