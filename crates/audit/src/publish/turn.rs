//! Publishing one org at once, because somebody asks for a proof.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use access::{OrgId, Pass};
use base::db::DbError;
use tokio::sync::{Mutex, MutexGuard};

use super::Inner;
use super::checkpoint::Newest;
use super::org::Place;
use crate::explore::Error;

/// Orgs that can be published at the same time; those of one place wait for each other.
const TURNS: usize = 64;
/// Pieces of a record that are published while somebody waits: each is of thousands of events.
const ROUNDS_MAX: usize = 8;

/// Who publishes an org: one at a time. Whoever has the turn also reads partial files that
/// nobody removes meanwhile.
#[derive(Debug)]
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self([const { Mutex::const_new(()) }; TURNS])
    }
}

impl Inner {
    /// Waits for the turn of an org.
    pub(super) async fn turn(&self, org: &OrgId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        org.as_str().hash(&mut hasher);
        let [first, ..] = hasher.finish().to_be_bytes();
        let Turns(turns) = &self.turns;
        let [nobodys, ..] = turns;
        turns.get(usize::from(first) % TURNS).unwrap_or(nobodys).lock().await
    }
}

impl Place<'_> {
    /// Waits for the turn of the org, where it stays meanwhile. One that is moving is waited for
    /// before: others have the same turn.
    pub(super) async fn turn_at_home(&self) -> Result<(Pass, MutexGuard<'_, ()>), Error> {
        let entered = self.log.record.databases().homes().enter(self.org()).await;
        let pass = entered.map_err(|moving| DbError::elsewhere("publish the record", moving))?;
        Ok((pass, self.log.turn(self.org()).await))
    }

    /// The newest checkpoint, for whoever has the turn; published now if it covers less than
    /// so many entries, unless somebody of this org asks that too often.
    pub(super) async fn covering(&self, size: u64) -> Result<Newest, Error> {
        for round in 0..ROUNDS_MAX {
            if let Some(newest) = self.signed().await?.filter(|newest| newest.size >= size) {
                return Ok(newest);
            }
            let now = self.log.record.clock.now();
            if round == 0 && !self.log.demand.grants(self.org(), now) {
                return Err(Error::Behind);
            }
            self.log.one(self.scope.region(), self.org()).await?;
        }
        Err(Error::Behind)
    }
}
