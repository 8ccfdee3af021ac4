//! One change of an org's patterns: what is written, its event, and the new snapshot.

use std::sync::Arc;

use access::{Caller, Scope};
use audit::{Change, Event};
use base::args;
use base::db::DbError;
use base::time::At;

use crate::engine::Case;
use crate::error::{Error, PATTERNS_MAX};
use crate::kept::{Kept, Version};
use crate::seals::{Part, Place, Seals};
use crate::snapshots::Snapshots;
use crate::{PatternId, Patterns, sql};

/// A change under way. Dropped before [`Work::commit`], it leaves no trace.
#[derive(Debug)]
pub(crate) struct Work {
    change: Change,
    caller: Caller,
    version: i64,
    seals: Arc<Seals>,
    snapshots: Arc<Snapshots>,
}

impl Patterns {
    /// Begins a change. Changes of one org happen one after the other.
    pub(crate) async fn begin(&self, scope: &Scope) -> Result<Work, Error> {
        let mut change = Change::begin(&self.record, scope).await?;
        let next = change.maybe(sql::NEXT, args![]).await?;
        let version = next.map(|row| row.int("version")).transpose()?.unwrap_or_default();
        Ok(Work {
            change,
            caller: scope.caller().clone(),
            version,
            seals: self.seals.clone(),
            snapshots: self.snapshots.clone(),
        })
    }

    /// One version of a pattern, for a change that has yet to begin.
    pub(crate) async fn version_of(
        &self,
        scope: &Scope,
        id: &PatternId,
        number: i64,
    ) -> Result<Version, Error> {
        let args = args![id.as_str(), number];
        let row = self.databases.of(scope)?.maybe(sql::VERSION, args).await?;
        let row = row.ok_or(Error::NoSuchVersion)?;
        let draft = self.seals.draft(scope.caller(), id, number, &row)?;
        Ok(Version { number, draft: Arc::new(draft) })
    }
}

impl Work {
    /// A pattern as it is now.
    pub(crate) async fn one(&mut self, id: &PatternId) -> Result<Kept, Error> {
        let row = self.change.maybe(sql::ONE, args![id.as_str()]).await?;
        let row = row.ok_or(Error::NoSuchPattern)?;
        Ok(Kept::read(&row, &self.seals, self.caller.region, &self.caller.org)?)
    }

    /// One version of a pattern.
    pub(crate) async fn version(&mut self, id: &PatternId, number: i64) -> Result<Version, Error> {
        let row = self.change.maybe(sql::VERSION, args![id.as_str(), number]).await?;
        let row = row.ok_or(Error::NoSuchVersion)?;
        let draft = self.seals.draft(&self.caller, id, number, &row)?;
        Ok(Version { number, draft: Arc::new(draft) })
    }

    /// Adds new patterns, each with its first version.
    pub(crate) async fn add(&mut self, patterns: &[Kept]) -> Result<(), Error> {
        let rows = patterns.iter().map(|kept| {
            args![
                kept.id.as_str(),
                kept.slug(),
                kept.state.as_str(),
                kept.latest.number,
                kept.published_number(),
                kept.created_by.as_str(),
                kept.created_at,
                kept.updated_at,
            ]
        });
        let taken = |error: DbError| match patterns {
            [only] if error.is_conflict() => Error::SlugTaken(only.slug().to_owned()),
            _ => error.into(),
        };
        self.change.many(&sql::TEACH, rows.collect()).await.map_err(taken)?;
        let count = self.change.maybe(sql::COUNT, args![]).await?;
        if count.map(|row| row.count("patterns")).transpose()?.unwrap_or(0) > PATTERNS_MAX {
            return Err(Error::TooMany);
        }
        self.add_versions(patterns).await
    }

    /// Keeps the latest version of each of these patterns.
    pub(crate) async fn add_versions(&mut self, patterns: &[Kept]) -> Result<(), Error> {
        let mut rows = Vec::with_capacity(patterns.len());
        for kept in patterns {
            let place = self.place(&kept.id, Part::Version(kept.latest.number));
            rows.push(args![
                kept.id.as_str(),
                kept.latest.number,
                self.seals.seal(&place, &*kept.latest.draft)?,
                self.caller.actor.id(),
                kept.updated_at,
            ]);
        }
        self.change.many(&sql::TEACH_VERSION, rows).await?;
        Ok(())
    }

    /// Writes the state of a pattern that exists.
    pub(crate) async fn update(&mut self, kept: &Kept) -> Result<(), Error> {
        let args = args![
            kept.id.as_str(),
            kept.state.as_str(),
            kept.latest.number,
            kept.published_number(),
            kept.updated_at,
        ];
        self.change.run(sql::UPDATE, args).await?;
        Ok(())
    }

    /// The cases of a pattern as they are now.
    pub(crate) async fn cases(&mut self, kept: &Kept) -> Result<Vec<Case>, Error> {
        if kept.cases == 0 {
            return Ok(Vec::new());
        }
        let row = self.change.maybe(sql::CASES, args![kept.id.as_str()]).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        Ok(self.seals.cases(&self.caller, &kept.id, &row)?)
    }

    /// Keeps the cases of a pattern in the place of those that it had.
    pub(crate) async fn set_cases(
        &mut self,
        kept: &Kept,
        cases: &[Case],
        at: At,
    ) -> Result<(), Error> {
        let body = self.seals.seal(&self.place(&kept.id, Part::Cases), cases)?;
        let count = i64::try_from(cases.len()).unwrap_or(i64::MAX);
        let row = args![kept.id.as_str(), count, body, self.caller.actor.id(), at];
        self.change.many(&sql::SET_CASES, vec![row]).await?;
        Ok(())
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The version of the org's patterns that the change is made on.
    pub(crate) fn before(&self) -> i64 {
        self.version - 1
    }

    /// Makes it permanent together with its event, and shows it to the next question.
    pub(crate) async fn commit(self, event: Event) -> Result<(), Error> {
        self.change.commit(event).await?;
        self.snapshots.changed(&self.caller.org, self.caller.region, self.version).await;
        Ok(())
    }

    fn place<'a>(&'a self, pattern: &'a PatternId, part: Part) -> Place<'a> {
        Place { region: self.caller.region, org: &self.caller.org, pattern, part }
    }
}
