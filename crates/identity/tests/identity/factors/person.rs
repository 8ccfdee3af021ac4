//! Somebody with a password and a browser, who has or gets second factors.

use identity::NewMember;
use jiff::SignedDuration;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use base::time::Clock as _;

use super::authenticator::Authenticator;
use crate::browser::Browser;
use crate::house::{House, Org, PASSWORD};

pub(crate) struct Person<'a> {
    pub(crate) house: &'a House,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) browser: Browser<'a>,
}

impl<'a> Person<'a> {
    /// A new member, not signed in.
    pub(crate) async fn new(house: &'a House, org: &Org, name: &str, role: &str) -> Self {
        let new = NewMember {
            email: format!("{name}@acme.example"),
            name: name.to_owned(),
            role: role.to_owned(),
            password: Some(base::secret::Secret::new(PASSWORD.to_owned())),
        };
        let member = house.identity.add_member(&org.operator, &new).await.expect("a member");
        let (id, email) = (member.id.to_string(), member.email);
        Self { house, id, email, browser: Browser::new(house) }
    }

    /// The same, signed in with the password.
    pub(crate) async fn inside(house: &'a House, org: &Org, name: &str, role: &str) -> Self {
        let mut person = Self::new(house, org, name, role).await;
        assert_eq!(person.sign_in().await.0, 201);
        person
    }

    /// Signs in with the password, in a new browser.
    pub(crate) async fn sign_in(&mut self) -> (u16, Value) {
        self.browser = Browser::new(self.house);
        let body = json!({"org": "acme", "email": self.email, "password": PASSWORD});
        self.browser.api("POST", "/api/session", body).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, Value) {
        self.browser.api("GET", path, Value::Null).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.browser.api("POST", path, body).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> (u16, Value) {
        self.browser.api("DELETE", path, Value::Null).await
    }

    /// Adds a passkey; gives its authenticator and its id.
    pub(crate) async fn adds_passkey(&mut self, name: &str) -> (Authenticator, String) {
        // Ids that were made later sort later.
        self.house.clock.advance(SignedDuration::from_secs(1));
        let mut authenticator = Authenticator::new();
        let (status, begun) = self.post("/api/factors/passkeys/begin", Value::Null).await;
        assert_eq!(status, 200, "{begun}");
        let response = authenticator.create(&begun["options"]);
        let new = json!({"ceremony": begun["ceremony"], "name": name, "response": response});
        let (status, made) = self.post("/api/factors/passkeys", new).await;
        assert_eq!(status, 201, "{made}");
        (authenticator, made["id"].as_str().expect("an id").to_owned())
    }

    /// Adds an authenticator app.
    pub(crate) async fn adds_app(&mut self) -> Totp {
        let (status, begun) = self.post("/api/factors/app/begin", Value::Null).await;
        assert_eq!(status, 200, "{begun}");
        let app = app_of(&begun);
        let confirm = json!({"ceremony": begun["ceremony"], "code": self.code(&app)});
        let (status, said) = self.post("/api/factors/app", confirm).await;
        assert_eq!(status, 204, "{said}");
        app
    }

    /// What the app shows now.
    pub(crate) fn code(&self, app: &Totp) -> String {
        let now = self.house.clock.now().as_second();
        app.generate(u64::try_from(now).expect("after 1970")).to_string()
    }

    /// Shows a code of the app, a step later, so that it was not used yet.
    pub(crate) async fn shows_code(&mut self, app: &Totp) -> (u16, Value) {
        self.house.clock.advance(SignedDuration::from_secs(30));
        let code = self.code(app);
        self.post("/api/session/factor", json!({"code": code})).await
    }

    /// Shows a passkey in the session that is open.
    pub(crate) async fn shows(&mut self, passkey: &mut Authenticator) -> (u16, Value) {
        let (status, begun) = self.post("/api/session/factor/begin", Value::Null).await;
        assert_eq!(status, 200, "{begun}");
        let response = passkey.get(&begun["options"]);
        let shown = json!({"ceremony": begun["ceremony"], "response": response});
        self.post("/api/session/factor", shown).await
    }

    /// Signs in with a passkey alone, in a new browser.
    pub(crate) async fn signs_in_by(&mut self, passkey: &mut Authenticator) -> (u16, Value) {
        self.browser = Browser::new(self.house);
        let begun = self.post("/api/session/passkey/begin", Value::Null).await.1;
        let response = passkey.get(&begun["options"]);
        let shown = json!({"ceremony": begun["ceremony"], "response": response});
        self.post("/api/session/passkey", shown).await
    }
}

/// The app that was set up with this secret.
pub(crate) fn app_of(begun: &Value) -> Totp {
    let secret = Secret::try_from_base32(begun["secret"].as_str().expect("a secret"));
    let url = begun["url"].as_str().expect("an address");
    assert!(url.starts_with("otpauth://totp/Portico:"), "{url}");
    Builder::new().with_secret(secret.expect("base32")).build().expect("an app")
}

/// The codes of the refusals of an action that are in the record, newest first.
pub(crate) async fn reasons(house: &House, org: &Org, action: &str) -> Vec<String> {
    let events = house.events(org, action).await;
    events.iter().map(|event| event["reason"]["code"].as_str().unwrap_or("?").to_owned()).collect()
}
