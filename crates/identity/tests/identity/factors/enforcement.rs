//! Single sign-on as the only way in, and the day on which it fails.

use std::sync::{Arc, Mutex};

use access::{Caller, Method, Region};
use identity::{Birth, Letter, Mail, MemberPatch, MemberState, Sent};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::authenticator::Authenticator;
use super::person::{Person, reasons};
use crate::house::{House, Org};

/// A mail server that tells when a letter came.
#[derive(Debug, Default)]
struct Postbox {
    letters: Mutex<Vec<Letter>>,
    came: Notify,
}

impl Mail for Postbox {
    fn public_url(&self) -> &'static str {
        "https://portico.example"
    }

    fn send(&self, letter: Letter) -> Sent<'_> {
        Box::pin(async move {
            self.letters.lock().expect("unpoisoned").push(letter);
            self.came.notify_one();
            Ok(())
        })
    }
}

impl Postbox {
    /// Everybody to whom a letter of this subject came, once so many did.
    async fn to(&self, subject: &str, count: usize) -> Vec<String> {
        loop {
            let mut to: Vec<_> = {
                let letters = self.letters.lock().expect("unpoisoned");
                let of = letters.iter().filter(|letter| letter.subject.contains(subject));
                of.map(|letter| letter.to.clone()).collect()
            };
            if to.len() >= count {
                to.sort();
                return to;
            }
            self.came.notified().await;
        }
    }
}

async fn put(house: &House, org: &Org, path: &str, body: Value) -> (u16, Value) {
    house.ask(&org.owner.key, "PUT", path, body).await
}

/// Ada and Bob, owners behind the glass, with their passkeys; single sign-on is enforced.
async fn enforced<'a>(
    house: &'a House,
    org: &Org,
) -> ([Person<'a>; 2], [(Authenticator, String); 2]) {
    let mut people = [
        Person::inside(house, org, "ada", "org:owner").await,
        Person::inside(house, org, "bob", "org:owner").await,
    ];
    let (status, told) = put(house, org, "/api/org/sso", json!({"on": true})).await;
    assert_eq!((status, &told["code"]), (409, &json!("break_glass_needed")));
    let mut passkeys = Vec::new();
    for person in &mut people {
        let path = format!("/api/members/{}/break-glass", person.id);
        assert_eq!(put(house, org, &path, Value::Null).await.0, 409, "has no passkey");
        passkeys.push(person.adds_passkey("Safe").await);
        let (status, told) = put(house, org, "/api/org/sso", json!({"on": true})).await;
        assert_eq!((status, &told["code"]), (409, &json!("break_glass_needed")));
        assert_eq!(put(house, org, &path, Value::Null).await.0, 204);
    }
    assert_eq!(put(house, org, "/api/org/sso", json!({"on": true})).await.0, 204);
    (people, passkeys.try_into().ok().expect("two"))
}

#[tokio::test]
async fn enforced_single_sign_on_lets_nobody_else_in_and_tells_strangers_nothing() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut eve = Person::inside(&house, &org, "eve", "org:admin").await;
        let (mut hers, _) = eve.adds_passkey("Hers").await;
        let ([mut ada, _], [(mut safe, _), _]) = enforced(&house, &org).await;
        assert_eq!(eve.get("/api/session").await.0, 401, "what began with a password ended");
        // A right password, a wrong one, and nobody of this name: one answer.
        let right = eve.sign_in().await;
        let mut wrong = Vec::new();
        let known = eve.email.clone();
        for (email, password) in [(&*known, "wrong horse battery"), ("x@y.example", "wrong")] {
            let body = json!({"org": "acme", "email": email, "password": password});
            wrong.push(eve.post("/api/session", body).await);
        }
        assert!(wrong.iter().all(|answer| *answer == right), "{right:?} {wrong:?}");
        assert_eq!((right.0, &right.1["sso"]), (401, &json!(true)));
        let body = json!({"org": "nowhere", "email": "x@y.example", "password": "wrong"});
        assert_eq!(eve.post("/api/session", body).await.1["sso"], Value::Null);
        assert_eq!(eve.signs_in_by(&mut hers).await.0, 401);
        let refused = reasons(&house, &org, "identity.session.refused").await;
        assert_eq!(refused[0], "sso_enforced");
        // The identity provider lets in.
        let birth = Birth::of(eve.id.parse().expect("an id"), Method::Saml, None);
        let origin = access::Origin::default();
        let come = house.identity.let_in(&org.id, Region::Eu, birth, origin).await;
        assert!(come.is_ok(), "{come:?}");
        // Those behind the glass: with the passkey alone, or behind the password.
        assert_eq!(ada.signs_in_by(&mut safe).await.0, 201);
        assert_eq!(ada.sign_in().await, (201, json!({"factor": "required"})));
        let (status, told) = ada.post("/api/session/factor", json!({"code": "123456"})).await;
        assert_eq!((status, &told["code"]), (409, &json!("conflict")), "no code will do");
        assert_eq!(ada.shows(&mut safe).await.0, 204);
        assert_eq!(house.events(&org, "identity.break_glass.used").await.len(), 2);
        // Keys are not touched.
        assert_eq!(house.get(&org.admin.key, "/api/members").await.0, 200);
        assert_eq!(put(&house, &org, "/api/org/sso", json!({"on": false})).await.0, 204);
        assert_eq!(eve.signs_in_by(&mut hers).await.0, 201);
    }
}

#[tokio::test]
async fn nobody_locks_themselves_out_by_enforcing() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (_, _) = enforced(&house, &org).await;
        assert_eq!(put(&house, &org, "/api/org/sso", json!({"on": false})).await.0, 204);
        let mut eve = Person::inside(&house, &org, "eve", "org:admin").await;
        let (status, told) = eve.browser.api("PUT", "/api/org/sso", json!({"on": true})).await;
        assert_eq!(status, 409, "{told}");
        assert!(told["detail"].as_str().is_some_and(|it| it.contains("identity provider first")));
        let page = eve.browser.get("/settings/sign-in").await;
        assert!(page.text.contains("Enforce single sign-on"), "{}", page.text);
        let seen = eve.browser.post("/settings/sign-in/enforce", &[("on", "true")]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("Sign in with the identity provider first"), "{}", seen.text);
        // An admin marks nobody: it would be worth an owner's rights.
        let path = format!("/api/members/{}/break-glass", org.owner.id);
        assert_eq!(eve.browser.api("PUT", &path, Value::Null).await.1["code"], "escalation");
    }
}

#[tokio::test]
async fn the_last_owner_behind_the_glass_stays_there() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let ([mut ada, mut bob], [(mut safe, _), (mut his, his_id)]) = enforced(&house, &org).await;
        assert_eq!(bob.signs_in_by(&mut his).await.0, 201);
        assert_eq!(ada.signs_in_by(&mut safe).await.0, 201);
        // Two stand there: one may go, by whichever way.
        assert_eq!(bob.delete(&format!("/api/factors/passkeys/{his_id}")).await.0, 204);
        let (_, told) = house.get(&org.owner.key, "/api/org/sso").await;
        let marked = |told: &Value| {
            let owners = told["owners"].as_array().expect("owners").clone();
            owners.iter().filter(|own| own["break_glass_at"].is_string()).count()
        };
        assert_eq!(marked(&told), 1, "{told}");
        // Now she is the last: her passkey, role, state and membership stay.
        let (_, factors) = ada.get("/api/factors").await;
        let id = factors["passkeys"][0]["id"].as_str().expect("an id").to_owned();
        let member = format!("/api/members/{}", ada.id);
        let glass = format!("{member}/break-glass");
        let factors = format!("{member}/factors");
        for (method, path, body) in [
            ("PATCH", &*member, json!({"role": "org:admin"})),
            ("PATCH", &*member, json!({"state": "suspended"})),
            ("DELETE", &*member, Value::Null),
            ("DELETE", &*glass, Value::Null),
            ("DELETE", &*factors, Value::Null),
        ] {
            let (status, told) = house.ask(&org.owner.key, method, path, body).await;
            let said = (status, &told["code"]);
            assert_eq!(said, (409, &json!("last_break_glass")), "{method} {path}: {told}");
        }
        let (status, told) = ada.delete(&format!("/api/factors/passkeys/{id}")).await;
        assert_eq!((status, &told["code"]), (409, &json!("last_break_glass")));
        // Nor does a directory take her away.
        let directory =
            Caller::directory(org.id.clone(), Region::Eu, "dir_1", access::Origin::default());
        let mut work = house.identity.begin(&directory.itself()).await.expect("begins");
        let hers = ada.id.parse().expect("an id");
        let gone = house.identity.depart(&mut work, &hers).await;
        assert!(matches!(gone, Err(identity::Error::LastBreakGlass)), "{gone:?}");
        drop(work);
        assert_eq!(put(&house, &org, "/api/org/sso", json!({"on": false})).await.0, 204);
        assert_eq!(house.ask(&org.owner.key, "DELETE", &member, Value::Null).await.0, 204);
    }
}

#[tokio::test]
async fn links_lead_to_no_password_where_single_sign_on_is_enforced() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let eve = Person::new(&house, &org, "eve", "org:member").await;
        let link = format!("/api/members/{}/password-link", eve.id);
        let made = house.ask(&org.owner.key, "POST", &link, Value::Null).await.1;
        let invite = json!({"email": "new@acme.example", "role": "org:member"});
        let invited = house.ask(&org.owner.key, "POST", "/api/members", invite).await.1;
        let (people, _) = enforced(&house, &org).await;
        let reset = json!({"token": made["token"], "password": "another horse battery"});
        assert_eq!(house.send("POST", "/api/password/reset", &[], reset).await.0, 409);
        assert_eq!(house.ask(&org.owner.key, "POST", &link, Value::Null).await.0, 409);
        let join = json!({
            "token": invited["token"], "name": "New", "password": "another horse battery",
        });
        let (status, _, told) = house.send("POST", "/api/invitations/accept", &[], join).await;
        assert_eq!(status, 409, "{told}");
        assert!(told["detail"].as_str().is_some_and(|it| it.contains("identity provider")));
        // Whoever stands behind the glass may forget a password.
        let link = format!("/api/members/{}/password-link", people[0].id);
        assert_eq!(house.ask(&org.owner.key, "POST", &link, Value::Null).await.0, 201);
    }
}

/// The drill: the identity provider is gone, and so is everybody who administers it.
#[tokio::test]
async fn when_the_identity_provider_is_gone_an_owner_still_gets_in_and_all_owners_hear_of_it() {
    let post = Arc::new(Postbox::default());
    for house in House::on_each_engine_mailing(&post).await {
        let org = house.org("acme").await;
        let admin = Person::new(&house, &org, "admin-of-sso", "org:admin").await;
        let ([mut ada, _], [(mut safe, _), _]) = enforced(&house, &org).await;
        for id in [&admin.id, &org.admin.id] {
            let id = id.parse().expect("an id");
            house.identity.remove_member(&org.operator, &id).await.expect("removed");
        }
        let suspended = MemberPatch { state: Some(MemberState::Suspended), ..Default::default() };
        let id = org.owner.id.parse().expect("an id");
        house.identity.change_member(&org.operator, &id, &suspended).await.expect("suspended");

        let (status, who) = ada.signs_in_by(&mut safe).await;
        assert_eq!((status, &who["member"]["role"]), (201, &json!("org:owner")));
        let used = &house.events(&org, "identity.break_glass.used").await[0];
        assert_eq!(used["resourceId"], json!(ada.id));
        let told = post.to("was opened past its identity provider", 2).await;
        assert_eq!(told, ["ada@acme.example", "bob@acme.example"]);
        // She may undo it: the org is theirs again.
        let relaxed = ada.browser.api("PUT", "/api/org/sso", json!({"on": false})).await;
        assert_eq!(relaxed.0, 204);
        post.letters.lock().expect("unpoisoned").clear();
    }
}

#[tokio::test]
async fn members_hear_of_what_happens_to_their_second_factors() {
    let post = Arc::new(Postbox::default());
    for house in House::on_each_engine_mailing(&post).await {
        let org = house.org("acme").await;
        let mut ada = Person::inside(&house, &org, "ada", "org:member").await;
        let (_, id) = ada.adds_passkey("Laptop").await;
        ada.adds_app().await;
        assert_eq!(ada.delete(&format!("/api/factors/passkeys/{id}")).await.0, 204);
        let (_, made) = ada.post("/api/factors/recovery-codes", Value::Null).await;
        ada.sign_in().await;
        let code = json!({"code": made["codes"][0]});
        assert_eq!(ada.post("/api/session/factor", code).await.0, 204);
        for (subject, count) in [
            ("A second factor was added", 3),
            ("A second factor was removed", 1),
            ("A recovery code of your account was used", 1),
        ] {
            let to = post.to(subject, count).await;
            assert_eq!(to, vec!["ada@acme.example"; count], "{subject}");
        }
        let letters = std::mem::take(&mut *post.letters.lock().expect("unpoisoned"));
        let all: String = letters.iter().map(|letter| letter.text.reveal()).collect();
        assert!(all.contains("ACME") && !all.contains(made["codes"][0].as_str().expect("text")));
    }
}
