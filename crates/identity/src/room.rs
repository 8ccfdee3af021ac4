//! The room as a value, and the two ways through it: reading a snapshot, making a change.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region, Scope};
use audit::{Change, Durable, Event, Record};
use base::args;
use base::db::Within;
use base::problem::Problem;
use base::seal::{Mac, RootKey};
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::gate::Gate;
use crate::lockout::Lockout;
use crate::password::Passwords;
use crate::seen::Seen;
use crate::shelf::Shelf;
use crate::snapshot::OrgSnapshot;
use crate::{Error, load, sql};

/// Orgs that are read at once, and requests that wait for one to be read, at most.
const LOADS_AT_ONCE: usize = 8;
const LOADS_WAITING_MAX: usize = 256;
/// Readings of an org that changes meanwhile, before a request is told to come again.
const READINGS_MAX: u32 = 5;
/// How soon a change that another process made is noticed.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often last uses are written.
const FLUSH_EVERY: Duration = Duration::from_mins(1);

/// What the operator decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Browsers send the session cookie over TLS only.
    pub cookie_secure: bool,
    /// A session ends this long after it began.
    pub session_lifetime_secs: i64,
    /// A session ends when it was not used for this long.
    pub session_idle_secs: i64,
    /// An invitation can be accepted for this long.
    pub invitation_lifetime_secs: i64,
    /// Passwords that are hashed at once: 19 MiB and one core each.
    pub password_hashes_at_once: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cookie_secure: true,
            session_lifetime_secs: 12 * 3600,
            session_idle_secs: 3600,
            invitation_lifetime_secs: 7 * 24 * 3600,
            password_hashes_at_once: 2,
        }
    }
}

/// Finds an org by what people call it. The server answers from the directory.
pub trait FindOrg: Send + Sync + std::fmt::Debug {
    /// The org of this id or short name, and its home.
    fn find<'a>(&'a self, name: &'a str) -> Found<'a>;
}

/// What [`FindOrg::find`] gives.
pub type Found<'a> =
    Pin<Box<dyn Future<Output = Result<Option<(OrgId, Region)>, Problem>> + Send + 'a>>;

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Where changes and refusals are recorded.
    pub record: Record,
    /// The root key of each region; a region without one is not served.
    pub roots: BTreeMap<Region, RootKey>,
    /// Background work.
    pub tasks: Tasks,
    /// Finds orgs by name.
    pub find_org: Arc<dyn FindOrg>,
    /// What the operator decides.
    pub config: Config,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Identity(pub(crate) Arc<Room>);

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) databases: Databases,
    pub(crate) clock: SharedClock,
    pub(crate) record: Record,
    pub(crate) find_org: Arc<dyn FindOrg>,
    pub(crate) config: Config,
    pub(crate) passwords: Passwords,
    pub(crate) lockout: Lockout,
    pub(crate) seen: Seen,
    shelf: Shelf,
    loads: Gate,
    macs: BTreeMap<Region, Macs>,
    tasks: Tasks,
}

/// Keyed hashes of a region, one kind for each kind of secret.
#[derive(Debug)]
pub(crate) struct Macs {
    pub(crate) key: Mac,
    pub(crate) session: Mac,
    pub(crate) invitation: Mac,
}

/// A change of an org that others wait for: see [`sql::ORG_BUMP`].
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) change: Change,
    scope: Scope,
    version: u64,
}

impl Identity {
    /// Opens the room and starts its background work.
    pub fn open(needs: Needs) -> Result<Self, std::io::Error> {
        let macs = needs.roots.iter().filter(|(region, _)| needs.databases.serves(**region));
        let macs = macs.map(|(region, root)| {
            let macs = Macs {
                key: root.mac("identity/key"),
                session: root.mac("identity/session"),
                invitation: root.mac("identity/invitation"),
            };
            (*region, macs)
        });
        let room = Self(Arc::new(Room {
            macs: macs.collect(),
            passwords: Passwords::new(needs.config.password_hashes_at_once.max(1))?,
            lockout: Lockout::default(),
            seen: Seen::default(),
            shelf: Shelf::default(),
            loads: Gate::new(LOADS_AT_ONCE, LOADS_WAITING_MAX),
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            find_org: needs.find_org,
            config: needs.config,
            tasks: needs.tasks.clone(),
        }));
        needs.tasks.spawn(room.clone().work());
        Ok(room)
    }

    /// Notices changes of other processes and writes last uses, until the stop.
    async fn work(self) {
        let mut watch = tokio::time::interval(WATCH_EVERY);
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        watch.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.tasks.stopping() => break,
                _ = watch.tick() => self.watch().await,
                _ = flush.tick() => self.flush_seen().await,
            }
        }
        self.flush_seen().await;
    }

    /// Reads every org of the regions served here, so that the first call of each
    /// finds it ready and a lost database does not stop them.
    pub async fn preload(&self) -> Result<(), Error> {
        for (org, region, _) in self.versions().await? {
            self.snapshot(&org, region).await?;
        }
        Ok(())
    }

    /// Reads the orgs anew that another process changed: the command line, another
    /// node. Called twice a second by the room itself.
    pub async fn watch(&self) {
        let standing = self.0.shelf.versions();
        let Ok(versions) = self.versions().await else { return };
        for (org, region, version) in versions {
            if standing.get(&org).is_some_and(|standing| *standing < version) {
                self.0.shelf.raise(&org, version);
                self.reload(&org, region).await;
            }
        }
    }

    async fn versions(&self) -> Result<Vec<(OrgId, Region, u64)>, Error> {
        let mut all = Vec::new();
        for (region, db) in self.0.databases.iter() {
            let mut after = String::new();
            loop {
                let args = args![after.as_str()];
                let rows = db.all(&Within::node(), sql::ORG_VERSIONS, args).await?;
                for row in &rows {
                    after = row.text("org_id")?;
                    all.push((row.parse("org_id")?, region, row.count("version")?));
                }
                if rows.len() < sql::CHUNK {
                    break;
                }
            }
        }
        Ok(all)
    }

    pub(crate) fn now(&self) -> At {
        self.0.clock.now()
    }

    /// The keyed hashes of a region; none when it is not served here.
    pub(crate) fn macs(&self, region: Region) -> Option<&Macs> {
        self.0.macs.get(&region)
    }

    /// The org, read at its first use; none if the region has no such org.
    pub(crate) async fn snapshot(
        &self,
        org: &OrgId,
        region: Region,
    ) -> Result<Option<Arc<OrgSnapshot>>, Error> {
        let standing =
            |standing: Arc<OrgSnapshot>| (standing.org.region == region).then_some(standing);
        if let Some(found) = self.0.shelf.get(org) {
            return Ok(standing(found));
        }
        let _turn = self.0.loads.enter().await?;
        if let Some(found) = self.0.shelf.get(org) {
            return Ok(standing(found));
        }
        Ok(self.read(org, region).await?.and_then(standing))
    }

    /// Reads an org and puts it in its place. What is older than a change made
    /// meanwhile is read again.
    async fn read(&self, org: &OrgId, region: Region) -> Result<Option<Arc<OrgSnapshot>>, Error> {
        for _ in 0..READINGS_MAX {
            let Some(read) = load::load(&self.0.databases, org, region, self.now()).await? else {
                return Ok(None);
            };
            if let Some(standing) = self.0.shelf.put(read) {
                return Ok(Some(standing));
            }
        }
        Err(Error::Busy)
    }

    /// The org of a caller.
    pub(crate) async fn own(&self, caller: &Caller) -> Result<Arc<OrgSnapshot>, Error> {
        self.snapshot(&caller.org, caller.region).await?.ok_or(Error::NotFound)
    }

    /// Begins a change that members, roles, grants or keys depend on.
    pub(crate) async fn begin(&self, scope: &Scope) -> Result<Work, Error> {
        let mut change = Change::begin(&self.0.databases, &self.0.clock, scope).await?;
        let row = change.maybe(sql::ORG_BUMP, args![]).await?.ok_or(Error::NotFound)?;
        Ok(Work { change, scope: scope.clone(), version: row.count("version")? })
    }

    /// Commits and puts the new snapshot in place before it answers. Both happen in
    /// a task of their own: a caller that leaves in between must not leave a revoked
    /// key alive.
    pub(crate) async fn commit(&self, work: Work, event: Event) -> Result<Durable, Error> {
        let (done, committed) = oneshot::channel();
        let room = self.clone();
        self.0.tasks.spawn(async move {
            let (org, region) = (work.scope.org().clone(), work.scope.region());
            let ended = work.change.commit(event).await;
            if ended.is_ok() {
                room.0.shelf.raise(&org, work.version);
            }
            room.reload(&org, region).await;
            drop(done.send(ended));
        });
        let gone = |_| Error::Machine(std::io::Error::other("the change was cut off"));
        Ok(committed.await.map_err(gone)??)
    }

    /// Reads an org anew. When that fails its snapshot is taken away: better no
    /// answer than one from a key that may be revoked.
    async fn reload(&self, org: &OrgId, region: Region) {
        match self.read(org, region).await {
            Ok(Some(_)) => {}
            Ok(None) => self.0.shelf.forget(org),
            Err(error) => {
                self.0.shelf.forget(org);
                tracing::error!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "the org is refused until it can be read again"
                );
            }
        }
    }
}
