//! A house with two orgs and their people, keys, teams and grants, and a door in front.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use identity::{Birth, FindOrg, Found, Identity, NewGrant, NewKey, NewMember, NewOrg, NewService};
use reviews::Reviews;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct House {
    pub(crate) clock: StillClock,
    pub(crate) databases: Databases,
    pub(crate) identity: Identity,
    routes: Router,
    pub(crate) acme: Org,
    pub(crate) globex: Org,
    // The folder of the database lives as long as the house.
    _bench: Bench,
}

/// An org: two owners who review, a member in a team with a grant, a program, keys.
pub(crate) struct Org {
    pub(crate) id: OrgId,
    pub(crate) system: Caller,
    pub(crate) ada: MemberId,
    pub(crate) bob: MemberId,
    pub(crate) eve: MemberId,
    pub(crate) team: String,
    pub(crate) grant: String,
    pub(crate) bot: String,
    pub(crate) key: String,
}

#[derive(Debug)]
struct Nowhere;

impl FindOrg for Nowhere {
    fn find<'a>(&'a self, _: &'a str) -> Found<'a> {
        Box::pin(async { Ok(None) })
    }
}

pub(crate) fn migrations() -> Vec<Migration> {
    [audit::sql::MIGRATIONS, identity::sql::MIGRATIONS, reviews::sql::MIGRATIONS].concat()
}

/// What answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let mut houses = Vec::new();
        for bench in Bench::on_each_engine(&migrations(), audit::sql::APPEND_ONLY).await {
            houses.push(Self::on(bench).await);
        }
        houses
    }

    async fn on(bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &clock.shared(), "n1", &[], &tasks, &metrics)
            .expect("starts its thread");
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("randomness"))]);
        let identity = Identity::open(identity::Needs {
            guards: Arc::new(identity::NoGuards),
            visits: Arc::new(identity::NoVisits),
            databases: databases.clone(),
            clock: clock.shared(),
            record,
            roots,
            tasks: Tasks::new(),
            find_org: Arc::new(Nowhere),
            mail: None,
            config: identity::Config { cookie_secure: false, ..identity::Config::default() },
        })
        .expect("opens");
        let reviews = Reviews::open(reviews::Needs {
            databases: databases.clone(),
            clock: clock.shared(),
            identity: identity.clone(),
            tasks: Tasks::new(),
        });
        let routes = reviews::routes(reviews.clone()).merge(reviews::pages(reviews.clone()));
        let (routes, _) = routes.split_for_parts();
        let routes = routes.layer(from_fn_with_state(identity.clone(), door));
        let (acme, globex) =
            (org(&identity, &clock, "acme").await, org(&identity, &clock, "globex").await);
        Self { clock, databases, identity, routes, acme, globex, _bench: bench }
    }

    /// The room after a restart.
    pub(crate) fn restarted(&self) -> Reviews {
        Reviews::open(reviews::Needs {
            databases: self.databases.clone(),
            clock: self.clock.shared(),
            identity: self.identity.clone(),
            tasks: Tasks::new(),
        })
    }

    /// A session in which a second factor was shown just now, as a cookie.
    pub(crate) async fn sign_in(&self, org: &Org, member: &MemberId) -> String {
        let birth = Birth::of(member.clone(), Method::Passkey, Some(self.clock.now()));
        let signed = self.identity.let_in(&org.id, Region::Eu, birth, Origin::default()).await;
        format!("portico_session={}", signed.expect("is let in").token.reveal())
    }

    /// Who a cookie makes somebody.
    pub(crate) async fn who(&self, cookie: &str) -> Caller {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookie.parse().expect("a header"));
        let get = axum::http::Method::GET;
        self.identity.identify(&get, &headers, Origin::default()).await.expect("in")
    }

    /// Asks with a session; `Null` sends no body, a text a form.
    pub(crate) async fn ask(&self, who: &str, method: &str, path: &str, body: Value) -> Answer {
        let shown = if who.starts_with("Bearer") { "authorization" } else { "cookie" };
        let mut request = Request::builder().method(method).uri(path).header(shown, who);
        request = request.header("sec-fetch-site", "same-origin");
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
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.ask(who, "GET", path, Value::Null).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.ask(who, "POST", path, body).await
    }

    /// Begins a review and gives its path.
    pub(crate) async fn begun(&self, who: &str, scope: &str, signers: u8) -> String {
        let body = json!({
            "name": "Q1", "scope": scope, "signers": signers, "due_at": "2026-03-31T00:00:00Z",
        });
        let begun = self.post(who, "/api/reviews", body).await;
        assert_eq!(begun.status, 201, "{}", begun.text);
        format!("/api/reviews/{}", begun.json()["id"].as_str().expect("an id"))
    }

    pub(crate) async fn items(&self, who: &str, review: &str) -> Vec<Value> {
        let page = self.get(who, &format!("{review}/items?limit=200")).await.json();
        page["items"].as_array().expect("items").clone()
    }

    /// The position of something in a review.
    pub(crate) async fn place(&self, who: &str, review: &str, kind: &str, id: &str) -> i64 {
        let items = self.items(who, review).await;
        let found = items.iter().find(|item| item["kind"] == kind && item["id"] == id);
        found.expect("is looked at")["position"].as_i64().expect("a place")
    }

    pub(crate) async fn decided(&self, who: &str, review: &str, body: Value) -> Value {
        let answer = self.post(who, &format!("{review}/decisions"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Each of the two reviewers keeps what is undecided and not their own.
    pub(crate) async fn keep_the_rest(&self, ada: &str, bob: &str, review: &str) {
        let rest = json!({ "decision": "keep", "reason": "still needed", "filter": {} });
        for who in [ada, bob] {
            self.decided(who, review, rest.clone()).await;
        }
    }

    /// The review, once it is closed.
    pub(crate) async fn closed(&self, who: &str, review: &str) -> Value {
        let begun = Instant::now();
        loop {
            let campaign = self.get(who, review).await.json();
            if campaign["state"] == "closed" {
                return campaign;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{campaign}");
            tokio::task::yield_now().await;
        }
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

async fn org(identity: &Identity, clock: &StillClock, slug: &str) -> Org {
    let id = OrgId::new(clock.now());
    let system = Caller::operator(id.clone(), Region::Eu, "test");
    let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
    identity.create_org(&system, &new).await.expect("an org");
    let somebody = async |name: &str, role: &str| {
        let new = NewMember {
            email: format!("{name}@{slug}.example"),
            name: format!("{name} of {slug}"),
            role: role.to_owned(),
            password: None,
        };
        identity.add_member(&system, &new).await.expect("a member").id
    };
    let ada = somebody("ada", "org:owner").await;
    let bob = somebody("bob", "org:admin").await;
    let eve = somebody("eve", "org:member").await;
    let team = identity.add_team(&system, "night watch").await.expect("a team").id;
    identity.add_to_team(&system, &team, &eve).await.expect("joined");
    let new = NewGrant { subject: team.to_string(), role: "org:admin".to_owned(), resource: None };
    let grant = identity.add_grant(&system, &new).await.expect("a grant").id;
    let new = NewService { name: "bot".to_owned(), role: "org:member".to_owned() };
    let bot = identity.create_service(&system, &new).await.expect("a bot").id;
    let new = NewKey { owner: Some(bot.to_string()), name: "ci".to_owned(), ..NewKey::default() };
    let key = identity.create_key(&system, &new).await.expect("a key").key.id;
    Org {
        id,
        system: system.clone(),
        ada,
        bob,
        eve,
        team: team.to_string(),
        grant: grant.to_string(),
        bot: bot.to_string(),
        key: key.to_string(),
    }
}

/// What the server does in front of every route.
async fn door(
    State(identity): State<Identity>,
    mut request: axum::extract::Request,
    next: Next,
) -> Response {
    match identity.identify(request.method(), request.headers(), Origin::default()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => refused.problem.into_response(),
    }
}
