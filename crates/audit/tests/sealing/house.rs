//! A record whose keys are wrapped by files or by a transit engine, on one database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use access::{Caller, Databases, OrgId, Region};
use audit::{
    Change, Epochs, EpochsNeeds, Event, Filter, KmsConfig, KmsToken, LogConfig, Record, Sealing,
};
use base::args;
use base::db::{Db, Row, Statement, Value, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use jiff::SignedDuration;

use crate::vault::Vault;

pub(crate) const EU: Region = Region::Eu;
/// How long an epoch lasts: 45 of 100 days of a window of 30.
pub(crate) const EPOCH: SignedDuration = SignedDuration::from_hours(24 * 27 / 2);
/// How long before its epoch the secret of a file is made.
pub(crate) const AHEAD: SignedDuration = SignedDuration::from_hours(24);
const EVENTS: Statement = Statement::new("count", "SELECT size FROM audit_head WHERE org_id = $1");

/// Who wraps.
#[derive(Debug, Clone)]
pub(crate) enum Kms {
    Root,
    Files,
    Vault(Vault),
}

pub(crate) struct House {
    pub(crate) bench: Bench,
    pub(crate) clock: StillClock,
    pub(crate) kms: Kms,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) node: Node,
}

/// One process: what it has in memory is its own.
pub(crate) struct Node {
    pub(crate) record: Record,
    pub(crate) epochs: Epochs,
    pub(crate) metrics: Metrics,
    /// Its line ends with it.
    _tasks: Tasks,
}

impl House {
    /// On each engine, with files and with a transit engine.
    pub(crate) async fn on_everything() -> Vec<Self> {
        let mut all = Self::with_files().await;
        all.extend(Self::with_vault().await);
        all
    }

    pub(crate) async fn with_files() -> Vec<Self> {
        let mut all = Vec::new();
        for bench in benches().await {
            all.push(Self::on(bench, StillClock::new(), Kms::Files));
        }
        all
    }

    pub(crate) async fn with_vault() -> Vec<Self> {
        let mut all = Vec::new();
        for bench in benches().await {
            let clock = StillClock::new();
            let vault = Vault::listening(&clock).await;
            all.push(Self::on(bench, clock, Kms::Vault(vault)));
        }
        all
    }

    pub(crate) fn on(bench: Bench, clock: StillClock, kms: Kms) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), "hvs.first\n").expect("writes");
        let node = Node::open(&bench.db, &clock, &kms, &folder);
        Self { bench, clock, kms, folder, node }
    }

    /// Another process over the same database and the same KMS.
    pub(crate) fn another(&self) -> Node {
        Node::open(&self.bench.db, &self.clock, &self.kms, &self.folder)
    }

    /// A process over another database and the present state of the KMS.
    pub(crate) fn over(&self, other: &Bench) -> Node {
        Node::open(&other.db, &self.clock, &self.kms, &self.folder)
    }

    /// The process is replaced by another one.
    pub(crate) fn restart(&mut self) {
        self.node = self.another();
    }

    pub(crate) fn vault(&self) -> &Vault {
        match &self.kms {
            Kms::Vault(vault) => vault,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn epochs_file(&self) -> PathBuf {
        self.folder.path().join("epochs/eu")
    }

    pub(crate) fn somebody(&self) -> Caller {
        Caller::operator(OrgId::new(self.clock.now()), EU, "test")
    }

    /// Something changed about somebody, which is sealed under a key of theirs.
    pub(crate) async fn tell(&self, org: &Caller, who: &str) {
        self.node.tell(org, who).await.expect("is recorded");
    }

    pub(crate) fn pass(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    /// An epoch passes, and what is then due is done.
    pub(crate) async fn epoch(&self) -> audit::Turned {
        let ahead = self.almost().await;
        self.pass(AHEAD);
        let turned = self.node.epochs.turn(EU).await.expect("turns");
        audit::Turned {
            begun: ahead.begun + turned.begun,
            orgs: ahead.orgs + turned.orgs,
            destroyed: ahead.destroyed + turned.destroyed,
        }
    }

    /// An epoch passes but for the time in which a new secret of a file is backed up.
    pub(crate) async fn almost(&self) -> audit::Turned {
        self.pass(EPOCH - AHEAD);
        self.node.epochs.turn(EU).await.expect("turns")
    }

    pub(crate) async fn rows(&self, text: &'static str) -> Vec<Row> {
        let statement = Statement::new("read", text);
        self.bench.db.all(&Within::node(), statement, vec![]).await.expect("reads")
    }

    /// Destroys the key of somebody, as whoever erases them does.
    pub(crate) async fn erase(&self, org: &Caller, who: &str) {
        let tag = tag(org, who);
        let text = "UPDATE audit_key SET wrapped = NULL, erased_at = 1
                     WHERE org_id = $1 AND tag = $2";
        write(&self.bench, &[(text, args![org.org.as_str(), tag])]).await;
    }
}

impl Node {
    pub(crate) fn open(db: &Db, clock: &StillClock, kms: &Kms, folder: &tempfile::TempDir) -> Self {
        let sealing = Sealing::new(&roots(), folder.path().join("epochs"));
        let sealing = match kms {
            Kms::Root => Sealing::from(&roots()),
            Kms::Files => sealing,
            Kms::Vault(vault) => {
                let token = KmsToken::File(folder.path().join("token"));
                sealing.with_kms(EU, &transit(vault), token, Vec::new()).expect("a KMS")
            }
        };
        Self::with(db, clock, sealing)
    }

    pub(crate) fn with(db: &Db, clock: &StillClock, sealing: Sealing) -> Self {
        let (tasks, metrics) = (Tasks::new(), Metrics::new());
        let databases = Databases::new([(EU, db.clone())]);
        let shared = clock.shared();
        let record = Record::open(&databases, &shared, "n1", sealing, &[], &tasks, &metrics);
        let record = record.expect("opens");
        let config = LogConfig::default();
        let needs = EpochsNeeds { record: record.clone(), config: &config, metrics: &metrics };
        let epochs = Epochs::open(needs);
        Self { record, epochs, metrics, _tasks: tasks }
    }

    pub(crate) async fn tell(&self, org: &Caller, who: &str) -> Result<(), base::db::DbError> {
        let change = Change::begin(&self.record, &org.itself()).await?;
        let event = Event::done("test.member.set", "member", who);
        let event = event.changes(serde_json::json!({ "name": { "to": who } }));
        change.commit(event).await.map(drop)
    }

    /// Of whom this process can read what was told, each as often as it was; `?` of whom it
    /// can not.
    pub(crate) async fn known(&self, org: &Caller) -> Vec<String> {
        let mut filter =
            Filter { action: "test.member.set".to_owned(), limit: Some(200), ..Filter::default() };
        let mut events = Vec::new();
        loop {
            let page = self.record.events(org, &filter).await.expect("reads");
            events.extend(page.items);
            filter.after = page.next;
            if filter.after.is_none() {
                break;
            }
        }
        let names = events.iter().map(|event| {
            let name = event["changes"]["name"]["to"].as_str();
            name.map_or_else(
                || {
                    assert_eq!(event["erased"], serde_json::json!(["payload"]), "{event}");
                    "?".to_owned()
                },
                ToOwned::to_owned,
            )
        });
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// A metric, by the beginning of its line.
    pub(crate) fn metric(&self, name: &str) -> String {
        let text = self.metrics.render().expect("renders");
        let name = format!("portico_{name}");
        let line = text.lines().find(|line| line.starts_with(&name));
        line.expect(&name).rsplit(' ').next().expect("a value").to_owned()
    }
}

/// What somebody's key is called in the database.
pub(crate) fn tag(org: &Caller, who: &str) -> String {
    let tag = roots()[&EU].mac("audit/holder").tag(format!("{}/{who}", org.org).as_bytes());
    tag[..12].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(crate) fn transit(vault: &Vault) -> KmsConfig {
    KmsConfig {
        address: vault.address.clone(),
        mount: "transit".to_owned(),
        key: "portico-eu".to_owned(),
        namespace: Some("team/portico".to_owned()),
        token_env: None,
        token_file: None,
        ca_file: None,
        timeout_ms: 300,
    }
}

pub(crate) fn roots() -> BTreeMap<Region, RootKey> {
    BTreeMap::from([(EU, RootKey::from_bytes(&[7; 32]).expect("32 bytes"))])
}

pub(crate) async fn benches() -> Vec<Bench> {
    Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await
}

/// As whoever owns the database.
#[expect(clippy::disallowed_methods, reason = "somebody goes round the product")]
pub(crate) async fn write(bench: &Bench, statements: &[(&'static str, Vec<Value>)]) {
    let owner = Db::open(&bench.owner_url).await.expect("opens");
    let mut tx = owner.begin(&Within::node()).await.expect("begins");
    for (text, args) in statements {
        tx.run(Statement::new("write", text), args.clone()).await.expect("writes");
    }
    tx.commit().await.expect("commits");
    owner.close().await;
}

/// How many events an org has.
pub(crate) async fn size(bench: &Bench, org: &Caller) -> i64 {
    let (within, org) = (Within::org(org.org.as_str()), org.org.as_str());
    let row = bench.db.maybe(&within, EVENTS, args![org]).await.expect("reads");
    row.map_or(0, |row| row.int("size").expect("a size"))
}
