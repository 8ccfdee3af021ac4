//! The test bench: a fresh database on each engine and a clock that tests move.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test bench that cannot be built should stop the test"
)]

mod judges;
mod ready;
mod redis;
mod relay;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use crate::db::{Db, Migration};
use crate::time::{At, Clock, SharedClock};

pub use self::judges::{Moto, Python};
pub use self::redis::Redis;
pub use self::relay::Relay;

/// A clock that stands still until told otherwise: the steady time, and how far behind it is set.
#[derive(Debug, Clone)]
pub struct StillClock(Arc<Mutex<(At, SignedDuration)>>);

impl StillClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let start = "2026-01-01T00:00:00Z".parse().expect("a valid instant");
        Self(Arc::new(Mutex::new((start, SignedDuration::ZERO))))
    }

    /// Moves time on.
    pub fn advance(&self, by: SignedDuration) {
        self.0.lock().expect("no test panics while holding the clock").0 += by;
    }

    /// Sets the clock back, as a machine does that learns that it was ahead. No time passes.
    pub fn set_back(&self, by: SignedDuration) {
        self.0.lock().expect("no test panics while holding the clock").1 += by;
    }

    /// For whoever takes a clock.
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }
}

impl Default for StillClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for StillClock {
    fn now(&self) -> At {
        let (steady, behind) = *self.0.lock().expect("no test panics while holding the clock");
        steady - behind
    }

    fn steady(&self) -> At {
        self.0.lock().expect("no test panics while holding the clock").0
    }
}

/// A fresh, empty database.
#[derive(Debug)]
pub struct Bench {
    /// The handle that the product uses. On PostgreSQL its role owns nothing, as in production.
    pub db: Db,
    /// The URL behind it.
    pub url: String,
    /// The URL of the role that owns the tables; on SQLite the same.
    pub owner_url: String,
    // The folder of the SQLite file lives as long as the bench.
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    /// One bench for each engine, migrated. PostgreSQL needs `TEST_POSTGRES_URL` and
    /// `TEST_POSTGRES_OWNER_URL`, which `cargo xtask test` sets: a run without
    /// them covers half the product.
    pub async fn on_each_engine(steps: &[Migration], append_only: &[&str]) -> Vec<Self> {
        let mut benches = vec![Self::sqlite(steps).await];
        benches.extend(Self::postgres(steps, append_only).await);
        benches
    }

    /// A file of its own.
    pub async fn sqlite(steps: &[Migration]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("test.db");
        ready::file(&file, steps).await;
        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url).await.expect("the test database opens");
        Self { db, owner_url: url.clone(), url, _folder: Some(folder) }
    }

    /// A database of its own.
    pub async fn postgres(steps: &[Migration], append_only: &[&str]) -> Option<Self> {
        let server = Server::found().await?;
        let name = ready::migrated(&server.owner, &server.owner_url, steps, append_only).await;
        let [url, owner_url] = server.ends(&name).await;
        let db = Db::open(&url).await.expect("the test database is up");
        Some(Self { db, url, owner_url, _folder: None })
    }

    /// An empty database of its own on PostgreSQL: its URL as the product and as the owner.
    pub async fn database() -> Option<[String; 2]> {
        let server = Server::found().await?;
        let name = ready::database(&server.owner, "template0").await.expect("a fresh database");
        Some(server.ends(&name).await)
    }

    /// The same, with what was [shared](Self::share) under this name, if anything was.
    pub async fn database_like(shared: &str) -> Option<[String; 2]> {
        let server = Server::found().await?;
        match ready::database(&server.owner, &ready::shared(shared)).await {
            Ok(name) => Some(server.ends(&name).await),
            Err(_) => Self::database().await,
        }
    }

    /// Shares a database, in which nobody may be, with the tests that come later.
    pub async fn share([_, owner_url]: &[String; 2], shared: &str) {
        let Some(server) = Server::found().await else { return };
        let (ready, name) = (ready::shared(shared), ready::name(owner_url));
        // Whoever was faster made the same.
        let _made = server.owner.script(&format!("CREATE DATABASE {ready} TEMPLATE {name}")).await;
    }
}

/// The PostgreSQL of the tests.
struct Server {
    url: String,
    owner_url: String,
    owner: Db,
}

impl Server {
    async fn found() -> Option<Self> {
        let url = environment("TEST_POSTGRES_URL")?;
        let owner_url = environment("TEST_POSTGRES_OWNER_URL").expect("the owner's URL");
        let owner = Db::open(&owner_url).await.expect("the test database is up");
        Some(Self { url, owner_url, owner })
    }

    /// The URLs of one of its databases, for the product and for the owner.
    async fn ends(self, name: &str) -> [String; 2] {
        self.owner.close().await;
        [self.url, self.owner_url].map(|url| ready::beside(&url, name))
    }
}

/// Where tests of one run share files, under this name.
pub fn shared(name: &str) -> Option<PathBuf> {
    environment("TEST_READY").map(|folder| Path::new(&folder).join(name))
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
