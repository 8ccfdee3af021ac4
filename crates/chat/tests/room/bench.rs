//! The room on a fresh database of each engine, with the rooms it leans on, a fake provider,
//! and people.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{
    Access, Actor, Caller, Databases, Grant, Identified, KeyId, MemberId, OrgDb, OrgId, Origin,
    Permission, PermissionSet, Region, Role,
};
use async_trait::async_trait;
use audit::{Freeze, Keeper, Log, LogConfig, LogNeeds, Person, Record, Table};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use axum::response::Response;
use base::args;
use base::bodies::Bodies;
use base::db::{DbError, Statement, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::secret::Secret;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use chat::Chat;
use gateway::testing::FakeProvider;
use gateway::{Gateway, Secrets};
use http_body_util::BodyExt;
use limits::Limits;
use patterns::Patterns;
use privacy::{Freezer, Hold, NewHold, Privacy, SetRetention};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Model `fake` in `eu`, at 1.00 per million tokens in and 2.00 out, and friends.
const CATALOGUE: &str = r#"
default_model = "fake"
[endpoints.fake-eu]
speaks = "openai"
base_url = "PROVIDER"
region = "eu"
provider = "fake"
first_token_timeout_ms = 5000
[models.fake]
max_output_tokens = 1000
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.endless]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.paced]
routes = [{ endpoint = "fake-eu" }]
prices = [{ from = "2025-01-01", input_per_million = "1.00", output_per_million = "2.00" }]
[models.cut]
free = true
routes = [{ endpoint = "fake-eu" }]
[models.picky]
free = true
routes = [{ endpoint = "fake-eu" }]
"#;

struct Vault;

impl Secrets for Vault {
    fn env(&self, name: &str) -> Result<Secret, String> {
        Ok(Secret::new(name.to_owned()))
    }
    fn file(&self, path: &str) -> Result<Secret, String> {
        Err(format!("`{path}` is not there"))
    }
}

/// Knows whoever is asked for.
#[derive(Debug)]
struct Everybody;

#[async_trait]
impl Keeper for Everybody {
    fn tables(&self) -> &'static [Table] {
        &[]
    }

    async fn person(&self, _: &OrgDb<'_>, who: &str) -> Result<Option<Person>, DbError> {
        let (id, standing) = (who.to_owned(), audit::Standing::Present);
        let (name, email, things) = (String::new(), String::new(), Vec::new());
        Ok(Some(Person { id, standing, name, email, things }))
    }
}

pub(crate) struct Room {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) provider: FakeProvider,
    pub(crate) limits: Limits,
    pub(crate) patterns: Patterns,
    pub(crate) chat: Chat,
    privacy: Privacy,
    record: Record,
}

impl Room {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let steps = [
            audit::sql::MIGRATIONS,
            limits::sql::MIGRATIONS,
            patterns::sql::MIGRATIONS,
            chat::sql::MIGRATIONS,
            privacy::sql::MIGRATIONS,
        ]
        .concat();
        let only = [audit::sql::APPEND_ONLY, patterns::sql::APPEND_ONLY].concat();
        let mut rooms = Vec::new();
        for bench in Bench::on_each_engine(&steps, &only).await {
            rooms.push(Self::on(bench).await);
        }
        rooms
    }

    async fn on(bench: Bench) -> Self {
        let provider = FakeProvider::start().await;
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let still = StillClock::new();
        let clock = still.shared();
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let riders = [limits::rider()];
        let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().expect("a key"))]);
        let record = Record::open(&databases, &clock, "n1", &roots, &riders, &tasks, &metrics)
            .expect("starts its thread");
        let limits = Limits::open(&databases, &clock, &record, &tasks, &metrics);
        let patterns =
            Patterns::open(&databases, &clock, &record, &roots, &tasks).expect("patterns");
        let needs = gateway::Needs {
            engine: Arc::new(patterns.clone()),
            limits: limits.clone(),
            record: record.clone(),
            clock: clock.clone(),
            metrics: &metrics,
            trace: None,
            answers: Bodies::of_answers(256 << 20, Duration::ZERO, &metrics),
        };
        let config = toml::from_str(&CATALOGUE.replace("PROVIDER", &provider.base_url()));
        let gateway = Gateway::open(&config.expect("a catalogue"), &Vault, needs).expect("opens");
        let freeze: Arc<dyn Freeze> = Arc::new(Freezer::new(&clock));
        let chat = Chat::open(&databases, &clock, &record, &gateway, &roots, &freeze, &tasks)
            .expect("opens");
        let log = Log::open(LogNeeds {
            record: record.clone(),
            roots: &roots,
            stores: BTreeMap::new(),
            config: &LogConfig { log: "portico.example".to_owned(), ..LogConfig::default() },
            witnesses: Vec::new(),
            page: "",
            metrics: &metrics,
        });
        let privacy = Privacy::open(privacy::Needs {
            databases,
            clock,
            record: record.clone(),
            log: log.expect("opens"),
            keepers: vec![Arc::new(Everybody)],
            tasks,
        });
        Self { bench, clock: still, provider, limits, patterns, chat, privacy, record }
    }

    /// Places a hold on a person, or on everybody of the org.
    pub(crate) async fn hold(&self, org: &OrgId, person: Option<&Caller>) -> Hold {
        let person = person.map(|person| person.actor.id().to_owned());
        let new = NewHold { person, reason: "Acme v. Globex".to_owned(), until: None };
        let operator = Caller::operator(org.clone(), Region::Eu, "test");
        self.privacy.place_hold(&operator, &new).await.expect("is placed")
    }

    pub(crate) async fn lift(&self, org: &OrgId, hold: &Hold) {
        let operator = Caller::operator(org.clone(), Region::Eu, "test");
        self.privacy.lift_hold(&operator, &hold.id).await.expect("is lifted");
    }

    /// Sets how many days a law makes the org keep values.
    pub(crate) async fn law(&self, org: &OrgId, days: i64) {
        let operator = Caller::operator(org.clone(), Region::Eu, "test");
        let set = SetRetention { days, law: "HGB § 257".to_owned() };
        self.privacy.set_retention(&operator, &set).await.expect("is set");
    }

    pub(crate) fn org(&self) -> OrgId {
        OrgId::new(self.clock.now())
    }

    pub(crate) fn member(&self) -> Caller {
        self.somebody(&self.org(), Role::Member)
    }

    pub(crate) fn somebody(&self, org: &OrgId, role: Role) -> Caller {
        self.granted(org, role.definition())
    }

    /// Somebody with these permissions on the org.
    pub(crate) fn granted(&self, org: &OrgId, permissions: &[&str]) -> Caller {
        let grant = Grant {
            role: "test".into(),
            permissions: PermissionSet::parse(permissions.iter().copied()).expect("permissions"),
            on: None,
            through: "member".into(),
        };
        Caller::identified(Identified {
            org: org.clone(),
            region: Region::Eu,
            actor: Actor::Member(MemberId::new(self.clock.now())),
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, 1)),
            models: None,
            origin: Origin::default(),
            standing: access::Standing::default(),
        })
    }

    /// The same person, by a key.
    pub(crate) fn key_of(&self, person: &Caller) -> Caller {
        let who = Identified::clone(person);
        Caller::identified(Identified { key: Some(KeyId::new(self.clock.now())), ..who })
    }

    /// The same person, signed in anew.
    pub(crate) fn same(person: &Caller) -> Caller {
        let who = Identified::clone(person);
        Caller::identified(Identified { standing: access::Standing::default(), ..who })
    }

    fn routes(&self, caller: &Caller) -> Router {
        let (routes, _) = chat::routes(self.chat.clone()).split_for_parts();
        routes.layer(axum::Extension(caller.clone()))
    }

    /// The response itself, its body unread.
    pub(crate) async fn open(&self, caller: &Caller, request: Request<Body>) -> Response {
        self.routes(caller).oneshot(request).await.expect("infallible")
    }

    pub(crate) async fn get(&self, caller: &Caller, path: &str) -> (u16, Value) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        read(self.open(caller, request).await).await
    }

    pub(crate) async fn ask(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        read(self.open(caller, json_request(method, path, body)).await).await
    }

    /// Starts a conversation and gives its path.
    pub(crate) async fn started(&self, caller: &Caller, model: &str) -> String {
        let body = json!({ "model": model });
        let (status, made) = self.ask(caller, "POST", "/api/conversations", &body).await;
        assert_eq!(status, 201, "{made}");
        format!("/api/conversations/{}", made["id"].as_str().expect("an id"))
    }

    /// Asks, waits for the end, and gives the answer.
    pub(crate) async fn says(&self, caller: &Caller, conversation: &str, text: &str) -> Value {
        let path = format!("{conversation}/messages");
        let (status, made) = self.ask(caller, "POST", &path, &json!({ "text": text })).await;
        assert_eq!(status, 200, "{made}");
        made["answer"].clone()
    }

    /// What was said, oldest first: who, and what.
    pub(crate) async fn said(&self, caller: &Caller, conversation: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let messages = self.messages(caller, conversation).await;
        messages.iter().map(|message| (text(&message["role"]), text(&message["text"]))).collect()
    }

    /// The messages, oldest first.
    pub(crate) async fn messages(&self, caller: &Caller, conversation: &str) -> Vec<Value> {
        let (status, page) = self.get(caller, &format!("{conversation}/messages?limit=200")).await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().expect("items").iter().rev().cloned().collect()
    }

    /// The messages, once there are this many: what is kept of an answer may be on its way.
    pub(crate) async fn messages_once(
        &self,
        caller: &Caller,
        conversation: &str,
        count: usize,
    ) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let messages = self.messages(caller, conversation).await;
            if messages.len() >= count {
                return messages;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "{messages:?}");
            tokio::task::yield_now().await;
        }
    }

    /// The events of an org, oldest first.
    pub(crate) async fn events(&self, org: &OrgId) -> Vec<Value> {
        let caller = Caller::operator(org.clone(), Region::Eu, "test");
        let scope = caller.require(Permission::EventsRead).expect("may");
        self.record.read_on(&scope, 0).await.expect("reads")
    }

    /// Every sealed byte of the room, and every plain one beside it.
    pub(crate) async fn kept(&self) -> Vec<u8> {
        let read = |text| Statement::new("read", text);
        let mut bytes = Vec::new();
        for (text, column) in [
            ("SELECT title AS sealed, model AS plain FROM chat_conversation", "sealed"),
            ("SELECT body AS sealed, role AS plain FROM chat_message", "sealed"),
        ] {
            let rows = self.bench.db.all(&Within::node(), read(text), args![]).await;
            for row in rows.expect("reads") {
                bytes.extend(row.bytes(column).expect("bytes"));
                bytes.extend(row.text("plain").expect("text").into_bytes());
            }
        }
        bytes
    }
}

pub(crate) fn json_request(method: &str, path: &str, body: &Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

async fn read(response: Response) -> (u16, Value) {
    let (status, _, text) = text_of(response).await;
    (status, serde_json::from_str(&text).unwrap_or_default())
}

pub(crate) async fn text_of(response: Response) -> (u16, HeaderMap, String) {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    (parts.status.as_u16(), parts.headers, text)
}
