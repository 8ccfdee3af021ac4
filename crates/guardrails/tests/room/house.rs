//! A house with this room and identification in it, and a door in front.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, Method, OrgId, Origin, Permission, Region};
use audit::{Event, Filter, Outcome, Record};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::db::Migration;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use guardrails::{Guardrails, Shelf};
use http_body_util::BodyExt;
use identity::{Birth, Config, FindOrg, Found, Identity, Needs, NewKey, NewMember, NewOrg};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Where everybody is, unless they say otherwise.
pub(crate) const HOME: &str = "192.0.2.7";
pub(crate) const AWAY: &str = "198.51.100.9";

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) databases: Databases,
    pub(crate) identity: Identity,
    pub(crate) guardrails: Guardrails,
    pub(crate) record: Record,
    roots: BTreeMap<Region, RootKey>,
    directory: Arc<Directory>,
    routes: Router,
}

/// Somebody, and the key they show.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) id: access::MemberId,
    pub(crate) key: String,
}

pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) operator: Caller,
    pub(crate) owner: Somebody,
    pub(crate) admin: Somebody,
    pub(crate) member: Somebody,
    pub(crate) viewer: Somebody,
}

#[derive(Debug, Default)]
struct Directory(Mutex<HashMap<String, (OrgId, Region)>>);

impl FindOrg for Directory {
    fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        let found = self.0.lock().expect("unpoisoned").get(name).cloned();
        Box::pin(async { Ok(found) })
    }
}

pub(crate) fn migrations() -> Vec<Migration> {
    [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, guardrails::sql::MIGRATIONS].concat()
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    pub(crate) fn on(bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = Region::ALL.map(|region| (region, RootKey::fresh().expect("randomness")));
        let (roots, directory) = (BTreeMap::from(roots), Arc::default());
        let identity = open(&databases, &clock, &record, &roots, &directory);
        let guardrails = Guardrails::open(&databases, &clock.shared(), &record, &identity);
        let guardrails = guardrails.expect("opens");
        let routes =
            guardrails::routes(guardrails.clone()).merge(guardrails::pages(guardrails.clone()));
        let routes = routes.merge(identity::routes(identity.clone()));
        let (routes, _) = routes.split_for_parts();
        let routes = routes.layer(from_fn_with_state(identity.clone(), door));
        Self { bench, clock, databases, identity, guardrails, record, roots, directory, routes }
    }

    /// A second node on the same database.
    pub(crate) fn second_node(&self) -> Identity {
        open(&self.databases, &self.clock, &self.record, &self.roots, &self.directory)
    }

    pub(crate) async fn org(&self, slug: &str) -> Org {
        let id = OrgId::new(self.clock.now());
        let operator = Caller::operator(id.clone(), Region::Eu, "test");
        let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
        self.identity.create_org(&operator, &new).await.expect("an org");
        let home = (id.clone(), Region::Eu);
        self.directory.0.lock().expect("unpoisoned").insert(slug.to_owned(), home);
        Org {
            owner: self.somebody(&operator, slug, "owner").await,
            admin: self.somebody(&operator, slug, "admin").await,
            member: self.somebody(&operator, slug, "member").await,
            viewer: self.somebody(&operator, slug, "viewer").await,
            id,
            operator,
        }
    }

    async fn somebody(&self, operator: &Caller, slug: &str, role: &str) -> Somebody {
        let new = NewMember {
            email: format!("{role}@{slug}.example"),
            name: role.to_owned(),
            role: format!("org:{role}"),
            password: None,
        };
        let member = self.identity.add_member(operator, &new).await.expect("a member");
        let owner = Some(member.id.to_string());
        let new = NewKey { owner, name: "laptop".to_owned(), ..NewKey::default() };
        let issued = self.identity.create_key(operator, &new).await.expect("a key");
        Somebody { id: member.id, key: issued.secret.reveal().to_owned() }
    }

    /// Who shows this key, from there.
    pub(crate) async fn by_key(&self, who: &Somebody, from: &str) -> Caller {
        identified(&self.identity, &headers(&[("x-api-key", &who.key)]), from).await
    }

    /// The headers of a session: begun by an identity provider with a second factor shown so
    /// long ago, or with a password and without one.
    pub(crate) async fn session(
        &self,
        org: &Org,
        who: &Somebody,
        factor_secs: Option<i64>,
    ) -> HeaderMap {
        let now = self.clock.now();
        let ago = |secs| now - jiff::SignedDuration::from_secs(secs);
        let birth = Birth {
            member: who.id.clone(),
            method: if factor_secs.is_some() { Method::Saml } else { Method::Password },
            factor_at: factor_secs.map(ago),
            connection: Some("con_1".to_owned()),
            subject: Some("somebody".to_owned()),
            index: None,
        };
        let origin = origin(HOME);
        let signed_in = self.identity.let_in(&org.id, Region::Eu, birth, origin).await;
        let signed_in = signed_in.expect("a session");
        let response = self.identity.with_session(&signed_in, ().into_response());
        let cookie = response.headers().get("set-cookie").expect("a cookie").to_str();
        let pair = cookie.expect("text").split(';').next().expect("a pair");
        headers(&[("cookie", pair), ("sec-fetch-site", "same-origin")])
    }

    pub(crate) async fn by_session(&self, session: &HeaderMap, from: &str) -> Caller {
        identified(&self.identity, session, from).await
    }

    /// Asks with a key from there; gives the status and the body.
    pub(crate) async fn ask_from(
        &self,
        key: &str,
        from: &str,
        (method, path): (&str, &str),
        body: Value,
    ) -> (u16, Value) {
        let with = headers(&[("x-api-key", key), ("x-test-ip", from)]);
        let (status, text) = self.send(with, method, path, "application/json", body).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
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
        let with =
            headers(&[("x-api-key", key), ("x-test-ip", HOME), ("sec-fetch-site", "same-origin")]);
        let encoded = |text: &str| base::page::filters::percent_encoded(text);
        let pairs = form.map(|form| {
            let pair = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
            form.iter().map(pair).collect::<Vec<_>>().join("&")
        });
        let method = if form.is_some() { "POST" } else { "GET" };
        let body = pairs.map_or(Value::Null, Value::String);
        self.send(with, method, path, "application/x-www-form-urlencoded", body).await
    }

    async fn send(
        &self,
        headers: HeaderMap,
        method: &str,
        path: &str,
        kind: &str,
        body: Value,
    ) -> (u16, String) {
        let body = match body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text),
            other => Body::from(other.to_string()),
        };
        let mut request = Request::builder().method(method).uri(path).body(body).expect("it");
        *request.headers_mut() = headers;
        request.headers_mut().insert("content-type", kind.parse().expect("a header"));
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    /// Makes a guardrail as the org's owner; gives its id.
    pub(crate) async fn guard(&self, org: &Org, name: &str, policy: &str) -> String {
        let body = json!({"name": name, "policy": policy});
        let (status, made) = self.ask(&org.owner.key, "POST", "/api/guardrails", body).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The newest events of an action.
    pub(crate) async fn events(&self, org: &Org, action: &str) -> Vec<Value> {
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        self.record.events(&org.operator, &filter).await.expect("reads").items
    }

    /// A call that was begun.
    pub(crate) async fn call(&self, caller: &Caller, model: &str) {
        let call = audit::CallFacts {
            model: model.to_owned(),
            provider: None,
            endpoint: None,
            provider_region: None,
            pattern: None,
            tokens_in: 0,
            tokens_out: 0,
            estimated: false,
            price_nanocents: 0,
            started_at: self.clock.now(),
            attempts: 0,
        };
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

pub(crate) async fn identified(identity: &Identity, with: &HeaderMap, from: &str) -> Caller {
    identity.identify(&axum::http::Method::GET, with, origin(from)).await.expect("is somebody")
}

pub(crate) fn origin(from: &str) -> Origin {
    Origin { ip: from.parse().ok(), ..Origin::default() }
}

pub(crate) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), value.parse().expect("a header"))
        })
        .collect()
}

fn open(
    databases: &Databases,
    clock: &StillClock,
    record: &Record,
    roots: &BTreeMap<Region, RootKey>,
    directory: &Arc<Directory>,
) -> Identity {
    let needs = Needs {
        guards: Arc::new(Shelf::new(databases)),
        visits: Arc::new(identity::NoVisits),
        databases: databases.clone(),
        clock: clock.shared(),
        record: record.clone(),
        roots: roots.clone(),
        tasks: Tasks::new(),
        find_org: directory.clone(),
        mail: None,
        config: Config::default(),
    };
    Identity::open(needs).expect("opens")
}

/// What the server does in front of every route.
async fn door(
    State(identity): State<Identity>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let ip = request.headers().get("x-test-ip").and_then(|ip| ip.to_str().ok()?.parse().ok());
    let origin = Origin { ip, request_id: "req_1".to_owned(), ..Origin::default() };
    match identity.identify(request.method(), request.headers(), origin).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.problem.into_response(),
    }
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for bench in Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await {
        for statement in guardrails::sql::STATEMENTS {
            let understood = bench.db.understands(statement.text).await;
            assert!(understood.is_ok(), "{}: {understood:?}", statement.doing);
            assert!(statement.text.contains("org_id"), "{}", statement.text);
        }
    }
}
