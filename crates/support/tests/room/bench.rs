//! A house with the operators' org, two customers and their people, and a door in front.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, MemberId, Method, OrgId, Origin, Permission, Region};
use audit::Record;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use base::args;
use base::db::{Migration, Statement};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use http_body_util::BodyExt;
use identity::{Birth, FindOrg, Found, Identity, NewKey, NewMember, NewOrg};
use jiff::SignedDuration;
use serde_json::{Value, json};
use support::{Config, Consents, Support};
use tower::ServiceExt;

pub(crate) struct House {
    pub(crate) clock: StillClock,
    pub(crate) databases: Databases,
    pub(crate) identity: Identity,
    pub(crate) support: Support,
    record: Record,
    roots: BTreeMap<Region, RootKey>,
    directory: Arc<Directory>,
    pub(crate) routes: Router,
    pub(crate) operators: Org,
    pub(crate) acme: Org,
    pub(crate) globex: Org,
    // The folder of the database lives as long as the house.
    _bench: Bench,
}

/// An org and three of its people.
pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) system: Caller,
    pub(crate) owner: MemberId,
    pub(crate) other: MemberId,
    pub(crate) viewer: MemberId,
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
    [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, support::sql::MIGRATIONS].concat()
}

/// What answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The cookie that it sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        let all = self.headers.get_all("set-cookie").iter();
        let mut set =
            all.map(|value| value.to_str().expect("text").split(';').next().expect("one"));
        set.find(|pair| pair.starts_with("portico_session=")).expect("a session").to_owned()
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::with(Config { operators: Some("operators".to_owned()) }).await
    }

    pub(crate) async fn with(config: Config) -> Vec<Self> {
        let mut houses = Vec::new();
        for bench in Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await {
            houses.push(Self::on(bench, config.clone()).await);
        }
        houses
    }

    async fn on(bench: Bench, config: Config) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("randomness"))]);
        let directory = Arc::<Directory>::default();
        let identity = open(&databases, &clock, &record, &roots, &directory);
        let support = Support::open(support::Needs {
            databases: databases.clone(),
            clock: clock.shared(),
            identity: identity.clone(),
            find_org: directory.clone(),
            config,
        });
        let routes = identity::routes(identity.clone())
            .merge(identity::pages(identity.clone()))
            .merge(audit::routes(record.clone()))
            .merge(support::routes(support.clone()))
            .merge(support::pages(support.clone()));
        let (routes, _) = routes.split_for_parts();
        let routes = routes.layer(from_fn_with_state(identity.clone(), door));
        let operators = org(&identity, &clock, &directory, "operators").await;
        let acme = org(&identity, &clock, &directory, "acme").await;
        let globex = org(&identity, &clock, &directory, "globex").await;
        Self {
            clock,
            databases,
            identity,
            support,
            record,
            roots,
            directory,
            routes,
            operators,
            acme,
            globex,
            _bench: bench,
        }
    }

    /// The same after a restart, or another process beside it.
    pub(crate) fn restarted(&self) -> Identity {
        open(&self.databases, &self.clock, &self.record, &self.roots, &self.directory)
    }

    /// A session in which a second factor was shown just now, as a cookie.
    pub(crate) async fn sign_in(&self, org: &Org, member: &MemberId) -> String {
        self.session(org, member, Method::Passkey, Some(self.clock.now())).await
    }

    /// A session without a second factor.
    pub(crate) async fn sign_in_plainly(&self, org: &Org, member: &MemberId) -> String {
        self.session(org, member, Method::Password, None).await
    }

    async fn session(
        &self,
        org: &Org,
        member: &MemberId,
        method: Method,
        factor_at: Option<base::time::At>,
    ) -> String {
        let birth = Birth::of(member.clone(), method, factor_at);
        let signed = self.identity.let_in(&org.id, Region::Eu, birth, Origin::default()).await;
        format!("portico_session={}", signed.expect("is let in").token.reveal())
    }

    /// A key of a member, for programs.
    pub(crate) async fn key(&self, org: &Org, member: &MemberId) -> String {
        let new =
            NewKey { owner: Some(member.to_string()), name: "k".to_owned(), ..NewKey::default() };
        let key = self.identity.create_key(&org.system, &new).await.expect("a key");
        format!("Bearer {}", key.secret.reveal())
    }

    /// Asks with a session or a key; `Null` sends no body, a text a form.
    pub(crate) async fn ask(&self, who: &str, method: &str, path: &str, body: Value) -> Answer {
        self.ask_from(who, None, method, path, body).await
    }

    pub(crate) async fn ask_from(
        &self,
        who: &str,
        ip: Option<&str>,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let shown = if who.starts_with("Bearer") { "authorization" } else { "cookie" };
        let mut request = Request::builder().method(method).uri(path).header(shown, who);
        request = request.header("sec-fetch-site", "same-origin");
        if let Some(ip) = ip {
            request = request.header("x-test-ip", ip);
        }
        let body = match body {
            Value::Null => Body::empty(),
            Value::String(form) => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                Body::from(form)
            }
            other => {
                request = request.header("content-type", "application/json");
                Body::from(other.to_string())
            }
        };
        let request = request.body(body).expect("a request");
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.ask(who, "GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.ask(who, "POST", path, body).await
    }

    /// The operator asks an org; gives the id of the request.
    pub(crate) async fn asked(&self, org: &str, permissions: &[&str], hours: u32) -> String {
        let operator = self.sign_in(&self.operators, &self.operators.owner).await;
        let body = json!({
            "org": org, "reason": "case 4711: patterns do not answer",
            "permissions": permissions, "hours": hours,
        });
        let answer = self.post(&operator, "/api/support/asks", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    /// An approver of acme grants a request as it was asked for.
    pub(crate) async fn granted(&self, permissions: &[&str], hours: u32) -> String {
        let id = self.asked("acme", permissions, hours).await;
        let owner = self.sign_in(&self.acme, &self.acme.owner).await;
        let path = format!("/api/support/requests/{id}/grant");
        let answer = self.post(&owner, &path, json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        id
    }

    /// The operator goes in; gives the visit's cookie.
    pub(crate) async fn entered(&self, id: &str) -> String {
        let operator = self.sign_in(&self.operators, &self.operators.owner).await;
        let answer = self.post(&operator, &format!("/support/desk/{id}/enter"), Value::Null).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.cookie();
        assert!(cookie.starts_with("portico_session=px_eu_"), "{cookie}");
        cookie
    }

    /// An approver of acme ends what was granted.
    pub(crate) async fn ended(&self, id: &str) {
        let owner = self.sign_in(&self.acme, &self.acme.owner).await;
        let path = format!("/api/support/requests/{id}/end");
        let answer = self.post(&owner, &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Who a cookie makes somebody, on this or another node.
    pub(crate) async fn who(&self, node: &Identity, cookie: &str) -> Option<Caller> {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().expect("a header"));
        let get = axum::http::Method::GET;
        node.identify(&get, &headers, Origin::default()).await.ok()
    }

    /// The events of an org, oldest first.
    pub(crate) async fn events(&self, org: &Org) -> Vec<Value> {
        let scope = org.system.require(Permission::EventsRead).expect("may");
        let read =
            Statement::new("read", "SELECT body FROM audit_event WHERE org_id = $1 ORDER BY seq");
        let rows = self.databases.of(&scope).expect("eu").all(read, args![]).await.expect("reads");
        rows.iter().map(|row| row.json("body").expect("json")).collect()
    }
}

async fn org(identity: &Identity, clock: &StillClock, directory: &Directory, slug: &str) -> Org {
    let id = OrgId::new(clock.now());
    let system = Caller::operator(id.clone(), Region::Eu, "test");
    let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
    identity.create_org(&system, &new).await.expect("an org");
    let home = (id.clone(), Region::Eu);
    let names = [slug.to_owned(), id.to_string()].map(|name| (name, home.clone()));
    directory.0.lock().expect("unpoisoned").extend(names);
    let somebody = async |name: &str, role: &str| {
        let new = NewMember {
            email: format!("{name}@{slug}.example"),
            name: format!("{name} of {slug}"),
            role: role.to_owned(),
            password: None,
        };
        identity.add_member(&system, &new).await.expect("a member").id
    };
    Org {
        owner: somebody("owner", "org:owner").await,
        other: somebody("other", "org:owner").await,
        viewer: somebody("viewer", "org:viewer").await,
        id,
        system: system.clone(),
    }
}

fn open(
    databases: &Databases,
    clock: &StillClock,
    record: &Record,
    roots: &BTreeMap<Region, RootKey>,
    directory: &Arc<Directory>,
) -> Identity {
    let needs = identity::Needs {
        guards: Arc::new(identity::NoGuards),
        visits: Arc::new(Consents::new(databases, &clock.shared())),
        databases: databases.clone(),
        clock: clock.shared(),
        record: record.clone(),
        roots: roots.clone(),
        tasks: Tasks::new(),
        find_org: directory.clone(),
        mail: None,
        config: identity::Config { cookie_secure: false, ..identity::Config::default() },
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
    let request_id = "req_1".to_owned();
    let origin = Origin { ip, user_agent: None, request_id, trace_parent: None };
    match identity.identify(request.method(), request.headers(), origin).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.problem.into_response(),
    }
}
