//! When keys and sessions were last used: noted in memory, written once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use access::{Caller, KeyId, OrgId, Region};
use base::args;
use base::db::{DbError, Statement};
use base::time::At;

use crate::subject::SessionId;
use crate::{Identity, sql};

/// How often one key or session is noted at most.
pub(crate) const NOTE_EVERY_SECS: i64 = 60;

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
        noted.insert(used, Use { org: org.clone(), region, at });
    }

    /// The later of what the database says and what was noted since.
    pub(crate) fn latest(&self, used: &Used, stored: Option<At>) -> Option<At> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(used).map(|noted| noted.at).max(stored)
    }

    fn by_org(&self) -> HashMap<OrgId, Vec<(Used, Use)>> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_org: HashMap<OrgId, Vec<(Used, Use)>> = HashMap::new();
        for (used, at) in noted.iter() {
            by_org.entry(at.org.clone()).or_default().push((used.clone(), at.clone()));
        }
        by_org
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
    /// Writes down which keys and sessions were used. What cannot be written now is
    /// kept for the next time.
    pub async fn flush_seen(&self) {
        for (org, uses) in self.0.seen.by_org() {
            match self.write_seen(&org, &uses).await {
                Ok(()) => self.0.seen.written(&uses),
                Err(error) => tracing::warn!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "when keys were used is written later"
                ),
            }
        }
    }

    // Bookkeeping, not a change that anybody asked for: that the key was used is in
    // the record already, as the events of what it was used for.
    #[expect(clippy::disallowed_methods, reason = "last use is bookkeeping; its events tell more")]
    async fn write_seen(&self, org: &OrgId, uses: &[(Used, Use)]) -> Result<(), DbError> {
        let Some((_, first)) = uses.first() else { return Ok(()) };
        let scope = Caller::node(org.clone(), first.region, "identity").itself();
        let mut tx = self.0.databases.of(&scope)?.begin().await?;
        for (used, at) in uses {
            let (statement, id) = used.written();
            tx.run(statement, scope.args(args![id, at.at])).await?;
        }
        tx.commit().await
    }
}
