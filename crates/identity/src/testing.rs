//! A house for the tests of every room that stands on this one: the databases of each
//! engine, a clock, the record, orgs with people and keys, and a door to ask at.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a house that cannot be built should stop the test"
)]

mod answer;
mod door;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, OrgId, Origin, Region};
use audit::{Filter, Record};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use base::db::{Batch, Migration, Statement};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::{Clock as _, SharedClock};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

pub use self::answer::{Answer, request, shown};
use crate::{Birth, Config, FindOrg, Found, Guards, Identity, Mail, Member, Needs, NewKey};
use crate::{NewMember, NewOrg, NoGuards, NoVisits, Refused, Visits};

/// How a house is built.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tables.
    pub migrations: Vec<Migration>,
    /// What narrows what roles give.
    pub guards: fn() -> Arc<dyn Guards>,
    /// What lets the operator's support in.
    pub visits: fn(&Databases, &SharedClock, &Record) -> Arc<dyn Visits>,
    /// A mail server.
    pub mail: Option<Arc<dyn Mail>>,
    /// The password of everybody who is `org:member`: hashing takes its time, so nobody
    /// else has one.
    pub password: Option<&'static str>,
    /// What the operator decides.
    pub config: Config,
}

impl Plan {
    /// A house with the tables of a room beside ours.
    pub fn of(room: &[Migration]) -> Self {
        Self {
            migrations: [audit::sql::MIGRATIONS, crate::sql::MIGRATIONS, room].concat(),
            guards: || Arc::new(NoGuards),
            visits: |_, _, _| Arc::new(NoVisits),
            mail: None,
            password: None,
            config: Config::default(),
        }
    }

    /// One for each engine.
    pub async fn houses(&self) -> Vec<House> {
        let benches = Bench::on_each_engine(&self.migrations, audit::sql::APPEND_ONLY).await;
        benches.into_iter().map(|bench| House::of(self, bench)).collect()
    }
}

/// What the rooms of a test stand on.
#[derive(Debug)]
pub struct House {
    /// The database.
    pub bench: Bench,
    /// A clock that tests move.
    pub clock: StillClock,
    /// The one region that is served.
    pub databases: Databases,
    /// The root keys of all regions.
    pub roots: BTreeMap<Region, RootKey>,
    /// Background work.
    pub tasks: Tasks,
    /// The record.
    pub record: Record,
    /// Where the orgs are listed.
    pub directory: Arc<Directory>,
    /// This room.
    pub identity: Identity,
    plan: Plan,
    /// What [`House::serving`] put behind the door.
    pub routes: Router,
}

/// Where orgs are found by id and short name.
#[derive(Debug, Default)]
pub struct Directory(Mutex<HashMap<String, (OrgId, Region)>>);

impl FindOrg for Directory {
    fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        let found = self.0.lock().expect("unpoisoned").get(name).cloned();
        Box::pin(async { Ok(found) })
    }
}

/// An org and one person of each role, at `ROLE@SLUG.example`.
#[derive(Debug)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// What people call it.
    pub slug: String,
    /// The operator at the command line.
    pub operator: Caller,
    /// `org:owner`.
    pub owner: Somebody,
    /// `org:admin`.
    pub admin: Somebody,
    /// `org:member`.
    pub member: Somebody,
    /// `org:viewer`.
    pub viewer: Somebody,
}

/// A member, and the key that they show.
#[derive(Debug, Clone)]
pub struct Somebody {
    /// Their id.
    pub id: String,
    /// Their address.
    pub email: String,
    /// The secret of a key of theirs.
    pub key: String,
}

impl House {
    fn of(plan: &Plan, bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let (clock, tasks, metrics) = (StillClock::new(), Tasks::new(), Metrics::new());
        let roots = Region::ALL.map(|region| (region, RootKey::fresh().expect("randomness")));
        let (roots, directory) = (BTreeMap::from(roots), Arc::default());
        let shared = clock.shared();
        let record = Record::open(&databases, &shared, "n1", &roots, &[], &tasks, &metrics)
            .expect("starts its thread");
        let identity = open(plan, &databases, &clock, &record, &roots, &directory);
        let (plan, routes) = (plan.clone(), Router::new());
        Self { bench, clock, databases, roots, tasks, record, directory, identity, plan, routes }
    }

    /// A second node on the same database, or this one after a restart.
    pub fn second_node(&self) -> Identity {
        let Self { plan, databases, clock, record, roots, directory, .. } = self;
        open(plan, databases, clock, record, roots, directory)
    }

    /// With the routes of a room behind the door, beside ours.
    #[must_use]
    pub fn serving(self, routes: OpenApiRouter) -> Self {
        let ours = crate::routes(self.identity.clone()).merge(crate::pages(self.identity.clone()));
        let (routes, _) = ours.merge(routes).split_for_parts();
        let routes = routes.layer(from_fn_with_state(self.identity.clone(), door::door));
        Self { routes, ..self }
    }

    /// An org without anybody in it, and the operator who may everything in it.
    pub async fn found(&self, slug: &str) -> (OrgId, Caller) {
        let id = OrgId::new(self.clock.now());
        let operator = Caller::operator(id.clone(), Region::Eu, "test");
        let new = NewOrg { name: slug.to_uppercase(), slug: slug.to_owned() };
        self.identity.create_org(&operator, &new).await.expect("an org");
        let home = (id.clone(), Region::Eu);
        let names = [slug.to_owned(), id.to_string()].map(|name| (name, home.clone()));
        self.directory.0.lock().expect("unpoisoned").extend(names);
        (id, operator)
    }

    /// An org and its people.
    pub async fn org(&self, slug: &str) -> Org {
        let (id, operator) = self.found(slug).await;
        let somebody = async |role: &str| {
            let email = format!("{role}@{slug}.example");
            self.somebody(&operator, &email, &format!("org:{role}")).await
        };
        Org {
            owner: somebody("owner").await,
            admin: somebody("admin").await,
            member: somebody("member").await,
            viewer: somebody("viewer").await,
            id,
            slug: slug.to_owned(),
            operator: operator.clone(),
        }
    }

    /// A member with a key.
    pub async fn somebody(&self, operator: &Caller, email: &str, role: &str) -> Somebody {
        let id = self.member(operator, email, role).await.id.to_string();
        let key = self.key(operator, &id).await;
        Somebody { id, email: email.to_owned(), key }
    }

    /// A member who is named as their address begins.
    pub async fn member(&self, operator: &Caller, email: &str, role: &str) -> Member {
        self.named(operator, email.split('@').next().unwrap_or_default(), email, role).await
    }

    /// A member of this name.
    pub async fn named(&self, operator: &Caller, name: &str, email: &str, role: &str) -> Member {
        let password = self.plan.password.filter(|_| role == "org:member");
        let new = NewMember {
            email: email.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
            password: password.map(|password| Secret::new(password.to_owned())),
        };
        self.identity.add_member(operator, &new).await.expect("a member")
    }

    /// The secret of a new key of somebody.
    pub async fn key(&self, operator: &Caller, owner: &str) -> String {
        let (owner, name) = (Some(owner.to_owned()), "laptop".to_owned());
        let new = NewKey { owner, name, ..NewKey::default() };
        let issued = self.identity.create_key(operator, &new).await.expect("a key");
        issued.secret.reveal().to_owned()
    }

    /// The cookie of a session that begins so, from there.
    pub async fn let_in(&self, org: &OrgId, birth: Birth, from: Option<&str>) -> String {
        let began = self.identity.let_in(org, Region::Eu, birth, origin(from)).await;
        let answer = self.identity.with_session(&began.expect("is let in"), ()).into_response();
        answer::cookie(answer.headers())
    }

    /// Whom a node takes somebody for: by a key or the cookie of a session, from there.
    pub async fn caller(
        &self,
        node: &Identity,
        who: &str,
        from: Option<&str>,
    ) -> Result<Caller, Refused> {
        let headers = request("GET", "/", &[shown(who)], Value::Null).headers().clone();
        node.identify(&http::Method::GET, &headers, origin(from)).await
    }

    /// Sends a request to the door.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.routes.clone(), request).await
    }

    /// Asks with a key or the cookie of a session. Null sends no body, a text a form.
    pub async fn ask(&self, who: &str, method: &str, path: &str, body: Value) -> Answer {
        self.ask_from(who, None, method, path, body).await
    }

    /// The same, from there.
    pub async fn ask_from(
        &self,
        who: &str,
        from: Option<&str>,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let own = [("host", "portico.example"), ("sec-fetch-site", "same-origin")];
        let from = from.map(|from| ("x-test-ip", from));
        let (name, value) = shown(who);
        let headers: Vec<_> = own.into_iter().chain(from).chain([(name, &*value)]).collect();
        self.send(request(method, path, &headers, body)).await
    }

    /// Reads with a key or the cookie of a session.
    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.ask(who, "GET", path, Value::Null).await
    }

    /// Writes with a key or the cookie of a session.
    pub async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.ask(who, "POST", path, body).await
    }

    /// The newest events of an action, the newest first.
    pub async fn events(&self, org: &Org, action: &str) -> Vec<Value> {
        self.recorded(&org.operator, action).await
    }

    /// The same, of an org whose people the test chose.
    pub async fn recorded(&self, operator: &Caller, action: &str) -> Vec<Value> {
        let filter = Filter { action: action.to_owned(), ..Filter::default() };
        self.record.events(operator, &filter).await.expect("reads").items
    }

    /// Whether the engine understands what a room says to it, and each of it names its org.
    pub async fn understands(&self, statements: &[Statement], batches: &[Batch]) {
        let engine = self.bench.db.engine();
        let statements = statements.iter().map(|one| one.text.to_owned());
        for text in statements.chain(batches.iter().map(|batch| batch.text(engine, 2))) {
            let understood = self.bench.db.understands(&text).await;
            assert!(understood.is_ok(), "{engine:?}: {understood:?}\n{text}");
            assert!(text.contains("org_id"), "{text}");
        }
    }
}

fn origin(from: Option<&str>) -> Origin {
    Origin { ip: from.and_then(|from| from.parse().ok()), ..Origin::default() }
}

fn open(
    plan: &Plan,
    databases: &Databases,
    clock: &StillClock,
    record: &Record,
    roots: &BTreeMap<Region, RootKey>,
    directory: &Arc<Directory>,
) -> Identity {
    let needs = Needs {
        guards: (plan.guards)(),
        visits: (plan.visits)(databases, &clock.shared(), record),
        databases: databases.clone(),
        clock: clock.shared(),
        record: record.clone(),
        roots: roots.clone(),
        tasks: Tasks::new(),
        find_org: directory.clone(),
        mail: plan.mail.clone(),
        config: plan.config.clone(),
    };
    Identity::open(needs).expect("opens")
}
