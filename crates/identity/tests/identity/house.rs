//! A house with this room in it and a door in front, two orgs and their people.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, OrgId, Origin, Region};
use audit::{Filter, Record};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use base::db::Migration;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use http_body_util::BodyExt;
use identity::{Config, FindOrg, Found, Identity, Mail, Needs, NewKey, NewMember, NewOrg};
use serde_json::Value;
use tower::ServiceExt;

/// Long enough for a password, and the same for everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Where people reach this house.
pub(crate) const ORIGIN: &str = "https://portico.example";

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) databases: Databases,
    pub(crate) identity: Identity,
    record: Record,
    roots: BTreeMap<Region, RootKey>,
    directory: Arc<Directory>,
    mail: Option<Arc<dyn Mail>>,
    routes: Router,
}

/// A person or program, and the key it shows.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) id: String,
    pub(crate) email: String,
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
    [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS].concat()
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    /// With a mail server.
    pub(crate) async fn on_each_engine_mailing(mail: &Arc<impl Mail + 'static>) -> Vec<Self> {
        let benches = Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(|bench| Self::with(bench, Some(mail.clone()))).collect()
    }

    fn on(bench: Bench) -> Self {
        Self::with(bench, None)
    }

    fn with(bench: Bench, mail: Option<Arc<dyn Mail>>) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = Region::ALL.map(|region| (region, RootKey::fresh().expect("randomness")));
        let (roots, directory) = (BTreeMap::from(roots), Arc::default());
        let identity = open(&databases, &clock, &record, &roots, &directory, mail.as_ref());
        let routes = identity::routes(identity.clone()).merge(identity::pages(identity.clone()));
        let (routes, _) = routes.split_for_parts();
        let routes = routes.layer(from_fn_with_state(identity.clone(), door));
        Self { bench, clock, databases, identity, record, roots, directory, mail, routes }
    }

    /// A second node on the same database.
    pub(crate) fn second_node(&self) -> Identity {
        open(
            &self.databases,
            &self.clock,
            &self.record,
            &self.roots,
            &self.directory,
            self.mail.as_ref(),
        )
    }

    pub(crate) async fn org(&self, slug: &str) -> Org {
        let id = OrgId::new(self.clock.now());
        let operator = Caller::operator(id.clone(), Region::Eu, "test");
        let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
        self.identity.create_org(&operator, &new).await.expect("an org");
        let home = (id.clone(), Region::Eu);
        let names = [slug.to_owned(), id.to_string()].map(|name| (name, home.clone()));
        self.directory.0.lock().expect("unpoisoned").extend(names);
        Org {
            owner: self.somebody(&operator, slug, "owner").await,
            admin: self.somebody(&operator, slug, "admin").await,
            member: self.somebody(&operator, slug, "member").await,
            viewer: self.somebody(&operator, slug, "viewer").await,
            id,
            operator,
        }
    }

    pub(crate) async fn somebody(&self, operator: &Caller, slug: &str, role: &str) -> Somebody {
        let email = format!("{role}@{slug}.example");
        let new = NewMember {
            email: email.clone(),
            name: role.to_owned(),
            role: format!("org:{role}"),
            // Hashing takes its time: only one of them signs in.
            password: (role == "member").then(|| Secret::new(PASSWORD.to_owned())),
        };
        let member = self.identity.add_member(operator, &new).await.expect("a member");
        let id = member.id.to_string();
        let new =
            NewKey { owner: Some(id.clone()), name: "laptop".to_owned(), ..NewKey::default() };
        let issued = self.identity.create_key(operator, &new).await.expect("a key");
        Somebody { id, email, key: issued.secret.reveal().to_owned() }
    }

    /// Asks with a key; gives the status and the body.
    pub(crate) async fn ask(
        &self,
        key: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let bearer = format!("Bearer {key}");
        let (status, _, body) =
            self.send(method, path, &[("authorization", bearer.as_str())], body).await;
        (status, body)
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        self.ask(key, "GET", path, Value::Null).await
    }

    /// Asks with these headers; gives the status, the response's headers and the body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> (u16, axum::http::HeaderMap, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        let request = request.body(body).expect("a request");
        let (status, headers, body) = self.raw(request).await;
        (status, headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Sends a request as it is.
    pub(crate) async fn raw(
        &self,
        request: Request<Body>,
    ) -> (u16, axum::http::HeaderMap, axum::body::Bytes) {
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, headers, body)
    }

    /// The newest events of an action.
    pub(crate) async fn events(&self, org: &Org, action: &str) -> Vec<Value> {
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        self.record.events(&org.operator, &filter).await.expect("reads").items
    }

    pub(crate) fn engine(&self) -> base::db::Engine {
        self.bench.db.engine()
    }
}

fn open(
    databases: &Databases,
    clock: &StillClock,
    record: &Record,
    roots: &BTreeMap<Region, RootKey>,
    directory: &Arc<Directory>,
    mail: Option<&Arc<dyn Mail>>,
) -> Identity {
    let needs = Needs {
        guards: Arc::new(identity::NoGuards),
        visits: Arc::new(identity::NoVisits),
        databases: databases.clone(),
        clock: clock.shared(),
        record: record.clone(),
        roots: roots.clone(),
        tasks: Tasks::new(),
        find_org: directory.clone(),
        mail: mail.cloned(),
        config: Config {
            public_url: Some(ORIGIN.parse().expect("an address")),
            sso_page: Some("/sso"),
            ..Config::default()
        },
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
    let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
    let user_agent = agent.map(str::to_owned);
    let origin = Origin { ip, user_agent, request_id: "req_1".to_owned(), trace_parent: None };
    let public = [
        ("POST", "/api/session"),
        ("POST", "/api/invitations/accept"),
        ("POST", "/api/password/reset"),
        ("POST", "/api/session/passkey"),
        ("POST", "/api/session/passkey/begin"),
    ];
    let open = ["/sign-in", "/join", "/reset", "/setup"].contains(&request.uri().path());
    if open || public.contains(&(request.method().as_str(), request.uri().path())) {
        request.extensions_mut().insert(origin);
        return next.run(request).await;
    }
    match identity.identify(request.method(), request.headers(), origin).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) if let Some(confined) = refused.confined_to(request.uri().path()) => {
            request.extensions_mut().insert(confined);
            next.run(request).await
        }
        Err(refused) => {
            let who = refused.who.as_ref().map(|who| who.actor.id().to_owned());
            (Extension(who), refused.problem).into_response()
        }
    }
}

#[tokio::test]
async fn a_route_without_credentials_is_refused() {
    for house in House::on_each_engine().await {
        house.org("acme").await;
        for headers in [&[][..], &[("authorization", "Basic YTpi")], &[("cookie", "a=b")]] {
            let (status, answer, _) = house.send("GET", "/api/members", headers, Value::Null).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED.as_u16());
            assert_eq!(answer.get("www-authenticate").expect("how to"), "Bearer");
        }
    }
}

#[tokio::test]
async fn every_statement_prepares_and_names_its_org() {
    for bench in Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await {
        for statement in identity::sql::STATEMENTS {
            let understood = bench.db.understands(statement.text).await;
            assert!(understood.is_ok(), "{}: {understood:?}", statement.doing);
            assert!(statement.text.contains("org_id"), "{}", statement.text);
        }
    }
}

#[tokio::test]
async fn few_routes_are_public_and_all_others_name_what_they_need() {
    let house = House::on(Bench::sqlite(&migrations()).await);
    let routes = identity::routes(house.identity.clone());
    let (_, document) = routes.merge(identity::pages(house.identity.clone())).split_for_parts();
    let document = serde_json::to_value(document).expect("json");
    let mut public = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            match operation["security"][0]["key"][0].as_str() {
                Some(named) => assert!(named == "self" || named.contains(':'), "{method} {path}"),
                None => public.push(format!("{method} {path}")),
            }
        }
    }
    assert_eq!(
        public,
        [
            "post /api/invitations/accept",
            "post /api/password/reset",
            "post /api/session",
            "post /api/session/passkey",
            "post /api/session/passkey/begin",
            "get /join",
            "post /join",
            "get /reset",
            "post /reset",
            "get /setup",
            "post /setup",
            "get /sign-in",
            "post /sign-in"
        ]
    );
}
