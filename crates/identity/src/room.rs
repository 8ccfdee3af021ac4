//! The room as a value, and how a change goes through it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region, Scope};
use audit::{Change, Durable, Event, Record};
use base::args;
use base::db::{Statement, Value};
use base::problem::Problem;
use base::seal::{Mac, RootKey, Sealer};
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use serde::Deserialize;
use tokio::sync::{Mutex, oneshot};
use webauthn_rs::prelude::Url;

use crate::address::Places;
use crate::classes::Classes;
use crate::factor::RelyingParty;
use crate::gate::Gate;
use crate::guards::Guards;
use crate::key::Token;
use crate::lockout::Lockout;
use crate::mail::Mail;
use crate::password::Passwords;
use crate::running::Running;
use crate::seen::Seen;
use crate::shelf::{Shelf, Turns};
use crate::sources::Sources;
use crate::visit::{Visiting, Visits};
use crate::{Error, sql};

/// Orgs that are read at once, and requests that wait for one to be read, at most.
const LOADS_AT_ONCE: usize = 8;
const LOADS_WAITING_MAX: usize = 256;
/// How soon a change that another process made is noticed.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often last uses are written.
const FLUSH_EVERY: Duration = Duration::from_mins(1);

/// What the operator decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where people reach this Portico: whom passkeys are for. Told by whoever opens the
    /// room, and no key of its own.
    #[serde(skip)]
    pub public_url: Option<Url>,
    /// The page on which people sign in with their identity provider: another room's.
    #[serde(skip)]
    pub sso_page: Option<&'static str>,
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
            public_url: None,
            sso_page: None,
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
    /// Narrows what roles give.
    pub guards: Arc<dyn Guards>,
    /// Knows to which visits of the operator's support orgs consented.
    pub visits: Arc<dyn Visits>,
    /// Mails links to their people; none: they are handed out.
    pub mail: Option<Arc<dyn Mail>>,
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
    pub(crate) guards: Arc<dyn Guards>,
    pub(crate) visits: Arc<dyn Visits>,
    pub(crate) visiting: Visiting,
    /// Told by a room that opens after this one, and leans on it.
    pub(crate) sources: OnceLock<Arc<dyn Sources>>,
    /// Told by the server: the rooms that know it open after this one.
    pub(crate) classes: OnceLock<Arc<dyn Classes>>,
    pub(crate) mail: Option<Arc<dyn Mail>>,
    pub(crate) config: Config,
    pub(crate) relying_party: RelyingParty,
    pub(crate) passwords: Passwords,
    pub(crate) places: Places,
    pub(crate) lockout: Lockout,
    pub(crate) seen: Seen,
    pub(crate) shelf: Shelf,
    pub(crate) turns: Turns,
    /// The org whose version was looked at last; none: the next one is the first.
    pub(crate) watched: Mutex<Option<OrgId>>,
    pub(crate) running: Running,
    pub(crate) loads: Gate,
    macs: BTreeMap<Region, Macs>,
    pub(crate) tasks: Tasks,
}

/// Keyed hashes and seals of a region, one kind for each kind of secret.
#[derive(Debug)]
pub(crate) struct Macs {
    pub(crate) key: Mac,
    pub(crate) session: Mac,
    pub(crate) invitation: Mac,
    pub(crate) password_link: Mac,
    pub(crate) visit: Mac,
    pub(crate) setup: Mac,
    pub(crate) guest: Mac,
    pub(crate) recovery_code: Mac,
    /// Seals the secrets of authenticator apps.
    pub(crate) factor: Sealer,
    /// Seals ceremonies that are under way.
    pub(crate) ceremony: Sealer,
}

/// A change of who may what in an org: everybody waits for it, and nobody acts on what
/// was before once it is committed.
#[derive(Debug)]
pub struct Work {
    /// Where the statements of the change run.
    pub change: Change,
    /// The caller shows a key that is bound: see [`Work::gives`].
    pub(crate) bound: bool,
    scope: Scope,
    version: u64,
    /// When it began.
    pub(crate) at: At,
}

impl Work {
    /// Whether the change follows at once on this version of the org.
    pub(crate) fn follows(&self, version: u64) -> bool {
        self.version == version.saturating_add(1)
    }
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
                password_link: root.mac("identity/password-link"),
                visit: root.mac("identity/visit"),
                setup: root.mac("identity/setup"),
                guest: root.mac("identity/guest"),
                recovery_code: root.mac("identity/recovery-code"),
                factor: root.sealer("identity/factor")?,
                ceremony: root.sealer("identity/ceremony")?,
            };
            Ok((*region, macs))
        });
        let room = Self(Arc::new(Room {
            macs: macs.collect::<Result<_, std::io::Error>>()?,
            relying_party: RelyingParty::of(needs.config.public_url.as_ref()),
            passwords: Passwords::new(needs.config.password_hashes_at_once.max(1))?,
            places: Places::default(),
            lockout: Lockout::default(),
            seen: Seen::default(),
            shelf: Shelf::default(),
            turns: Turns::default(),
            watched: Mutex::default(),
            running: Running::default(),
            loads: Gate::new(LOADS_AT_ONCE, LOADS_WAITING_MAX),
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            find_org: needs.find_org,
            guards: needs.guards,
            visits: needs.visits,
            visiting: Visiting::default(),
            sources: OnceLock::new(),
            classes: OnceLock::new(),
            mail: needs.mail,
            config: needs.config,
            tasks: needs.tasks.clone(),
        }));
        needs.tasks.spawn(room.clone().work());
        needs.tasks.spawn(room.clone().end_what_ended());
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
                _ = watch.tick() => {
                    self.watch().await;
                    self.watch_visits().await;
                }
                _ = flush.tick() => self.flush_seen().await,
            }
        }
        self.flush_seen().await;
    }

    pub(crate) fn now(&self) -> At {
        self.0.clock.now()
    }

    /// Where an org is at home, whatever region its credentials name.
    pub(crate) fn home(&self, org: &OrgId, named: Region) -> Region {
        self.0.databases.homes().home(org, named)
    }

    /// Whether it is known where an org is, whatever region its credentials name.
    pub(crate) fn has_moved(&self, org: &OrgId) -> bool {
        let [first, rest @ ..] = Region::ALL.map(|named| self.home(org, named));
        rest.iter().all(|home| *home == first)
    }

    /// A token, with the region where its org is at home in place of the one that it names: to
    /// be called when its keyed hash was made, which is of the region that it names.
    pub(crate) fn at_home(&self, token: Token) -> Token {
        Token { region: self.home(&token.org, token.region), ..token }
    }

    /// The keyed hashes and seals of what an org had before it ever moved, and has for ever:
    /// those of the region where it began.
    pub(crate) fn macs_of(&self, caller: &Caller) -> Option<&Macs> {
        self.macs(self.0.databases.homes().born(&caller.org, caller.region))
    }

    /// The keyed hashes of a region; none when it is not served here.
    pub(crate) fn macs(&self, region: Region) -> Option<&Macs> {
        self.0.macs.get(&region)
    }

    /// A region that is served here: what belongs to no org yet is sealed with its key.
    pub(crate) fn first_region(&self) -> Option<Region> {
        self.0.macs.keys().next().copied()
    }

    /// Begins a change that members, roles, grants, keys or guardrails depend on. Whoever was
    /// identified before something was taken from them is refused.
    pub async fn begin(&self, scope: &Scope) -> Result<Work, Error> {
        // Before the change begins: what holds a connection must not wait for another.
        let bound = self.about_key(scope.caller(), |key| key.bound).await?;
        let mut change = Change::begin(&self.0.record, scope).await?;
        let row = change.maybe(sql::ORG_BUMP, args![]).await?.ok_or(Error::NotFound)?;
        let (version, at) = (row.count("version")?, self.now());
        let mut work = Work { change, bound, scope: scope.clone(), version, at };
        work.still(scope.caller()).await?;
        Ok(work)
    }

    /// Commits and puts the new snapshot in place before it answers: what runs on a
    /// credential that ended is told so by then. Both happen in
    /// a task of their own: a caller that leaves in between must not leave a revoked
    /// key alive.
    pub async fn commit(&self, work: Work, event: Event) -> Result<Durable, Error> {
        self.finish(work, event, None).await
    }

    /// The same, and a statement runs in between whose last argument is the event's
    /// position.
    pub(crate) async fn commit_noting(
        &self,
        work: Work,
        event: Event,
        note: (Statement, Vec<Value>),
    ) -> Result<Durable, Error> {
        self.finish(work, event, Some(note)).await
    }

    async fn finish(
        &self,
        work: Work,
        event: Event,
        note: Option<(Statement, Vec<Value>)>,
    ) -> Result<Durable, Error> {
        let (done, committed) = oneshot::channel();
        let room = self.clone();
        self.0.tasks.spawn(async move {
            let (org, region) = (work.scope.org().clone(), work.scope.region());
            let ended = match note {
                Some((note, args)) => work.change.commit_noting(event, note, args).await,
                None => work.change.commit(event).await,
            };
            if ended.is_ok() {
                room.0.shelf.raise(&org, work.version);
                room.catch_up(&org, region).await;
                room.0.running.ask();
            } else {
                // Whether it was committed after all, only the database knows.
                room.reload(&org, region).await;
            }
            drop(done.send(ended));
        });
        let gone = |_| Error::Machine(std::io::Error::other("the change was cut off"));
        Ok(committed.await.map_err(gone)??)
    }
}
