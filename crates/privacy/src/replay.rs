//! After a restore: the record goes on where its published log ends, and whoever was erased
//! since is erased again, before anybody is served.

use std::collections::BTreeMap;

use access::{Caller, Region, Scope};
use audit::{Behind, Change, Person};
use base::args;
use serde::Serialize;

use crate::locate::ids;
use crate::{Error, Privacy, sql};

/// The record's name for what replays.
const RESTORE: &str = "restore";

/// What was replayed of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Whose.
    pub org: String,
    /// How many events the restored database had.
    pub found: u64,
    /// How many were published: those between are in the record, and what they said is lost.
    pub published: u64,
    /// People who were erased again.
    pub erased: usize,
}

impl Privacy {
    /// Brings the databases of a region to where its published log ends: see [`Behind`]. Of
    /// each org the erasures and the positions are one change. Done twice it finds nothing to do.
    /// To be called while no node serves the region.
    pub async fn replay(&self, region: Region) -> Result<Vec<Replayed>, Error> {
        let log = &self.0.log;
        let mut all = Vec::new();
        for behind in log.behind(region).await? {
            all.push(self.replay_org(behind).await?);
        }
        log.remember_published(region).await?;
        log.regain_directory(region).await?;
        // What was deleted must not stay in the log of the embedded engine.
        self.0.databases.region(region)?.settle().await?;
        Ok(all)
    }

    async fn replay_org(&self, behind: Behind) -> Result<Replayed, Error> {
        let Behind { org, region, found, published } = behind.clone();
        let scope = Caller::node(org.clone(), region, RESTORE).itself();
        let lacking = self.0.log.lacking(behind).await?;
        let erased = self.0.log.erased(&scope).await?;
        let mut people = Vec::new();
        if !erased.is_empty() {
            let known = self.people(&scope).await?;
            for id in erased.iter().filter_map(|tag| known.get(tag)) {
                people.push(self.person(&scope, id).await?);
            }
        }
        let replayed = Replayed { org: org.to_string(), found, published, erased: erased.len() };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        for person in &people {
            self.erase_again(&mut change, person).await?;
        }
        self.0.log.go_on(change, lacking, erased).await?;
        Ok(replayed)
    }

    async fn erase_again(&self, change: &mut Change, person: &Person) -> Result<(), Error> {
        for keeper in &self.0.keepers {
            keeper.turn_out(change, person).await?;
        }
        for keeper in &self.0.keepers {
            keeper.erase(change, person).await?;
        }
        change.forget(&ids(person)).await?;
        change.run(sql::REQUEST_AGAIN, args![person.id.as_str(), self.now()]).await?;
        Ok(())
    }

    /// Everybody whom the database knows, by what stands for them in the record.
    async fn people(&self, scope: &Scope) -> Result<BTreeMap<String, String>, Error> {
        let db = self.0.databases.of(scope)?;
        let mut known = BTreeMap::new();
        for keeper in &self.0.keepers {
            let mut after = String::new();
            loop {
                let ids = keeper.people(&db, &after).await?;
                let Some(last) = ids.last() else { break };
                after.clone_from(last);
                for id in ids {
                    known.insert(self.0.record.pseudonym(scope, &id)?, id);
                }
            }
        }
        Ok(known)
    }
}
