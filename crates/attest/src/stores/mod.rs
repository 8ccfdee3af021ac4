//! Reading every byte of a store past a scan, and telling one store from another.

mod files;
mod page;
mod postgres;
mod redis;
mod sqlite;

pub(crate) use self::files::{files, identity_of};
pub(crate) use self::page::{head, page};
pub(crate) use self::postgres::Postgres;
pub(crate) use self::redis::Redis;
pub(crate) use self::sqlite::Sqlite;

use crate::canary::Canaries;
use crate::error::Error;
use crate::plan::{Place, Store};
use crate::scan::Seen;

/// What was read of a store.
#[derive(Debug, Default)]
pub struct Looked {
    /// What the scan has seen.
    pub seen: Seen,
    /// What it is: two stores of the same identity are one.
    pub identity: String,
    /// What could not be looked into, in words.
    pub blind: Vec<String>,
}

/// Looks through a store.
pub async fn look(store: &Store, canaries: &Canaries) -> Result<Looked, Error> {
    let missing = || Error::Plan(store.holds.name().to_owned(), "no address".to_owned());
    match store.place().ok_or_else(missing)? {
        Place::Postgres(url) => {
            let mut open = Postgres::open(url).await?;
            let (identity, blind) = (open.identity().await?, open.blind().await?);
            Ok(Looked { seen: open.look(canaries).await?, identity, blind })
        }
        Place::Sqlite(file) => {
            let mut seen = Seen::default();
            for end in ["", "-wal", "-shm", "-journal"] {
                let mut beside = file.as_os_str().to_owned();
                beside.push(end);
                let beside = std::path::PathBuf::from(beside);
                if end.is_empty() || beside.exists() {
                    files(&beside, canaries, &mut seen)?;
                }
            }
            seen.add(Sqlite::open(file).await?.look(canaries).await?);
            Ok(Looked { seen, identity: identity_of(file)?, blind: Vec::new() })
        }
        Place::Redis(url) => {
            let mut open = Redis::open(url).await?;
            let identity = open.identity().await?;
            Ok(Looked { seen: open.look(canaries).await?, identity, blind: Vec::new() })
        }
        Place::Files(path) => {
            let mut seen = Seen::default();
            files(path, canaries, &mut seen)?;
            Ok(Looked { seen, identity: identity_of(path)?, blind: Vec::new() })
        }
        Place::Page(url) => {
            let mut seen = Seen::default();
            crate::scan::Scan::value(&page(url).await?, canaries, &mut seen);
            Ok(Looked { seen, identity: url.to_owned(), blind: Vec::new() })
        }
    }
}
