//! A store that does not know an org: it never did, or has lost its data. The ledger says
//! what was spent, and the nodes what is under way.

use std::sync::Arc;
use std::time::Duration;

use access::Scope;
use base::seal;
use tokio::time::{sleep, timeout};

use super::counters::{NO_LIFE, Said, SpentOf};
use super::link::Away;
use super::org::SharedOrg;
use crate::org::{Org, Spent};
use crate::{Error, Limits};

/// Longer than this nobody waits for an org to be brought back.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long one node has the ledger to itself, and how often the others look.
const READING: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);
/// Within so long after a loss every node has said what it has under way: two beats, and what
/// it takes to reach the store again.
const GATHER: Duration = Duration::from_secs(3);

impl From<Away> for Error {
    fn from(away: Away) -> Self {
        Self::StoreAway(away)
    }
}

impl Limits {
    /// Brings an org back into the store, unless it is there.
    pub(crate) async fn bring_back(&self, org: &Arc<Org>) -> Result<(), Error> {
        let Some(shared) = &org.shared else { return Ok(()) };
        let Some(scope) = shared.scope() else { return Err(Error::Unavailable) };
        let turned = async {
            let _turn = org.turn.lock().await;
            self.bring_back_in_turn(shared, &scope).await
        };
        timeout(TIMEOUT, turned).await.unwrap_or(Err(Error::Unavailable))?;
        self.keep_alive(org).await
    }

    /// One node reads the ledger, the others wait for it. Says which limits the nodes must know.
    pub(crate) async fn bring_back_in_turn(
        &self,
        shared: &SharedOrg,
        scope: &Scope,
    ) -> Result<u64, Error> {
        let lock = format!("portico:{{{}}}:loading", scope.org().as_str());
        let (mut now, mut ours) = (self.0.clock.now(), false);
        loop {
            let nobody: [&str; 0] = [];
            match shared.counters.tallies(now, &nobody).await? {
                Said::Done(given, _) => {
                    shared.hears(&given, &self.0.counts);
                    return Ok(given.version);
                }
                Said::Stale | Said::Gathering => return Err(Error::Unavailable),
                Said::Ahead(latest) => now = latest,
                Said::Lost => {}
            }
            if ours || shared.counters.link().first(&lock, READING).await? {
                ours = true;
                let spent = self.spent(scope, now).await.map_err(Error::Unloadable)?;
                // Whoever knew an earlier life knows that it is lost. Whoever did not asks for
                // the mark that the first node has left.
                let link = shared.counters.link();
                let lost = shared.heard().life != NO_LIFE || link.leave_mark().await?;
                let gathers = if lost { GATHER } else { Duration::ZERO };
                let life = seal::random().map_err(|_| Error::Unavailable)?;
                match shared.counters.begin(now, life, gathers, &spent_of(&spent)).await? {
                    Said::Ahead(latest) => {
                        now = latest;
                        continue;
                    }
                    // Somebody else loads it.
                    Said::Lost => {
                        ours = false;
                        continue;
                    }
                    Said::Done(..) | Said::Stale | Said::Gathering => {}
                }
                tracing::info!(
                    org = scope.org().as_str(),
                    subjects = spent.len(),
                    "the counters of an org stand on its ledger"
                );
            } else {
                sleep(LOOK).await;
            }
        }
    }
}

/// As the scripts take it.
fn spent_of(spent: &[Spent]) -> Vec<SpentOf<'_>> {
    spent.iter().map(|one| (one.subject.as_str(), one.day, one.month)).collect()
}
