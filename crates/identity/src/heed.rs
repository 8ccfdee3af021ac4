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
                Ok(Some(version)) => {
                    self.0.shelf.raise(org, version);
                    self.catch_up(org, region).await;
                }
                // It is gone, or nobody can say: then it is refused until somebody can.
                Ok(None) | Err(_) => self.reload(org, region).await,
            }
        }
        // Sessions and visits are of no version.
        self.0.running.ask();
        self.watch_visits().await;
    }

    /// Nobody can say what was changed in a region: each org of it is read anew before
    /// anybody of it is let in, and what runs there ends.
    pub fn doubt(&self, region: Region) {
        for org in self.0.shelf.of_region(region) {
            self.0.shelf.forget(&org);
            self.0.shelf.end_forgotten(&org);
        }
    }

    async fn version(&self, org: &OrgId, region: Region) -> Result<Option<u64>, DbError> {
        let node = Caller::node(org.clone(), region, "identity").itself();
        let row = self.0.databases.of(&node)?.maybe(sql::ORG_VERSION, args![]).await?;
        row.map(|row| row.count("version")).transpose()
    }
}
