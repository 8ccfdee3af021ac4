//! What the tests stand on: the room on one engine, a fake provider behind it, and
//! somebody at the door.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::{
    Access, Actor, Caller, DataClass, Databases, Grant, Identified, KeyId, MemberId, OrgId, Origin,
};
use access::{PermissionSet, Region, Role};
use audit::Record;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base::bodies::Bodies;
use base::db::Migration;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock;
use gateway::testing::FakeProvider;
use gateway::{
    Answered, Answerer, Config, Engine, Fault, Gateway, Later, Needs, Question, Secrets,
};
use http_body_util::BodyExt;
use limits::Limits;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The room for whole answers, of which an eighth is kept for small ones.
pub(crate) const ANSWERS: usize = gateway::ANSWERS_BYTES_MIN;
/// How long an answer waits for it.
const ANSWER_WAIT: Duration = Duration::from_millis(200);

/// An engine that knows little: patterns are not this room's business. `pattern/CLASS/MODEL`
/// is so sensitive, and asks that model.
#[derive(Debug)]
struct Nobody;

impl Engine for Nobody {
    fn owns(&self, model: &str) -> bool {
        model == "patterns" || model.starts_with("pattern/")
    }
    fn answer<'a>(&'a self, _: &'a Caller, asked: Question<'a>) -> Later<'a, Answered> {
        let named = asked.model.strip_prefix("pattern/").and_then(|name| name.split_once('/'));
        let answered = match named {
            None => Answered::Nothing { text: "nothing matches".to_owned() },
            Some((class, model)) => Answered::Ask {
                by: Answerer {
                    id: "pat_1".to_owned(),
                    slug: "letter".to_owned(),
                    version: 1,
                    score_thousandths: 1_000,
                    data_class: DataClass::named(class),
                },
                model: Some(model.to_owned()),
                request: serde_json::from_value(json!({
                    "messages": [{ "role": "user", "content": asked.text }],
                }))
                .expect("an object"),
            },
        };
        Box::pin(async { Ok(answered) })
    }
    fn models<'a>(&'a self, _: &'a Caller) -> Later<'a, Vec<String>> {
        Box::pin(async { Ok(vec!["patterns".to_owned()]) })
    }
}

#[derive(Debug)]
pub(crate) struct Vault;

impl Secrets for Vault {
    fn env(&self, name: &str) -> Result<Secret, String> {
        Ok(Secret::new(format!("value of {name}")))
    }
    fn file(&self, path: &str) -> Result<Secret, String> {
        Err(format!("`{path}` is not there"))
    }
}

pub(crate) struct Door {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) provider: FakeProvider,
    pub(crate) limits: Limits,
    pub(crate) gateway: Gateway,
    pub(crate) databases: Databases,
    pub(crate) record: Record,
    pub(crate) metrics: Metrics,
    routes: Router,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

pub(crate) fn steps() -> Vec<Migration> {
    [audit::sql::MIGRATIONS, limits::sql::MIGRATIONS].concat()
}

/// A catalogue in TOML, with `PROVIDER` where the fake one listens.
pub(crate) fn catalogue(provider: &FakeProvider, text: &str) -> Config {
    toml::from_str(&text.replace("PROVIDER", &provider.base_url())).expect("a catalogue")
}

/// Model `fake` and friends in `eu`, at 1.00 per million tokens in and 2.00 out.
pub(crate) const PLAIN: &str = r#"
[endpoints.fake-eu]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
provider = "fake"
key_env = "PORTICO_FAKE"
first_token_timeout_ms = 1500
idle_timeout_ms = 1500
[endpoints.claude-eu]
speaks = "anthropic"
base_url = "PROVIDER"
region = "eu"
[models.embed]
free = true
does = "embeddings"
routes = [{ endpoint = "fake-eu" }]
[models.claude]
routes = [{ endpoint = "claude-eu", model = "claude-x" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.fake]
max_output_tokens = 1000
routes = [{ endpoint = "fake-eu", model = "fixed" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.fixed]
free = true
max_output_tokens = 1000
routes = [{ endpoint = "fake-eu" }]
[models.cut]
free = true
routes = [{ endpoint = "fake-eu" }]
[models.endless]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.paced]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.silent]
free = true
attempts_max = 1
routes = [{ endpoint = "fake-eu" }]
[models.dripping]
free = true
routes = [{ endpoint = "fake-eu" }]
[models.picky]
free = true
routes = [{ endpoint = "fake-eu" }]
[models.locked]
free = true
attempts_max = 1
routes = [{ endpoint = "fake-eu" }]
[models.busy]
free = true
attempts_max = 1
routes = [{ endpoint = "fake-eu" }]
"#;

impl Door {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let mut doors = Vec::new();
        for bench in Bench::on_each_engine(&steps(), audit::sql::APPEND_ONLY).await {
            doors.push(Self::on(bench, PLAIN).await);
        }
        doors
    }

    pub(crate) async fn on_sqlite(catalogue: &str) -> Self {
        Self::on(Bench::sqlite(&steps()).await, catalogue).await
    }

    async fn on(bench: Bench, text: &str) -> Self {
        let provider = FakeProvider::start().await;
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let clock = StillClock::new();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let riders = [limits::rider()];
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("a key"))]);
        let shared = clock.shared();
        let record = Record::open(&databases, &shared, "n1", &roots, &riders, &tasks, &metrics)
            .expect("starts its thread");
        let limits = Limits::open(&databases, &shared, &record, &tasks, &metrics);
        let gateway = Gateway::open(
            &catalogue(&provider, text),
            &Vault,
            Needs {
                engine: Arc::new(Nobody),
                limits: limits.clone(),
                record: record.clone(),
                clock: shared,
                metrics: &metrics,
                trace: None,
                answers: Bodies::of_answers(ANSWERS, ANSWER_WAIT, &metrics),
            },
        )
        .expect("a catalogue without fault");
        let routes = gateway::routes(gateway.clone());
        Self { bench, clock, provider, limits, gateway, databases, record, metrics, routes }
    }

    pub(crate) fn apply(&self, text: &str) -> Result<(), Vec<Fault>> {
        self.gateway.apply(&catalogue(&self.provider, text), &Vault)
    }

    pub(crate) fn member(&self) -> Caller {
        self.somebody(OrgId::new(self.clock.now()), Role::Member, None)
    }

    pub(crate) fn somebody(&self, org: OrgId, role: Role, models: Option<Vec<String>>) -> Caller {
        let grant = Grant {
            role: role.to_string(),
            permissions: role.permissions().unwrap_or(PermissionSet::EMPTY),
            on: None,
            through: "member".to_owned(),
        };
        Caller::identified(Identified {
            org,
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.clock.now())),
            key: Some(KeyId::new(self.clock.now())),
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, 1)),
            models: models.map(Into::into),
            origin: Origin::default(),
            standing: access::Standing::default(),
        })
    }

    pub(crate) async fn post(&self, caller: &Caller, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(caller, request.body(body.into()).expect("a request")).await
    }

    pub(crate) async fn chat(&self, caller: &Caller, body: Value) -> Answer {
        self.post(caller, "/v1/chat/completions", body.to_string()).await
    }

    pub(crate) async fn send(&self, caller: &Caller, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(caller.clone());
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The response itself, its body unread.
    pub(crate) async fn open(&self, caller: &Caller, body: Value) -> axum::response::Response {
        let mut request = Request::post("/v1/chat/completions")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        request.extensions_mut().insert(caller.clone());
        self.routes.clone().oneshot(request).await.expect("infallible")
    }

    /// The events of an org, oldest first.
    pub(crate) async fn events(&self, org: &OrgId) -> Vec<Value> {
        let caller = Caller::operator(org.clone(), Region::Eu, "test");
        let (scope, mut events) = (caller.itself(), Vec::new());
        loop {
            let from = i64::try_from(events.len()).expect("fits");
            let piece = self.record.read_on(&scope, from).await.expect("reads");
            if piece.is_empty() {
                return events;
            }
            events.extend(piece);
        }
    }

    /// The events, once there are this many: an outcome may be on its way.
    pub(crate) async fn events_once(&self, org: &OrgId, count: usize) -> Vec<Value> {
        loop {
            let events = self.events(org).await;
            if events.len() >= count {
                return events;
            }
            tokio::task::yield_now().await;
        }
    }
}
