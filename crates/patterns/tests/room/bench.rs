//! The room on a fresh database of each engine, with people of several orgs.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, MemberId, OrgId, Origin, Permission,
    PermissionSet, Region, Resource, Role,
};
use audit::Record;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use base::metrics::Metrics;
use base::page::filters::percent_encoded;
use base::problem::Problem;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::SharedClock;
use gateway::{Answered, Engine, Question};
use http_body_util::BodyExt;
use patterns::Patterns;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

pub(crate) struct Room {
    pub(crate) bench: Bench,
    pub(crate) databases: Databases,
    pub(crate) clock: SharedClock,
    pub(crate) roots: BTreeMap<Region, RootKey>,
    pub(crate) record: Record,
    /// Those of the room alone; the record's line has its own.
    pub(crate) tasks: Tasks,
    pub(crate) patterns: Patterns,
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps = [audit::sql::MIGRATIONS, patterns::sql::MIGRATIONS].concat();
        let only = [audit::sql::APPEND_ONLY, patterns::sql::APPEND_ONLY].concat();
        let benches = Bench::on_each_engine(&steps, &only).await;
        benches.into_iter().map(Self::on).collect()
    }

    fn on(bench: Bench) -> Self {
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new().shared();
        let (tasks, line) = (Tasks::new(), Tasks::new());
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("a key"))]);
        let metrics = Metrics::new();
        let record = Record::open(&databases, &clock, "n1", &roots, &[], &line, &metrics)
            .expect("starts its thread");
        let patterns = Patterns::open(&databases, &clock, &record, &roots, &tasks).expect("a room");
        Self { bench, databases, clock, roots, record, tasks, patterns }
    }

    /// The room as another node, or the next life of this one, has it.
    pub(crate) fn another(&self) -> Patterns {
        Patterns::open(&self.databases, &self.clock, &self.record, &self.roots, &self.tasks)
            .expect("a room")
    }

    pub(crate) fn org(&self) -> OrgId {
        OrgId::new(self.clock.now())
    }

    pub(crate) fn somebody(&self, org: &OrgId, role: Role) -> Caller {
        self.granted(org, &[(role.definition(), None)])
    }

    /// Somebody with these permissions, each set on the org or on one pattern.
    pub(crate) fn granted(&self, org: &OrgId, grants: &[(&[&str], Option<&str>)]) -> Caller {
        let grant = |(permissions, on): &(&[&str], Option<&str>)| Grant {
            role: "test".into(),
            permissions: PermissionSet::parse(permissions.iter().copied()).expect("permissions"),
            on: on.map(|id| Resource::new("pattern", id)),
            through: "member".into(),
        };
        Caller::identified(Identified {
            org: org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.clock.now())),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(grants.iter().map(grant).collect(), None, 1)),
            models: None,
            origin: Origin::default(),
            standing: access::Standing::default(),
        })
    }

    fn routes(&self, caller: &Caller) -> Router {
        let pages = patterns::pages(self.patterns.clone());
        let (routes, _) = patterns::routes(self.patterns.clone()).merge(pages).split_for_parts();
        routes.layer(axum::Extension(caller.clone()))
    }

    /// Sends a request and gives the status and the body as text.
    pub(crate) async fn send(&self, caller: &Caller, request: Request<Body>) -> (u16, String) {
        let response = self.routes(caller).oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> (u16, Value) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let (status, body) = self.send(caller, request).await;
        (status, serde_json::from_str(&body).expect("json"))
    }

    /// A page of the console, as its status and its text.
    pub(crate) async fn page(&self, caller: &Caller, path: &str) -> (u16, String) {
        self.send(caller, Request::get(path).body(Body::empty()).expect("a request")).await
    }

    /// Sends a form as a browser does: the status, where it leads, and the page.
    pub(crate) async fn submit(
        &self,
        caller: &Caller,
        path: &str,
        fields: &[(&str, &str)],
    ) -> (u16, String, String) {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value)));
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(pairs.collect::<Vec<_>>().join("&")))
            .expect("a request");
        let response = self.routes(caller).oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION);
        let location = location.map_or("", |value| value.to_str().expect("text")).to_owned();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, location, String::from_utf8(body.to_vec()).expect("text"))
    }

    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        let (status, body) = self.send(caller, request).await;
        (status, serde_json::from_str(&body).expect("json"))
    }

    /// Teaches an approved answer and gives the pattern.
    pub(crate) async fn taught(
        &self,
        caller: &Caller,
        slug: &str,
        trigger: &str,
        answer: &str,
    ) -> Value {
        let body = json!({ "slug": slug, "name": slug, "triggers": [trigger], "answer": answer });
        let (status, pattern) = self.ask(caller, "POST", "/api/patterns", body).await;
        assert_eq!(status, 201, "{pattern}");
        pattern
    }

    pub(crate) async fn import(&self, caller: &Caller, yaml: &str) -> (u16, Value) {
        let request = Request::post("/api/patterns/import")
            .header(header::CONTENT_TYPE, "application/yaml")
            .body(Body::from(yaml.to_owned()))
            .expect("a request");
        let (status, body) = self.send(caller, request).await;
        (status, serde_json::from_str(&body).expect("json"))
    }

    pub(crate) async fn says(
        &self,
        caller: &Caller,
        model: &str,
        text: &str,
    ) -> Result<Answered, Problem> {
        self.says_with(caller, model, text, json!({})).await
    }

    pub(crate) async fn says_with(
        &self,
        caller: &Caller,
        model: &str,
        text: &str,
        variables: Value,
    ) -> Result<Answered, Problem> {
        let variables: Map<String, Value> = serde_json::from_value(variables).expect("an object");
        let question = Question { model, text, variables: &variables };
        self.patterns.answer(caller, question).await
    }

    /// The events of the org: action and body.
    pub(crate) async fn events(&self, org: &OrgId) -> Vec<(String, Value)> {
        let caller = Caller::operator(org.clone(), Region::Eu, "test");
        let scope = caller.require(Permission::EventsRead).expect("may");
        let events = self.record.read_on(&scope, 0).await.expect("reads");
        let action = |event: &Value| event["action"].as_str().expect("text").to_owned();
        events.into_iter().map(|event| (action(&event), event)).collect()
    }
}

/// Asks for the best match, as the gateway does.
pub(crate) trait Says {
    async fn says(&self, caller: &Caller, text: &str) -> Result<Answered, Problem>;
}

impl Says for Patterns {
    async fn says(&self, caller: &Caller, text: &str) -> Result<Answered, Problem> {
        let variables = Map::new();
        self.answer(caller, Question { model: "patterns", text, variables: &variables }).await
    }
}

/// The text of an approved answer, or why there is none.
pub(crate) fn text(answered: Result<Answered, Problem>) -> String {
    match answered {
        Ok(Answered::Text { text, .. }) => text,
        Ok(Answered::Ask { request, .. }) => Value::Object(request).to_string(),
        Ok(Answered::Nothing { text }) => format!("nothing: {text}"),
        Err(problem) => problem.code().to_owned(),
    }
}
