//! Databases that are migrated already. Tests that want the same tables share the work of making
//! them: each gets a copy of what the first of them made.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::args;
use crate::db::{Db, Migration, Statement, Within};

const OF_SLOT: Statement = Statement::new(
    "list the databases of tests",
    "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
);

/// Databases that this process has made.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// What these tables are called, whoever wants them.
fn called(steps: &[Migration], append_only: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    for Migration { name, sqlite, postgres } in steps {
        (name, sqlite, postgres).hash(&mut hasher);
    }
    append_only.hash(&mut hasher);
    shared(&format!("{:016x}", hasher.finish()))
}

/// What is called so among databases.
pub(super) fn shared(name: &str) -> String {
    format!("ready_{name}")
}

/// The URL of another database of the same server.
pub(super) fn beside(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("a URL of a database");
    format!("{server}/{name}?options=-csearch_path%3Dpublic")
}

/// The name of the database of such a URL.
pub(super) fn name(url: &str) -> &str {
    let (_, rest) = url.rsplit_once('/').expect("a URL of a database");
    rest.split('?').next().unwrap_or(rest)
}

/// A file with these tables, copied from where `cargo xtask test` lets tests share them.
pub(super) async fn file(file: &Path, steps: &[Migration]) {
    let url = |file: &Path| format!("sqlite://{}", file.display());
    let made = async |file: &Path| {
        let db = Db::open(&url(file)).await.expect("the test database opens");
        db.migrate(steps).await.expect("migrates");
        db.close().await;
    };
    let Some(ready) = super::shared(&called(steps, &[])) else { return made(file).await };
    if !ready.exists() {
        made(file).await;
        let folder = ready.parent().expect("a folder");
        let near = tempfile::NamedTempFile::new_in(folder).expect("a file");
        fs::copy(file, near.path()).expect("copies");
        // Whoever was faster made the same.
        near.persist(&ready).expect("is named");
        return;
    }
    fs::copy(&ready, file).expect("copies");
}

/// An empty database, or one with the tables of another; its name.
pub(super) async fn database(owner: &Db, like: &str) -> Result<String, sqlx::Error> {
    // Of this place among those where tests run at the same time, where the runner says it: what
    // the tests before left there goes.
    let slot = super::environment("NEXTEST_TEST_GLOBAL_SLOT");
    let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let of_slot = format!("d_{}_", slot.as_deref().unwrap_or("any"));
    let of_process = format!("{of_slot}{process}_");
    if slot.is_some() && number == 0 {
        let left = owner.all(&Within::node(), OF_SLOT, args![of_slot.as_str()]).await;
        for row in left.expect("lists") {
            let name = row.text("datname").expect("a name");
            if !name.starts_with(&of_process) {
                // One that somebody is in still is the next one's to drop.
                let _gone = owner.script(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
        }
    }
    let name = format!("{of_process}{number}");
    owner.script(&format!("CREATE DATABASE {name} TEMPLATE {like}")).await.map(|()| name)
}

/// A database with these tables; its name.
pub(super) async fn migrated(
    owner: &Db,
    owner_url: &str,
    steps: &[Migration],
    append_only: &[&str],
) -> String {
    let ready = called(steps, append_only);
    if let Ok(name) = database(owner, &ready).await {
        return name;
    }
    let name = database(owner, "template0").await.expect("a fresh database");
    let db = Db::open(&beside(owner_url, &name)).await.expect("the test database is up");
    db.migrate(steps).await.expect("migrates");
    db.grant("portico_app", append_only).await.expect("grants");
    db.close().await;
    // Whoever was faster made the same.
    let _named = owner.script(&format!("ALTER DATABASE {name} RENAME TO {ready}")).await;
    database(owner, &ready).await.expect("a copy")
}
