//! The small global map from an org to its home.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use access::{OrgId, Region};
use base::args;
use base::db::{Db, DbError, Row, Within};
use base::problem::Problem;
use base::seal::{Mac, RootKey};
use base::time::SharedClock;

use crate::sql;

/// Where an org is at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The org.
    pub org: OrgId,
    /// Where its data stays.
    pub region: Region,
    /// Grows with every move; an older one is stale.
    pub epoch: u64,
}

/// What can go wrong with the directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another org has this short name.
    #[error("the short name `{0}` is taken")]
    Taken(String),
    /// A living node serves the region.
    #[error(
        "region `{region}` is already served by node `{node}`; limits are counted per node unless \
         nodes share a store (`cell.shared`): stop that node first, or serve other `regions`"
    )]
    Served {
        /// What was asked for.
        region: Region,
        /// Who has it.
        node: String,
    },
    /// Nodes that share a region, and one that does not, never serve it together.
    #[error(
        "region `{region}` is already served by {}",
        .node.as_ref().map_or_else(
            || "nodes that share it: set `cell.shared = true` here too, or stop them first".to_owned(),
            |node| format!("node `{node}`, which shares it with nobody: stop it first"),
        )
    )]
    Shared {
        /// What was asked for.
        region: Region,
        /// Who has it alone; none: several together.
        node: Option<String>,
    },
    /// The directory's database failed.
    #[error("the directory failed")]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Taken(_) => {
                Self::new(axum::http::StatusCode::CONFLICT, "slug_taken", error.to_string())
                    .param("slug")
            }
            Error::Served { .. } | Error::Shared { .. } => Self::internal(&error),
            Error::Db(cause) => cause.into(),
        }
    }
}

/// The directory: its database, and a snapshot in memory that serves while the
/// database is down.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    slugs: Mac,
    pub(crate) domains: Mac,
    known: Arc<RwLock<Known>>,
}

/// Orgs whose homes are remembered, and short names: whoever comes beyond takes the place of one.
const REMEMBERED_MAX: usize = 65_536;

#[derive(Debug, Default)]
struct Known {
    homes: HashMap<OrgId, Home>,
    slugs: HashMap<[u8; 32], OrgId>,
}

impl Known {
    fn by_slug(&self, tag: &[u8; 32]) -> Option<Home> {
        self.homes.get(self.slugs.get(tag)?).cloned()
    }
}

impl Directory {
    /// Opens the directory. `root` makes its keyed hashes.
    pub fn open(db: Db, clock: SharedClock, root: &RootKey) -> Self {
        let (slugs, domains) = (root.mac("regions/slug"), root.mac("regions/domain"));
        Self { db, clock, slugs, domains, known: Arc::default() }
    }

    /// Claims a home, before anything of the org is created in its region.
    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    pub async fn claim(&self, org: &OrgId, region: Region, slug: &str) -> Result<Home, Error> {
        let tag = self.slugs.tag(slug.as_bytes());
        let mut tx = self.db.begin(&Within::node()).await?;
        let now = self.clock.now();
        let args = args![org.as_str(), region.as_str(), tag.as_slice(), now];
        tx.run(sql::CLAIM, args).await.map_err(|error| {
            if error.is_conflict() { Error::Taken(slug.to_owned()) } else { error.into() }
        })?;
        tx.commit().await?;
        let home = Home { org: org.clone(), region, epoch: 1 };
        self.remember(home.clone(), Some(tag));
        Ok(home)
    }

    /// Where an org is at home, if it is anywhere.
    pub async fn home(&self, org: &OrgId) -> Result<Option<Home>, Error> {
        if let Some(home) = self.known().homes.get(org).cloned() {
            return Ok(Some(home));
        }
        let row = self.db.maybe(&Within::node(), sql::HOME, args![org.as_str()]).await?;
        let home = row.as_ref().map(read).transpose()?;
        Ok(home.inspect(|home| self.remember(home.clone(), None)))
    }

    /// The org with this short name, if there is one.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Home>, Error> {
        let tag = self.slugs.tag(slug.as_bytes());
        if let Some(home) = self.known().by_slug(&tag) {
            return Ok(Some(home));
        }
        let args = args![tag.as_slice()];
        let row = self.db.maybe(&Within::node(), sql::BY_SLUG, args).await?;
        let home = row.as_ref().map(read).transpose()?;
        Ok(home.inspect(|home| self.remember(home.clone(), Some(tag))))
    }

    /// Whether the directory's database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.db.ping().await?)
    }

    /// A page of homes after an org, for the operator.
    pub async fn page(&self, after: &str) -> Result<Vec<Home>, Error> {
        let rows = self.db.all(&Within::node(), sql::PAGE, args![after]).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the database again where an org is, when it is asked for next.
    pub fn forget(&self, org: &OrgId) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.homes.remove(org);
    }

    fn remember(&self, home: Home, slug: Option<[u8; 32]>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tag) = slug {
            put(&mut known.slugs, tag, home.org.clone());
        }
        put(&mut known.homes, home.org.clone(), home);
    }
}

fn put<K: Clone + Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) {
    if known.len() >= REMEMBERED_MAX
        && !known.contains_key(&key)
        && let Some(one) = known.keys().next().cloned()
    {
        known.remove(&one);
    }
    known.insert(key, value);
}

fn read(row: &Row) -> Result<Home, DbError> {
    Ok(Home { org: row.parse("org_id")?, region: row.parse("region")?, epoch: row.count("epoch")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_orgs_does_not_grow_without_end() {
        let mut known = HashMap::new();
        for number in 0..REMEMBERED_MAX + 10 {
            put(&mut known, number, number);
            assert_eq!(known.get(&number), Some(&number), "the newest is remembered");
        }
        put(&mut known, REMEMBERED_MAX + 9, 0);
        assert_eq!(known.len(), REMEMBERED_MAX);
    }
}
