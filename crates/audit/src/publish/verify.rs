//! All along: the record is read again, a little at a time, and compared with what was
//! published. What somebody changed in the database is found without anybody asking.

use std::sync::PoisonError;

use access::{OrgId, Region};
use base::args;
use base::db::{Row, Within};
use tlog::proof::{Tree, tiles_of_inclusion, verify_inclusion};
use tlog::tile::{Bundle, TILE_WIDTH, Tile};
use tlog::{Checkpoint, Hash};

use super::checkpoint::Newest;
use super::edge::fetched;
use super::fault::{Fault, FaultKind, LogError};
use super::org::{Place, int};
use super::{Inner, Log};
use crate::entry::Stored;
use crate::sql;
use crate::tiers::Positions;

/// Faults that one piece names at most; the record of an org whose fault is known is read on.
const FAULTS_MAX: usize = 100;
/// Orgs that one piece is of at most.
const ORGS_MAX: usize = 16;

/// What a piece of verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Events that were read and compared.
    pub checked: u64,
    /// What is wrong, the first first.
    pub faults: Vec<Fault>,
}

impl Log {
    /// Verifies about this many events of a region, one org after the other in the order of
    /// their ids, each from where it was left; a start goes on where an earlier one was. Faults
    /// are counted, told to the operator and given.
    pub async fn verify_some(&self, region: Region, events: u64) -> Result<Verified, LogError> {
        let mut verified = Verified::default();
        for row in self.0.verified_next(region).await? {
            let org: OrgId = row.parse("org_id")?;
            self.0.verified_up_to(region, org.to_string())?;
            let Some(_pass) = self.0.at_home(region, &org) else { continue };
            let place = Place::new(&self.0, region, &org)?;
            let piece = events.saturating_sub(verified.checked);
            place.verify(row.count("next")?, piece, &mut verified).await?;
            if verified.checked >= events || verified.faults.len() >= FAULTS_MAX {
                break;
            }
        }
        self.0.tell(&verified);
        Ok(verified)
    }
}

impl Inner {
    /// The orgs behind the one that was verified last; behind the last of all, the first ones.
    async fn verified_next(&self, region: Region) -> Result<Vec<Row>, LogError> {
        let db = self.record.databases().region(region)?;
        let known =
            self.cell(region)?.verified.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let after = if let Some(after) = known {
            after
        } else {
            let last = db.maybe(&Within::node(), sql::VERIFIED_LAST, args![""]).await?;
            last.map(|row| row.text("org_id")).transpose()?.unwrap_or_default()
        };
        let next =
            async |after: &str| db.all(&Within::node(), sql::VERIFY_NEXT, args![after]).await;
        let mut rows = next(&after).await?;
        if rows.len() < ORGS_MAX && !after.is_empty() {
            for row in next("").await? {
                if rows.len() < ORGS_MAX && row.text("org_id")? <= after {
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    fn verified_up_to(&self, region: Region, org: String) -> Result<(), LogError> {
        *self.cell(region)?.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(org);
        Ok(())
    }

    fn tell(&self, verified: &Verified) {
        self.counts.verified.inc_by(verified.checked);
        self.counts.faults.inc_by(u64::try_from(verified.faults.len()).unwrap_or_default());
        verified.faults.iter().for_each(Fault::tell);
    }
}

impl Place<'_> {
    /// Goes on from a position, in whole bundles, up to the newest checkpoint.
    async fn verify(&self, from: u64, piece: u64, to: &mut Verified) -> Result<(), LogError> {
        let since = self.mark().await?;
        let newest = match self.signed().await {
            Ok(Some(newest)) => newest,
            // Nothing is published yet.
            Ok(None) => return self.leave(0, None).await,
            Err(error) => {
                to.note(error)?;
                return self.leave(0, None).await;
            }
        };
        if let Err(error) = self.contains(&newest).await {
            to.note(error)?;
            return self.leave(0, None).await;
        }
        let width = u64::from(TILE_WIDTH);
        let mut next = if from < newest.size { from - from % width } else { 0 };
        let end = newest.size.min(next.saturating_add(piece.max(1)));
        while next < end {
            let bundle = self.verify_bundle(next / width, &newest, to).await;
            if let Err(error) = self.unless_moved(since, bundle).await {
                to.note(error)?;
            }
            if let Err(error) = self.verify_chunks(next, next + width, to).await {
                to.note(error)?;
            }
            next = newest.size.min(next + width);
        }
        if next < newest.size {
            self.leave(next, None).await
        } else {
            self.leave(0, Some(newest.size)).await
        }
    }

    /// That the record still has as many events as were published, and outside lies no
    /// longer one.
    pub(super) async fn contains(&self, newest: &Newest) -> Result<(), LogError> {
        let outside = self.outside().await?;
        let outside = outside.as_ref().map(|(checkpoint, _)| checkpoint).map(Checkpoint::size);
        // Read behind what lies outside: another node may publish what came a moment ago.
        let found = self.size().await?;
        let published = outside.max(Some(newest.size)).unwrap_or_default();
        if found < published {
            return Err(self.fault(FaultKind::RolledBack { published, found }));
        }
        Ok(())
    }

    /// How many events the record has now, or epochs the directory.
    pub(super) async fn size(&self) -> Result<u64, LogError> {
        if self.org() == &self.log.directory {
            return self.mark().await?.epochs();
        }
        let head = self.db()?.maybe(sql::EDGE_OF, args![]).await?;
        Ok(head.map(|row| row.count("size")).transpose()?.unwrap_or_default())
    }

    /// The events of one bundle: its tile is the one that was signed, and each row says what
    /// stands in the tree.
    async fn verify_bundle(
        &self,
        index: u64,
        newest: &Newest,
        to: &mut Verified,
    ) -> Result<(), LogError> {
        let first = index * u64::from(TILE_WIDTH);
        let (leaves, bundle) = self.published_bundle(index, newest).await?;
        let behind = int(first + u64::try_from(leaves.len()).unwrap_or_default())?;
        let positions = Positions::all(int(first)?, behind);
        let asked = (sql::WHOLE, args![positions.from, behind]);
        let record = &self.log.record;
        let rows = record.rows((&self.db()?, &self.scope), asked, positions).await?;
        let mut rows = rows.into_iter().peekable();
        for ((seq, leaf), entry) in (first..).zip(leaves).zip(bundle) {
            to.checked += 1;
            let row = rows.next_if(|row| row.count("seq").is_ok_and(|found| found == seq));
            let found = match row {
                Some(row) => self.row(&row, leaf, &entry).await?,
                None => Some(FaultKind::Missing),
            };
            if let Some(kind) = found {
                to.faults.push(Fault::at(self.org(), seq, kind));
                if to.faults.len() >= FAULTS_MAX {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    pub(super) async fn row(
        &self,
        row: &Row,
        leaf: Hash,
        entry: &[u8],
    ) -> Result<Option<FaultKind>, LogError> {
        let Ok(Stored { sealed, .. }) = Stored::of(row) else {
            return Ok(Some(FaultKind::NotWhole));
        };
        if Hash::of_leaf(&sealed.entry) != leaf {
            return Ok(Some(FaultKind::OtherEntry));
        }
        if sealed.entry != *entry {
            return Ok(Some(FaultKind::OtherBundle));
        }
        self.fault_of(row, &sealed).await
    }

    /// The hashes of a tile of leaves and the entries beside it. A proof for its first leaf
    /// is made from every other hash of the tile, so that one proof holds for all of them.
    pub(super) async fn published_bundle(
        &self,
        index: u64,
        newest: &Newest,
    ) -> Result<(Vec<Hash>, Vec<Vec<u8>>), LogError> {
        let (size, first) = (newest.size, index * u64::from(TILE_WIDTH));
        let other = || self.fault(FaultKind::OtherRoot(size));
        let of_leaves = Tile::within(0, index, size).ok_or_else(other)?;
        let bundle = Bundle::within(index, size).ok_or_else(other)?;
        let mut needed = tiles_of_inclusion(first, size);
        needed.insert(of_leaves);
        let tiles = self.tiles(needed).await?;
        let leaves = tiles.get(&of_leaves).and_then(|bytes| of_leaves.decode(bytes).ok());
        let leaves = leaves.ok_or_else(other)?;
        let leaf = leaves.first().ok_or_else(other)?;
        let proof = Tree::new(size, fetched(&tiles)).and_then(|mut tree| tree.inclusion(first));
        let proof = proof.map_err(|_| other())?;
        verify_inclusion(leaf, first, size, &proof, &newest.root).map_err(|_| other())?;
        let bytes = self.bundle(bundle).await?;
        let entries = bundle.decode(&bytes).map_err(|_| other())?;
        Ok((leaves, entries.into_iter().map(<[u8]>::to_vec).collect()))
    }

    /// Notes how far this pass is; of a whole one, how much it covered.
    #[expect(clippy::disallowed_methods, reason = "how far was verified is no change of an org")]
    async fn leave(&self, next: u64, whole: Option<u64>) -> Result<(), LogError> {
        let now = self.log.record.clock.now();
        let whole = whole.map(int).transpose()?;
        let whole_at = whole.map(|_| now.as_microsecond());
        let db = self.log.record.databases().whole(&self.scope)?;
        let mut tx = db.begin(&Within::org(self.org().as_str())).await?;
        let args = args![int(next)?, now, whole, whole_at];
        tx.run(sql::VERIFIED, self.scope.args(args)).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Verified {
    /// A fault is a finding; anything else ends the piece, which is done again.
    fn note(&mut self, error: LogError) -> Result<(), LogError> {
        match error {
            LogError::Fault(fault) => {
                // One chunk of the archive holds the events of several bundles.
                if self.faults.last() != Some(&fault) {
                    self.faults.push(fault);
                }
                Ok(())
            }
            error @ (LogError::Store(_)
            | LogError::Db(_)
            | LogError::Unsigned
            | LogError::Moved
            | LogError::Unpacked(_)) => Err(error),
        }
    }
}
