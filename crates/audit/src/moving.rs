//! The record of an org that moves from one region to another.
//!
//! While the gate of the org is closed nothing of it is written. What is submitted meanwhile
//! waits, in its order, and goes into the line of the region where the org is at home when the
//! gate opens: a call that began before the move ends behind it, in the same tree.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::{OrgId, Region};
use base::db::DbError;

use crate::Record;
use crate::durable::Submission;

/// Events of one org that wait at most; beyond that they are refused.
const WAITING_MAX: usize = 8_192;

/// What waits until its org has moved.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<OrgId, Vec<(Submission, Region)>>>);

/// Why a key was not wrapped for another region.
#[derive(Debug, thiserror::Error)]
#[error("the key of the org was not wrapped for `{to}`")]
pub struct NotMoved {
    /// For which region.
    to: Region,
    #[source]
    cause: DbError,
}

impl Waiting {
    fn all(&self) -> MutexGuard<'_, HashMap<OrgId, Vec<(Submission, Region)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Puts an event into the line of where its org is at home, or lets it wait for that.
    pub(crate) fn enter(&self, mut submission: Submission, region: Region) -> bool {
        let (homes, org) = (self.databases.homes(), submission.entry.org.clone());
        if let Some(pass) = homes.try_enter(&org) {
            submission.pass = Some(pass);
            return self.send(submission, region);
        }
        // Tried again where nobody opens the gate meanwhile.
        let mut waiting = self.waiting.all();
        if let Some(pass) = homes.try_enter(&org) {
            submission.pass = Some(pass);
            return self.send(submission, region);
        }
        let of_org = waiting.entry(org).or_default();
        if of_org.len() >= WAITING_MAX {
            return false;
        }
        of_org.push((submission, region));
        true
    }

    fn send(&self, submission: Submission, region: Region) -> bool {
        let home = self.databases.homes().home(&submission.entry.org, region);
        self.lines.get(&home).is_some_and(|line| line.try_send(submission).is_ok())
    }

    /// Whether an org whose rows are found in a region is at home there: what is left of one
    /// that moved away, or was copied of one that is coming, is nobody's work.
    pub fn is_home(&self, org: &OrgId, region: Region) -> bool {
        self.databases.homes().home(org, region) == region
    }

    /// Closes the gate of an org, and waits until all that was submitted or begun of it is on
    /// disk, or failed.
    pub async fn fence(&self, org: &OrgId) {
        let homes = self.databases.homes();
        homes.close(org);
        homes.left(org).await;
    }

    /// Opens the gate of an org again: what waits goes first, in its order.
    pub fn unfence(&self, org: &OrgId) {
        let homes = self.databases.homes();
        let mut waiting = self.waiting.all();
        for (mut submission, region) in waiting.remove(org).unwrap_or_default() {
            submission.pass = Some(homes.enter_first(org));
            // One that finds no place is refused, as it would be without a move.
            let _refused = self.send(submission, region);
        }
        homes.open(org);
    }

    /// Whether nothing waits in the journal of a region: then nothing of an org is outside
    /// the record.
    pub fn is_journalled(&self, region: Region) -> bool {
        let journals = self.journals();
        let mut of_region = journals.iter().filter(|(of, ..)| *of == region);
        of_region.any(|(_, state, _)| *state != crate::JournalState::Empty)
    }

    /// What wraps the keys of an org, wrapped for another region. The key itself is nowhere
    /// but in memory. `wrapped` is a row of `audit_wrapper`.
    pub async fn rewrapped(
        &self,
        (org, epoch): (&OrgId, i64),
        wrapped: &[u8],
        (from, to): (Region, Region),
    ) -> Result<Vec<u8>, NotMoved> {
        let wrap = async {
            let purpose = crate::keys::purpose(org, epoch);
            let raw = self.keys.cell(from)?.unwrap(&purpose, wrapped).await?;
            Ok(self.keys.cell(to)?.kms.wrap(&purpose, &raw).await?)
        };
        wrap.await.map_err(|cause: DbError| NotMoved { to, cause })
    }

    /// Whether two wrappings, each of its region, hold the same key.
    pub async fn wraps_the_same(
        &self,
        (org, epoch): (&OrgId, i64),
        [here, there]: [(Region, &[u8]); 2],
    ) -> Result<bool, NotMoved> {
        let compare = async {
            let purpose = crate::keys::purpose(org, epoch);
            let one = self.keys.cell(here.0)?.unwrap(&purpose, here.1).await?;
            let other = self.keys.cell(there.0)?.unwrap(&purpose, there.1).await?;
            Ok(base::seal::equal(one.as_slice(), other.as_slice()))
        };
        compare.await.map_err(|cause: DbError| NotMoved { to: there.0, cause })
    }
}
