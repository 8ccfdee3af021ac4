//! A record with people who act in it, and somebody who looks at it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, MemberId, Named, Names, OrgId, Origin,
    Permission, PermissionSet, Region, Standing,
};
use audit::{Event, Filter, Log, LogConfig, LogNeeds, Record};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) record: Record,
    pub(crate) log: Log,
    _folder: tempfile::TempDir,
    pub(crate) org: OrgId,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

/// Ingrid, and a name that tries to be script.
#[derive(Debug)]
struct Known;

impl Names for Known {
    fn names<'a>(&'a self, _: &'a Caller, ids: &'a [String]) -> Named<'a> {
        let name = |id: &String| match id.as_str() {
            "key_evil" => "<script>alert(2)</script>".to_owned(),
            _ => "Ingrid Petersen".to_owned(),
        };
        let known = ids.iter().filter(|id| id.starts_with("mem_") || *id == "key_evil");
        let names: HashMap<_, _> = known.map(|id| (id.clone(), name(id))).collect();
        Box::pin(async move { names })
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let benches = Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await;
        let house = |bench: Bench| {
            let databases = Databases::new([(Region::Eu, bench.db.clone())]);
            let clock = StillClock::new();
            let root = RootKey::from_bytes(&[7; 32]).expect("32 bytes");
            let roots = BTreeMap::from([(Region::Eu, root)]);
            let (shared, metrics) = (clock.shared(), Metrics::new());
            let record =
                Record::open(&databases, &shared, "n1", &roots, &[], &Tasks::new(), &metrics);
            let (record, folder) = (record.expect("starts its thread"), tempfile::tempdir());
            let folder = folder.expect("a folder");
            let config = LogConfig { log: "portico.example".to_owned(), ..LogConfig::default() };
            let stores =
                BTreeMap::from([(Region::Eu, LogConfig::folder(folder.path(), Region::Eu))]);
            let log = Log::open(LogNeeds {
                record: record.clone(),
                roots: &roots,
                stores,
                config: &config,
                witnesses: Vec::new(),
                page: "",
                metrics: &metrics,
            });
            let org = OrgId::new(base::time::Clock::now(&clock));
            Self { bench, clock, record, log: log.expect("a good name"), _folder: folder, org }
        };
        benches.into_iter().map(house).collect()
    }

    /// Somebody of the org who may exactly this.
    pub(crate) fn member(&self, permissions: &[&str]) -> Caller {
        self.member_in(permissions, Standing::default())
    }

    /// The same, in a session that stands so.
    pub(crate) fn member_in(&self, permissions: &[&str], standing: Standing) -> Caller {
        let permissions = PermissionSet::exactly(permissions.iter().copied()).expect("permissions");
        let role = "test".to_owned();
        let grant = Grant { role, permissions, on: None, through: "member".to_owned() };
        Caller::identified(Identified {
            org: self.org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(base::time::Clock::now(&self.clock))),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, 0)),
            models: None,
            origin: Origin {
                user_agent: Some("<script>alert(1)</script>".to_owned()),
                ..Origin::default()
            },
            standing,
        })
    }

    /// Somebody who may look at the record.
    pub(crate) fn auditor(&self) -> Caller {
        self.member(&[Permission::EventsRead.as_str(), Permission::EventsExport.as_str()])
    }

    /// Somebody known by a plain name, who may everything.
    pub(crate) fn actor(&self, name: &str) -> Caller {
        Caller::operator(self.org.clone(), Region::Eu, name)
    }

    pub(crate) async fn note(&self, caller: &Caller, event: &Event) -> i64 {
        self.record.note(caller, event).await.expect("durable").seq().expect("in the record")
    }

    /// How many events of an action there are.
    pub(crate) async fn count(&self, action: &str) -> usize {
        let filter = Filter { action: action.to_owned(), limit: Some(200), ..Filter::default() };
        self.record.events(&self.actor("counter"), &filter).await.expect("reads").items.len()
    }

    /// All routes of the room, for a caller.
    pub(crate) fn routes(&self, caller: &Caller) -> Router {
        let (api, _) = audit::routes(self.record.clone()).split_for_parts();
        let (pages, _) =
            audit::pages(self.record.clone(), self.log.clone(), Arc::new(Known)).split_for_parts();
        api.merge(pages).layer(axum::Extension(caller.clone()))
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.ask(caller, Request::get(path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .expect("a request");
        self.ask(caller, request).await
    }

    pub(crate) async fn send(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        self.ask(caller, request).await
    }

    async fn ask(&self, caller: &Caller, request: Request<Body>) -> Answer {
        let response = self.routes(caller).oneshot(request).await.expect("infallible");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, headers, text: String::from_utf8(body.to_vec()).expect("text") }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("json")
    }
}
