//! The room over a fresh database, and people who call.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, KeyId, MemberId, Named, Names, OrgId,
    Origin, Region, Role, TeamId,
};
use audit::{CallFacts, Event, Outcome, Record, Rider};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::{At, Clock};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use usage::{Ahead, Usage};

/// One node over one database.
pub(crate) struct Room {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) usage: Usage,
    pub(crate) record: Record,
    pub(crate) databases: Databases,
    pub(crate) tasks: Tasks,
    pub(crate) ahead: Arc<Ahead>,
    roots: BTreeMap<Region, RootKey>,
}

/// Everybody is called by a formula with markup in it.
#[derive(Debug)]
pub(crate) struct Nasty;

pub(crate) const NASTY: &str = "=cmd|'/c calc'!A1<script>alert(1)</script>\"";

impl Names for Nasty {
    fn names<'a>(&'a self, _: &'a Caller, ids: &'a [String]) -> Named<'a> {
        Box::pin(async { ids.iter().map(|id| (id.clone(), NASTY.to_owned())).collect() })
    }
}

/// What one call comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) model: &'a str,
    pub(crate) outcome: Outcome,
    pub(crate) tokens: (u64, u64),
    pub(crate) nanocents: i64,
    pub(crate) took_ms: i64,
}

pub(crate) const CALL: Call<'_> =
    Call { model: "small", outcome: Outcome::Success, tokens: (3, 4), nanocents: 7, took_ms: 250 };

async fn benches() -> Vec<Bench> {
    let steps = [audit::sql::MIGRATIONS, usage::sql::MIGRATIONS].concat();
    Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        benches().await.into_iter().map(Self::on).collect()
    }

    /// Rooms that hear nothing of what is recorded: they read all of it.
    pub(crate) async fn that_read() -> Vec<Self> {
        benches().await.into_iter().map(|bench| Self::over(bench, &Arc::default(), &[])).collect()
    }

    /// Rooms that hear of what is recorded behind somebody else.
    pub(crate) async fn behind(first: &Arc<dyn Rider>) -> Vec<Self> {
        let behind = |bench| {
            let ahead = Arc::new(Ahead::default());
            Self::over(bench, &ahead, &[Arc::clone(first), Arc::clone(&ahead) as _])
        };
        benches().await.into_iter().map(behind).collect()
    }

    pub(crate) fn on(bench: Bench) -> Self {
        let ahead = Arc::new(Ahead::default());
        Self::over(bench, &ahead, &[Arc::clone(&ahead) as _])
    }

    fn over(bench: Bench, ahead: &Arc<Ahead>, riders: &[Arc<dyn Rider>]) -> Self {
        let clock = StillClock::new();
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let (shared, tasks, metrics) = (clock.shared(), Tasks::new(), Metrics::new());
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("a key"))]);
        let record = Record::open(&databases, &shared, "n1", &roots, riders, &tasks, &metrics)
            .expect("starts its thread");
        let usage = Usage::open(&databases, &shared, &record, Arc::new(Nasty), ahead, &tasks);
        let ahead = Arc::clone(ahead);
        Self { bench, clock, usage, record, databases, tasks, ahead, roots }
    }

    /// A second node over the same database.
    pub(crate) fn another(&self) -> Usage {
        Usage::open(
            &self.databases,
            &self.clock.shared(),
            &self.record,
            Arc::new(Nasty),
            &Arc::default(),
            &self.tasks,
        )
    }

    /// The record as another node has it open.
    pub(crate) fn record_elsewhere(&self) -> Record {
        let (clock, metrics) = (self.clock.shared(), Metrics::new());
        Record::open(&self.databases, &clock, "n2", &self.roots, &[], &self.tasks, &metrics)
            .expect("starts its thread")
    }

    pub(crate) fn engine(&self) -> base::db::Engine {
        self.bench.db.engine()
    }

    pub(crate) fn now(&self) -> At {
        self.clock.now()
    }

    pub(crate) fn org(&self) -> OrgId {
        OrgId::new(self.now())
    }

    /// Somebody of an org, with a key.
    pub(crate) fn member(&self, org: &OrgId, role: Role, teams: &[TeamId]) -> Caller {
        let grant = Grant {
            role: role.to_string(),
            permissions: role.permissions().expect("a role"),
            on: None,
            through: "member".to_owned(),
        };
        Caller::identified(Identified {
            org: org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.now())),
            key: Some(KeyId::new(self.now())),
            teams: teams.into(),
            access: Arc::new(Access::compile(vec![grant], None, 0)),
            models: None,
            origin: Origin { request_id: fresh("req", self.now()), ..Origin::default() },
            standing: access::Standing::default(),
        })
    }

    /// A call that began at an instant and ends now.
    pub(crate) async fn called(&self, caller: &Caller, call: Call<'_>) {
        let now = self.now();
        let facts = CallFacts {
            tokens_in: call.tokens.0,
            tokens_out: call.tokens.1,
            price_nanocents: call.nanocents,
            attempts: 1,
            ..CallFacts::begun(call.model, now - jiff::SignedDuration::from_millis(call.took_ms))
        };
        let id = fresh("call", now);
        let intent = Event::done("gateway.call.started", "call", id.as_str());
        let intent = intent.outcome(Outcome::Started).call(facts.clone());
        drop(self.record.open_call(caller, &intent));
        let event = Event::done("gateway.call.ended", "call", id);
        let event = event.outcome(call.outcome).call(facts);
        self.record.close_call(caller, &event).await.expect("durable");
    }

    /// What the door notes of a request that it refused.
    pub(crate) async fn refused(&self, caller: &Caller, outcome: Outcome) {
        let request = caller.origin.request_id.clone();
        let event = Event::done("gateway.call.refused", "call", request).outcome(outcome);
        let event = event.reason(json!({ "status": 429, "code": "rate_limit_exceeded" }));
        self.record.note(caller, &event).await.expect("durable");
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> (StatusCode, String) {
        let (status, _, body) = self.whole(caller, path).await;
        (status, body)
    }

    pub(crate) async fn json(&self, caller: &Caller, path: &str) -> Value {
        let (status, body) = self.get(caller, path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    pub(crate) async fn whole(
        &self,
        caller: &Caller,
        path: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let (routes, _) = usage::routes(self.usage.clone())
            .merge(usage::pages(self.usage.clone()))
            .split_for_parts();
        let routes = routes.layer(axum::Extension(caller.clone()));
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        let response = routes.oneshot(request).await.expect("infallible");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        (status, headers, String::from_utf8(body.to_vec()).expect("text"))
    }
}

/// An id that no other has.
pub(crate) fn fresh(prefix: &str, at: At) -> String {
    KeyId::new(at).to_string().replace("key_", &format!("{prefix}_"))
}
