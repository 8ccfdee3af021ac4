//! From the journal into the record: in its order, each event once, charged with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::OrgId;
use base::args;
use base::db::{DbError, Tx, Within};
use base::time::At;

use super::desk::Piece;
use super::entry::{Entry, Tried};
use crate::doubt;
use crate::durable::{Phase, Submission};
use crate::line::Line;
use crate::sql;

/// Entries that one transaction carries at most.
const ENTRIES_MAX: u64 = 512;
/// Pieces between two groups of callers: more than callers can add meanwhile.
const PIECES_MAX: u32 = 4;
/// Attempts at a piece: one for each way in which it can be overtaken, and one more.
const ATTEMPTS_MAX: u32 = 5;

/// What must hold of a piece of a journal in the transaction that appends it.
#[derive(Debug)]
pub(crate) struct Mark<'a> {
    journal: &'a str,
    orgs: BTreeSet<OrgId>,
    /// Entries before this number are in the record then.
    behind: i64,
    /// Calls that have another end.
    ended: BTreeSet<String>,
}

/// Why a piece did not come into the record.
enum NotReplayed {
    /// The database is away, or refused it; it is tried again.
    Later(DbError),
    /// It does not say what it should: nobody wrote this.
    Altered(DbError),
}

impl From<DbError> for NotReplayed {
    fn from(error: DbError) -> Self {
        Self::Later(error)
    }
}

impl Mark<'_> {
    /// Moves it; not where somebody has moved it as far already.
    pub(crate) async fn moves(&self, tx: &mut Tx, now: At) -> Result<bool, DbError> {
        let row = |org: &OrgId| args![org.as_str(), self.journal, self.behind, now];
        let rows: Vec<_> = self.orgs.iter().map(row).collect();
        let moved = tx.many(&sql::JOURNAL_MOVE, rows).await?;
        Ok(moved.len() == self.orgs.len())
    }

    /// Whether the ends of calls that were just appended are the only ones: behind the locks
    /// on the heads, so that whoever closes the calls of a dead node comes before or after.
    pub(crate) async fn ends_are_first(
        &mut self,
        tx: &mut Tx,
        group: &[Submission],
    ) -> Result<bool, DbError> {
        for one in group.iter().filter(|one| one.ended().is_some()) {
            let (org, id) = (one.entry.org.as_str(), one.entry.resource_id.as_str());
            let row = tx.maybe(sql::ENDS, args![org, id]).await?;
            if row.map(|row| row.int("ends")).transpose()?.is_some_and(|ends| ends > 1) {
                self.ended.insert(id.to_owned());
            }
        }
        Ok(self.ended.is_empty())
    }
}

impl Line {
    /// Writes some of what waits into the record, and says whether that went well.
    pub(crate) async fn replay_journal(&mut self) -> bool {
        for _ in 0..PIECES_MAX {
            if !self.journal.may_replay() {
                return false;
            }
            let Some(piece) = self.journal.desk.piece(ENTRIES_MAX) else { return false };
            match Box::pin(self.replay_piece(&piece)).await {
                Ok(calls) => self.journal.desk.done(&piece, &calls),
                Err(NotReplayed::Altered(error)) => {
                    self.journal.desk.stop(&error);
                    return false;
                }
                Err(NotReplayed::Later(error)) => {
                    if error.is_away() {
                        self.journal.lose(&self.db, self.open.node());
                    } else {
                        self.journal.rest();
                    }
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "the journal waits for the database");
                    return false;
                }
            }
        }
        true
    }

    /// The calls of which something was in the piece.
    async fn replay_piece(&mut self, piece: &Piece) -> Result<Vec<(OrgId, String)>, NotReplayed> {
        for _ in 0..ATTEMPTS_MAX {
            let mut opened = Vec::new();
            for (number, bytes) in piece.numbered() {
                let (tried, one) = self.open_entry(&piece.journal, number, bytes).await?;
                opened.push((number, tried, one));
            }
            let of_calls = opened.iter().filter(|(.., one)| one.is_of_a_call());
            let named = |(.., one): &(_, _, Submission)| {
                (one.entry.org.clone(), one.entry.resource_id.clone())
            };
            let calls = of_calls.map(named).collect();
            let group = self.left_of(&piece.journal, opened).await?;
            if group.is_empty() || self.append_piece(piece, group).await? {
                return Ok(calls);
            }
            // Somebody moved the mark: what is left to do is looked at again.
        }
        let overtaken = "another process writes the same journal";
        Err(DbError::says("append a journal to the record", overtaken.to_owned()).into())
    }

    async fn open_entry(
        &mut self,
        journal: &str,
        number: u64,
        bytes: &[u8],
    ) -> Result<(Tried, Submission), NotReplayed> {
        let bad = |cause| NotReplayed::Altered(DbError::unreadable("journal", cause));
        let entry = Entry::of(bytes).map_err(bad)?;
        let keys = Arc::clone(&self.keys);
        let cell = keys.cell(self.journal.region)?;
        match entry.opened(&keys, cell, (journal, number)).await {
            Ok(one) => Ok((entry.tried, one)),
            // The keys of the org are with a KMS that may be away.
            Err(error) if error.is_elsewhere() || error.is_away() => Err(error.into()),
            Err(error) => Err(NotReplayed::Altered(error)),
        }
    }

    /// Those that the record does not have.
    async fn left_of(
        &mut self,
        journal: &str,
        opened: Vec<(u64, Tried, Submission)>,
    ) -> Result<Vec<Submission>, DbError> {
        let (mut marks, mut settled) = (BTreeMap::new(), BTreeSet::new());
        let mut left = Vec::with_capacity(opened.len());
        for (number, tried, one) in opened {
            let org = one.entry.org.clone();
            let mark = if let Some(mark) = marks.get(&org) {
                *mark
            } else {
                let (within, args) = (Within::org(org.as_str()), args![org.as_str(), journal]);
                let row = self.db.maybe(&within, sql::JOURNAL_OF, args).await?;
                let mark = row.map(|row| row.count("replayed")).transpose()?;
                *marks.entry(org).or_insert(mark.unwrap_or_default())
            };
            let has = match tried {
                Tried::No => false,
                Tried::Yes => {
                    if settled.insert(one.entry.org.clone()) {
                        // That commit may still be under way: not behind this.
                        doubt::settle(&self.db, one.entry.org.as_str()).await?;
                    }
                    self.has(&one).await?
                }
            };
            if number >= mark && !has {
                left.push(one);
            }
        }
        Ok(left)
    }

    /// Whether the database took it after all when it was first given it.
    async fn has(&mut self, one: &Submission) -> Result<bool, DbError> {
        let (within, org) = (Within::org(one.entry.org.as_str()), one.entry.org.as_str());
        let stored = one.entry.stored_resource();
        for row in self.db.all(&within, sql::NEWEST_OF, args![org, stored]).await? {
            if one.entry.is_stored_as(&row.bytes("body")?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether it was appended; not if somebody moved the mark meanwhile.
    async fn append_piece(
        &mut self,
        piece: &Piece,
        mut group: Vec<Submission>,
    ) -> Result<bool, DbError> {
        let behind = i64::try_from(piece.behind()).unwrap_or(i64::MAX);
        for _ in 0..ATTEMPTS_MAX {
            let orgs = group.iter().map(|one| one.entry.org.clone()).collect();
            let ended = BTreeSet::new();
            let mut mark = Mark { journal: &piece.journal, orgs, behind, ended };
            match self.commit_with(&group, Some(&mut mark)).await {
                Ok(Some(seqs)) => {
                    self.counts.events.inc_by(u64::try_from(seqs.len()).unwrap_or_default());
                    self.counts.groups.inc();
                    return Ok(true);
                }
                Ok(None) if mark.ended.is_empty() => return Ok(false),
                Ok(None) => group = self.reported(group, &mark.ended)?,
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The ends of calls that have one already are told beside it: no call ends twice.
    fn reported(
        &self,
        group: Vec<Submission>,
        ended: &BTreeSet<String>,
    ) -> Result<Vec<Submission>, DbError> {
        let report = |one: Submission| {
            if one.ended().is_none() || !ended.contains(&one.entry.resource_id) {
                return Ok(one);
            }
            let entry = one.entry.only_reports(&self.keys)?;
            Ok(Submission::of_journal(entry, Phase::Neither))
        };
        group.into_iter().map(report).collect()
    }
}
