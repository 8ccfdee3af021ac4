//! What other nodes changed is heeded here: at once when it is told, and by looking for it
//! twice a second in any case.

use access::{Caller, OrgId, Region};
use base::args;
use base::db::DbError;

use crate::{Identity, sql};

impl Identity {
    /// Another process changed something of this org: it is read anew if it is remembered
    /// here in an older version, and what runs on a credential that was ended there ends.
    pub async fn heed(&self, org: &OrgId, region: Region) {
        if self.0.shelf.get(org).is_some() {
            match self.version(org, region).await {
                Ok(Some(version)) => self.not_before(org, region, version).await,
                // It is gone, or nobody can say: then it is refused until somebody can.
                Ok(None) | Err(_) => self.reload(org, region).await,
            }
        }
        // Sessions and visits are of no version.
        self.0.running.ask();
        self.watch_visits().await;
    }

    /// The org is at home in this region from now on: it is read anew there. What runs on its
    /// credentials goes on.
    pub async fn moved(&self, org: &OrgId, home: Region) {
        self.0.shelf.forget(org);
        self.reload(org, home).await;
    }

    /// Nobody can say what was changed in a region: each org of it is read anew before
    /// anybody of it is let in, and what runs there ends.
    pub fn doubt(&self, region: Region) {
        for org in self.0.shelf.of_region(region) {
            self.0.shelf.forget(&org);
            self.0.shelf.end_forgotten(&org);
        }
    }

    /// The org is of this version at least: what is remembered of it from before is read
    /// anew.
    pub(crate) async fn not_before(&self, org: &OrgId, region: Region, version: u64) {
        self.0.shelf.raise(org, version);
        if self.0.shelf.is_behind(org) {
            self.catch_up(org, region).await;
        }
    }

    /// Whether another process changed the org since it was read; then it was read anew. For
    /// a key that nobody knows here and that may be a moment old. Asked seldom: strangers
    /// make up keys.
    pub(crate) async fn is_behind(&self, org: &OrgId, region: Region) -> bool {
        let Some(standing) = self.0.shelf.get(org).filter(|_| self.0.shelf.may_ask(org)) else {
            return false;
        };
        // A database that is away says nothing about the org.
        let Ok(Some(version)) = self.version(org, region).await else { return false };
        if version > standing.version {
            self.not_before(org, region, version).await;
        }
        version > standing.version
    }

    async fn version(&self, org: &OrgId, region: Region) -> Result<Option<u64>, DbError> {
        let node = Caller::node(org.clone(), region, "identity").itself();
        let row = self.0.databases.of(&node)?.maybe(sql::ORG_VERSION, args![]).await?;
        row.map(|row| row.count("version")).transpose()
    }
}
