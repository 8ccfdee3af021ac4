//! A house with two orgs, a log and the room, and a door in front.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use access::{Databases, MemberId, Method, Permission, Region};
use audit::{Folder, Keeper, Log, LogConfig, LogNeeds};
use axum::body::to_bytes;
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::Clock as _;
use identity::testing::{self, Org, Plan};
use identity::{Birth, NewKey};
use privacy::{Needs, Privacy, Requests};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// What cannot stand anywhere by chance.
pub(crate) const NAME: &str = "Ingrid Zwetschgenbaum";
pub(crate) const EMAIL: &str = "zwetschgenbaum@acme.example";
pub(crate) const ADDRESS: &str = "203.0.113.77";
pub(crate) const AGENT: &str = "ZwetschgenBrowser/7.1";
pub(crate) const KEY_NAME: &str = "pflaumen-laptop";
/// Each of them in a form of its own.
pub(crate) const TRACES: [&str; 4] =
    ["wetschgenbaum", "203.0.113.77", "ZwetschgenBrowser", KEY_NAME];

pub(crate) struct House {
    shared: testing::House,
    pub(crate) acme: Org,
    pub(crate) globex: Org,
    pub(crate) log: Log,
    pub(crate) privacy: Privacy,
    pub(crate) published: TempDir,
}

impl Deref for House {
    type Target = testing::House;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl House {
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        let plan = Plan {
            config: identity::Config { cookie_secure: false, ..identity::Config::default() },
            ..Plan::of(&[privacy::sql::MIGRATIONS, streams::sql::MIGRATIONS].concat())
        };
        let mut houses = Vec::new();
        for house in plan.houses().await {
            houses.push(Self::around(house).await);
        }
        houses
    }

    async fn around(house: testing::House) -> Self {
        let (acme, globex) = (house.org("acme").await, house.org("globex").await);
        let published = TempDir::new().expect("a folder");
        let store = Arc::new(Folder::new(published.path().to_owned()));
        let config = LogConfig { log: "portico.example".to_owned(), ..LogConfig::default() };
        let log = Log::open(LogNeeds {
            record: house.record.clone(),
            roots: &house.roots,
            stores: BTreeMap::from([(Region::Eu, store as Arc<dyn audit::Store>)]),
            config: &config,
            witnesses: Vec::new(),
            page: verify::PAGE,
            metrics: &Metrics::new(),
        });
        let log = log.expect("opens");
        let privacy = room(&house, &log, house.databases.clone(), Vec::new());
        let routes = privacy::routes(privacy.clone())
            .merge(privacy::pages(privacy.clone()))
            .merge(audit::routes(house.record.clone()))
            .merge(audit::log_routes(log.clone()));
        Self { shared: house.serving(routes), acme, globex, log, privacy, published }
    }

    /// The room with one more keeper behind the others.
    pub(crate) fn with(&self, keeper: Arc<dyn Keeper>) -> Privacy {
        room(&self.shared, &self.log, self.shared.databases.clone(), vec![keeper])
    }

    /// The room on a node that serves these databases.
    pub(crate) fn over(&self, databases: Databases) -> Privacy {
        room(&self.shared, &self.log, databases, Vec::new())
    }

    /// Somebody with a name, an address, a device and a key, who did something.
    pub(crate) async fn ingrid(&self) -> String {
        let id = self.named(&self.acme.operator, NAME, EMAIL, "org:member").await.id;
        let (owner, name) = (Some(id.to_string()), KEY_NAME.to_owned());
        let key = NewKey { owner, name, ..NewKey::default() };
        self.identity.create_key(&self.acme.operator, &key).await.expect("a key");
        let birth = Birth::of(id.clone(), Method::Passkey, Some(self.clock.now()));
        let cookie = self.let_in(&self.acme.id, birth, Some(ADDRESS)).await;
        let heads = [
            ("host", "portico.example"),
            ("sec-fetch-site", "same-origin"),
            ("x-test-ip", ADDRESS),
            ("user-agent", AGENT),
            ("cookie", cookie.as_str()),
        ];
        let patch = testing::request("PATCH", "/api/me", &heads, json!({ "name": NAME }));
        let renamed = self.send(patch).await;
        assert_eq!(renamed.status, 200, "{}", renamed.text);
        id.to_string()
    }

    /// The same, and then removed.
    pub(crate) async fn former(&self) -> String {
        let id = self.ingrid().await;
        self.removed(&id).await;
        id
    }

    pub(crate) async fn removed(&self, id: &str) {
        let id: MemberId = id.parse().expect("an id");
        self.identity.remove_member(&self.acme.operator, &id).await.expect("is removed");
    }

    /// Asks for an erasure.
    pub(crate) async fn erase(&self, person: &str) -> (u16, Value) {
        let body = json!({ "person": person });
        let answer = self.post(&self.acme.owner.key, "/api/privacy/requests", body).await;
        (answer.status, answer.json())
    }

    /// The events of an org as they are shown, oldest first.
    pub(crate) async fn events(&self, org: &Org) -> Vec<Value> {
        let scope = org.operator.require(Permission::EventsRead).expect("may");
        self.record.read_on(&scope, 0).await.expect("reads")
    }

    /// An evidence bundle of everything, as its bytes.
    pub(crate) async fn bundle(&self) -> Vec<u8> {
        let path = "/api/record/evidence?from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z";
        let shown = [testing::shown(&self.acme.owner.key)];
        let request = testing::request("GET", path, &shown, Value::Null);
        let response = self.routes.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), 200);
        to_bytes(response.into_body(), usize::MAX).await.expect("a whole body").to_vec()
    }

    /// A session of somebody, in which a second factor was shown or not.
    pub(crate) async fn session(&self, id: &str, shown: bool) -> String {
        let id: MemberId = id.parse().expect("an id");
        let birth = Birth::of(id, Method::Password, shown.then(|| self.clock.now()));
        self.let_in(&self.acme.id, birth, None).await
    }
}

fn room(
    house: &testing::House,
    log: &Log,
    databases: Databases,
    more: Vec<Arc<dyn Keeper>>,
) -> Privacy {
    let mut keepers: Vec<Arc<dyn Keeper>> =
        vec![Arc::new(house.identity.clone()), Arc::new(house.record.clone()), Arc::new(Requests)];
    keepers.extend(more);
    Privacy::open(Needs {
        databases,
        clock: house.clock.shared(),
        record: house.record.clone(),
        log: log.clone(),
        keepers,
        tasks: Tasks::new(),
    })
}
