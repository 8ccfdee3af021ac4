//! A house with this room and identification in it, and a door in front.

use std::ops::Deref;
use std::sync::Arc;

use access::{Caller, Method, Permission, PermissionSet};
use audit::{Event, Outcome};
use base::time::Clock as _;
use guardrails::{Guardrails, Shelf};
use identity::Birth;
use identity::testing::{self, Plan, request};
use serde_json::{Value, json};

pub(crate) use identity::testing::{Org, Somebody};

/// Where everybody is, unless they say otherwise.
pub(crate) const HOME: &str = "192.0.2.7";
pub(crate) const AWAY: &str = "198.51.100.9";

pub(crate) struct House {
    shared: testing::House,
    pub(crate) guardrails: Guardrails,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let plan = Plan { guards: || Arc::new(Shelf), ..Plan::of(guardrails::sql::MIGRATIONS) };
        plan.houses().await.into_iter().map(Self::of).collect()
    }

    fn of(house: testing::House) -> Self {
        let clock = house.clock.shared();
        let opened = Guardrails::open(&house.databases, &clock, &house.record, &house.identity);
        let guardrails = opened.expect("opens");
        let routes = guardrails::routes(guardrails.clone());
        let routes = routes.merge(guardrails::pages(guardrails.clone()));
        Self { shared: house.serving(routes), guardrails }
    }

    /// Who shows this key, from there.
    pub(crate) async fn by_key(&self, who: &Somebody, from: &str) -> Caller {
        self.by_session(&who.key, from).await
    }

    /// The cookie of a session: begun by an identity provider with a second factor shown so
    /// long ago, or with a password and without one.
    pub(crate) async fn session(
        &self,
        org: &Org,
        who: &Somebody,
        factor_secs: Option<i64>,
    ) -> String {
        let now = self.clock.now();
        let ago = |secs| now - jiff::SignedDuration::from_secs(secs);
        let birth = Birth {
            member: who.id.parse().expect("an id"),
            method: if factor_secs.is_some() { Method::Saml } else { Method::Password },
            factor_at: factor_secs.map(ago),
            connection: Some("con_1".to_owned()),
            vouched: PermissionSet::ALL,
            subject: Some("somebody".to_owned()),
            index: None,
            until: None,
        };
        self.let_in(&org.id, birth, Some(HOME)).await
    }

    pub(crate) async fn by_session(&self, session: &str, from: &str) -> Caller {
        self.caller(&self.identity, session, Some(from)).await.expect("is somebody")
    }

    /// Asks with a key from there; gives the status and the body.
    pub(crate) async fn ask_from(
        &self,
        key: &str,
        from: &str,
        (method, path): (&str, &str),
        body: Value,
    ) -> (u16, Value) {
        let with = [("x-api-key", key), ("x-test-ip", from)];
        let answer = self.send(request(method, path, &with, body)).await;
        (answer.status, answer.json())
    }

    pub(crate) async fn ask(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        self.ask_from(key, HOME, (method, path), body).await
    }

    /// Sends a form from a browser, or opens a page when there is none.
    pub(crate) async fn page(
        &self,
        key: &str,
        path: &str,
        form: Option<&[(&str, &str)]>,
    ) -> (u16, String) {
        let encoded = |text: &str| base::page::filters::percent_encoded(text);
        let pairs = form.map(|form| {
            let pair = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
            form.iter().map(pair).collect::<Vec<_>>().join("&")
        });
        let method = if form.is_some() { "POST" } else { "GET" };
        let body = pairs.map_or(Value::Null, Value::String);
        let answer = self.shared.ask_from(key, Some(HOME), method, path, body).await;
        (answer.status, answer.text)
    }

    /// Makes a guardrail as the org's owner; gives its id.
    pub(crate) async fn guard(&self, org: &Org, name: &str, policy: &str) -> String {
        let body = json!({"name": name, "policy": policy});
        let (status, made) = self.ask(&org.owner.key, "POST", "/api/guardrails", body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().expect("an id").to_owned()
    }

    /// A call that was begun.
    pub(crate) async fn call(&self, caller: &Caller, model: &str) {
        let call = audit::CallFacts::begun(model, self.clock.now());
        let begun = Event::done("gateway.call.started", "call", "call_1");
        let begun = begun.outcome(Outcome::Started).call(call);
        self.record.note(caller, &begun).await.expect("is recorded");
    }
}

/// A policy over everything, with this condition.
pub(crate) fn forbid(action: &str, condition: &str) -> String {
    format!("forbid (principal, {action}, resource) {condition};")
}

pub(crate) fn refused(caller: &Caller, permission: Permission) -> Vec<String> {
    caller.require(permission).expect_err("is refused").0.policies
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for house in House::on_each_engine().await {
        house.understands(guardrails::sql::STATEMENTS, guardrails::sql::BATCHES).await;
    }
}
