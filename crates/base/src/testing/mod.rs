//! The test bench: a fresh database on each engine and a clock that tests move.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test bench that cannot be built should stop the test"
)]

mod judges;
mod redis;
mod relay;

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
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let db = Db::open(&url).await.expect("the test database opens");
        db.migrate(steps).await.expect("migrates");
        Self { db, owner_url: url.clone(), url, _folder: Some(folder) }
    }

    /// A schema of its own.
    #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
    pub async fn postgres(steps: &[Migration], append_only: &[&str]) -> Option<Self> {
        let url = std::env::var("TEST_POSTGRES_URL").ok()?;
        let owner_url = std::env::var("TEST_POSTGRES_OWNER_URL").expect("the owner's URL");
        let random = u64::from_le_bytes(crate::seal::random().expect("randomness"));
        let schema = format!("t_{random:016x}");
        let owner = Db::open(&owner_url).await.expect("the test database is up");
        owner.script(&format!("CREATE SCHEMA {schema}")).await.expect("a fresh schema");
        owner.close().await;
        let within = |url: &str| format!("{url}?options=-csearch_path%3D{schema}");
        let (url, owner_url) = (within(&url), within(&owner_url));
        let owner = Db::open(&owner_url).await.expect("the test database is up");
        owner.migrate(steps).await.expect("migrates");
        owner.grant("portico_app", append_only).await.expect("grants");
        owner.close().await;
        let db = Db::open(&url).await.expect("the test database is up");
        Some(Self { db, url, owner_url, _folder: None })
    }

    /// A database of its own on PostgreSQL, which nobody else looks into: its URL as the product
    /// and as the owner.
    #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
    pub async fn database() -> Option<[String; 2]> {
        let url = std::env::var("TEST_POSTGRES_URL").ok()?;
        let owner_url = std::env::var("TEST_POSTGRES_OWNER_URL").expect("the owner's URL");
        let random = u64::from_le_bytes(crate::seal::random().expect("randomness"));
        let name = format!("d_{random:016x}");
        let owner = Db::open(&owner_url).await.expect("the test database is up");
        owner.script(&format!("CREATE DATABASE {name}")).await.expect("a fresh database");
        owner.close().await;
        let within = |url: &str| {
            let (server, _) = url.rsplit_once('/').expect("a URL of a database");
            format!("{server}/{name}")
        };
        Some([within(&url), within(&owner_url)])
    }
}
