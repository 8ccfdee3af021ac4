//! When keys and sessions were last used: noted in memory, written once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use access::{KeyId, OrgId, Region};
use base::args;
use base::db::{DbError, Statement, Within};
use base::time::At;

use crate::subject::SessionId;
use crate::{Identity, sql};

/// How often one key or session is noted at most.
pub(crate) const NOTE_EVERY_SECS: i64 = 60;
/// Uses that one transaction writes at most.
const TOGETHER: usize = 256;
/// Uses that wait to be written at most: of the others it is not known that they were.
const USES_MAX: usize = 100_000;

/// What was used since the last writing.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<Used, Use>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    Key(KeyId),
    Session(SessionId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    org: OrgId,
    region: Region,
    at: At,
}

impl Used {
    fn written(&self) -> (Statement, &str) {
        match self {
            Self::Key(id) => (sql::KEY_SEEN, id.as_str()),
            Self::Session(id) => (sql::SESSION_SEEN, id.as_str()),
        }
    }
}

impl Seen {
    pub(crate) fn note(&self, used: Used, org: &OrgId, region: Region, at: At) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < USES_MAX || noted.contains_key(&used) {
            noted.insert(used, Use { org: org.clone(), region, at });
        }
    }

    /// The later of what the database says and what was noted since.
    pub(crate) fn latest(&self, used: &Used, stored: Option<At>) -> Option<At> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(used).map(|noted| noted.at).max(stored)
    }

    fn by_region(&self) -> HashMap<Region, Vec<(Used, Use)>> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_region: HashMap<Region, Vec<(Used, Use)>> = HashMap::new();
        for (used, at) in noted.iter() {
            by_region.entry(at.region).or_default().push((used.clone(), at.clone()));
        }
        by_region
    }

    /// Forgets what was written, unless it was used again meanwhile.
    fn written(&self, written: &[(Used, Use)]) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (used, at) in written {
            if noted.get(used) == Some(at) {
                noted.remove(used);
            }
        }
    }
}

impl Identity {
    /// Writes down which keys and sessions were used, many orgs in a transaction. What cannot
    /// be written now is kept for the next time.
    pub async fn flush_seen(&self) {
        for (region, mut uses) in self.0.seen.by_region() {
            // In one order, so that two nodes never wait for each other in a circle.
            uses.sort_unstable_by(|(_, left), (_, right)| left.org.cmp(&right.org));
            for uses in uses.chunks(TOGETHER) {
                match self.write_seen(region, uses).await {
                    Ok(()) => self.0.seen.written(uses),
                    Err(error) => tracing::warn!(
                        %region,
                        error = &error as &dyn std::error::Error,
                        "when keys were used is written later"
                    ),
                }
            }
        }
    }

    // Bookkeeping, not a change that anybody asked for: that the key was used is in
    // the record already, as the events of what it was used for.
    #[expect(clippy::disallowed_methods, reason = "last use is bookkeeping; its events tell more")]
    async fn write_seen(&self, region: Region, uses: &[(Used, Use)]) -> Result<(), DbError> {
        let homes = self.0.databases.homes();
        let here = |at: &Use| homes.home(&at.org, region) == region;
        // What moves is written by nobody meanwhile, and where it moved to it is not known.
        let entered = uses.iter().map(|one| (one, homes.try_enter(&one.1.org)));
        let entered: Vec<_> =
            entered.filter(|((_, at), pass)| pass.is_some() && here(at)).collect();
        let within = Within::orgs(entered.iter().map(|((_, at), _)| at.org.as_str()));
        let mut tx = self.0.databases.region(region)?.begin(&within).await?;
        for ((used, at), _pass) in &entered {
            let (statement, id) = used.written();
            tx.run(statement, args![at.org.as_str(), id, at.at]).await?;
        }
        tx.commit().await
    }
}
