//! A house with this room, identity and the record in it, a door in front, and orgs.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, OrgId, Origin, Region, TeamId};
use audit::{Filter, Record};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::db::{Statement, Within};
use base::fetch::{Fetch, FetchConfig};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use http_body_util::BodyExt as _;
use identity::{Config, FindOrg, Found, Identity, Needs, NewKey, NewMember, NewOrg};
use serde_json::{Value, json};
use sso::Sso;
use tower::ServiceExt as _;

use crate::idp::Idp;

/// Where people reach the house.
pub(crate) const PUBLIC: &str = "https://portico.example";

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) identity: Identity,
    pub(crate) sso: Sso,
    record: Record,
    directory: Arc<Directory>,
    routes: Router,
}

#[derive(Debug, Default)]
struct Directory(Mutex<HashMap<String, (OrgId, Region)>>);

impl FindOrg for Directory {
    fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        let found = self.0.lock().expect("unpoisoned").get(name).cloned();
        Box::pin(async { Ok(found) })
    }
}

pub(crate) struct Org {
    pub(crate) slug: String,
    pub(crate) operator: Caller,
    pub(crate) owner: Somebody,
    pub(crate) admin: Somebody,
}

/// A person, and the key that they show.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) email: String,
    pub(crate) key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Where the browser is sent.
    pub(crate) fn location(&self) -> String {
        let to = self.headers.get("location").or_else(|| self.headers.get("refresh"));
        let to = to.unwrap_or_else(|| panic!("{} leads nowhere: {}", self.status, self.text));
        let to = to.to_str().expect("text");
        to.strip_prefix("0;url=").unwrap_or(to).to_owned()
    }
}

fn migrations() -> Vec<base::db::Migration> {
    [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, sso::sql::MIGRATIONS].concat()
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(Self::on).collect()
    }

    fn on(bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("randomness"))]);
        let directory: Arc<Directory> = Arc::default();
        let identity = Identity::open(Needs {
            databases: databases.clone(),
            clock: clock.shared(),
            record: record.clone(),
            roots: roots.clone(),
            tasks: Tasks::new(),
            find_org: directory.clone(),
            guards: Arc::new(identity::NoGuards),
            visits: Arc::new(identity::NoVisits),
            mail: None,
            config: Config::default(),
        })
        .expect("opens");
        let fetch =
            FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
        let sso = Sso::open(sso::Needs {
            databases,
            clock: clock.shared(),
            record: record.clone(),
            identity: identity.clone(),
            find_org: directory.clone(),
            fetch: Fetch::new(fetch).expect("a client"),
            roots,
            tasks,
            config: sso::Config { public_url: format!("{PUBLIC}/"), cookie_secure: true },
        })
        .expect("opens");
        let routes = sso::routes(sso.clone())
            .merge(sso::pages(sso.clone()))
            .merge(identity::routes(identity.clone()));
        let (routes, _) = routes.split_for_parts();
        let routes = routes.layer(from_fn_with_state(identity.clone(), door));
        Self { bench, clock, identity, sso, record, directory, routes }
    }

    pub(crate) async fn org(&self, slug: &str) -> Org {
        let id = OrgId::new(self.clock.now());
        let operator = Caller::operator(id.clone(), Region::Eu, "test");
        let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
        self.identity.create_org(&operator, &new).await.expect("an org");
        let home = (id.clone(), Region::Eu);
        self.directory.0.lock().expect("unpoisoned").insert(slug.to_owned(), home);
        Org {
            owner: self.somebody(&operator, &format!("owner@{slug}.example"), "org:owner").await,
            admin: self.somebody(&operator, &format!("admin@{slug}.example"), "org:admin").await,
            slug: slug.to_owned(),
            operator,
        }
    }

    pub(crate) async fn somebody(&self, operator: &Caller, email: &str, role: &str) -> Somebody {
        let new = NewMember {
            email: email.to_owned(),
            name: email.split('@').next().unwrap_or_default().to_owned(),
            role: role.to_owned(),
            password: None,
        };
        let member = self.identity.add_member(operator, &new).await.expect("a member");
        let new = NewKey {
            owner: Some(member.id.to_string()),
            name: "laptop".to_owned(),
            ..NewKey::default()
        };
        let issued = self.identity.create_key(operator, &new).await.expect("a key");
        let key = issued.secret.reveal().to_owned();
        Somebody { email: email.to_owned(), key }
    }

    pub(crate) async fn team(&self, org: &Org, name: &str) -> TeamId {
        self.identity.add_team(&org.operator, name).await.expect("a team").id
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// Asks the API with a key.
    pub(crate) async fn ask(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"));
        let request = match body {
            Value::Null => request.body(Body::empty()),
            Value::String(text) => {
                request.header("content-type", "application/samlmetadata+xml").body(text.into())
            }
            body => {
                request.header("content-type", "application/json").body(body.to_string().into())
            }
        };
        self.send(request.expect("a request")).await
    }

    /// A SAML connection to a provider, tested and switched on by the owner. Its handle.
    pub(crate) async fn connected(&self, org: &Org, idp: &Idp) -> Connected {
        let connected = self.made(org, idp).await;
        self.sso_state_tested(&connected).await;
        let path = format!("/api/connections/{}/activate", connected.id);
        let answer = self.ask(&org.owner.key, "POST", &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        connected
    }

    /// The same, still a draft.
    pub(crate) async fn made(&self, org: &Org, idp: &Idp) -> Connected {
        let body = json!({ "kind": "saml", "name": "Acme login" });
        let made = self.ask(&org.owner.key, "POST", "/api/connections", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json();
        let connected = Connected::of(&made);
        let path = format!("/api/connections/{}/metadata", connected.id);
        let put = self.ask(&org.owner.key, "PUT", &path, Value::String(idp.metadata())).await;
        assert_eq!(put.status, 200, "{}", put.text);
        connected
    }

    /// As if somebody had come through in a test: the test of a test is elsewhere.
    pub(crate) async fn sso_state_tested(&self, connected: &Connected) {
        let text = "UPDATE sso_connection SET tested_at = created_at, state = 'tested'
                     WHERE connection_id = $1";
        self.tamper(text, connected.id.as_str()).await;
    }

    /// Changes the database by hand.
    #[expect(clippy::disallowed_methods, reason = "a test reaches behind the room")]
    pub(crate) async fn tamper(&self, text: &'static str, id: &str) {
        let mut tx = self.bench.db.begin(&Within::node()).await.expect("begins");
        tx.run(Statement::new("tamper", text), base::args![id]).await.expect("runs");
        tx.commit().await.expect("commits");
    }

    pub(crate) async fn patch(&self, key: &str, connected: &Connected, body: Value) -> Answer {
        self.ask(key, "PATCH", &format!("/api/connections/{}", connected.id), body).await
    }

    /// The events of an action, the newest first.
    pub(crate) async fn events(&self, org: &Org, action: &str) -> Vec<Value> {
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        self.record.events(&org.operator, &filter).await.expect("reads").items
    }

    /// Why the last sign-in was refused.
    pub(crate) async fn last_refusal(&self, org: &Org) -> String {
        let events = self.events(org, "sso.sign_in.refused").await;
        let last = events.first().map(|event| event["reason"]["code"].clone());
        last.and_then(|code| code.as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// A member by their address.
    pub(crate) async fn member(&self, org: &Org, email: &str) -> Option<Value> {
        let path = format!("/api/members?q={email}");
        let page = self.ask(&org.owner.key, "GET", &path, Value::Null).await.json();
        page["items"].as_array().and_then(|items| items.first().cloned())
    }
}

/// A connection, as tests name it.
#[derive(Debug, Clone)]
pub(crate) struct Connected {
    pub(crate) id: String,
    pub(crate) handle: String,
    pub(crate) acs: String,
    pub(crate) entity: String,
}

impl Connected {
    pub(crate) fn of(made: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            id: text(&made["id"]),
            handle: text(&made["ours"]["handle"]),
            acs: text(&made["ours"]["acs_url"]),
            entity: text(&made["ours"]["entity_id"]),
        }
    }
}

/// What the server does in front of every route.
async fn door(
    State(identity): State<Identity>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let open = path == "/sso" || path.strip_prefix("/sso/").is_some_and(|rest| rest.contains('/'));
    let ip = request.headers().get("x-test-ip").and_then(|ip| ip.to_str().ok()?.parse().ok());
    let origin =
        Origin { ip, user_agent: None, request_id: "req_1".to_owned(), trace_parent: None };
    if open {
        request.extensions_mut().insert(origin);
        return next.run(request).await;
    }
    match identity.identify(request.method(), request.headers(), origin).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.problem.into_response(),
    }
}

impl House {
    /// Every byte of the connections.
    pub(crate) async fn kept(&self) -> Vec<u8> {
        let text = "SELECT client_secret, keys, policy, mapping, provider FROM sso_connection";
        let read = Statement::new("read", text);
        let rows = self.bench.db.all(&Within::node(), read, base::args![]).await.expect("reads");
        let mut bytes = Vec::new();
        for row in rows {
            bytes.extend(row.opt_bytes("client_secret").expect("bytes").unwrap_or_default());
            bytes.extend(row.opt_bytes("keys").expect("bytes").unwrap_or_default());
            for column in ["policy", "mapping", "provider"] {
                let text = row.opt_text(column).expect("text").unwrap_or_default();
                bytes.extend(text.into_bytes());
            }
        }
        bytes
    }

    /// Submits a form with a key.
    pub(crate) async fn form(&self, key: &str, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        self.send(request.expect("a request")).await
    }
}
