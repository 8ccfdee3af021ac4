//! Patterns as a YAML file: in, all or nothing; and out.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, Permission};
use audit::Event;
use base::args;
use base::db::DbError;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::engine::{self, Case, FilePattern};
use crate::error::Error;
use crate::judge::Judged;
use crate::kept::{Kept, State};
use crate::read::may_list;
use crate::seals::{Part, Place};
use crate::snapshot::Snapshot;
use crate::turns::Verdicts;
use crate::{PatternId, Patterns, sql};

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Slugs that are new.
    pub created: Vec<String>,
    /// Slugs that have a new version or other cases.
    pub updated: Vec<String>,
    /// Slugs whose content was the same: nothing was done.
    pub unchanged: Vec<String>,
}

/// Which patterns a file is to hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Exported {
    /// Those that answer, as they answer.
    #[default]
    Published,
    /// All of them: those that answer as they answer, others in their latest version.
    All,
}

/// What an import is going to write.
#[derive(Debug, Default)]
struct Plan {
    new: Vec<Kept>,
    changed: Vec<Kept>,
    /// Those of them whose cases the file gives.
    cases: Vec<(Kept, Vec<Case>)>,
    /// The versions that begin to answer, with the cases that they must pass.
    judged: Vec<Judged>,
    /// The org's patterns that stay as they are.
    kept: Vec<Arc<Kept>>,
    report: Imported,
}

impl Patterns {
    /// Teaches every pattern of a file, or none. A slug that exists gets a new version.
    /// They answer at once when the caller may publish, except retired ones; when a case
    /// of one of them fails, nothing is taught.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org))]
    pub async fn import(&self, caller: &Caller, yaml: &str) -> Result<Imported, Error> {
        let scope = caller.require(Permission::PatternsCreate)?;
        let file = engine::import(yaml)?;
        let mut tries = self.tries(caller, true).await?;
        loop {
            tries.another()?;
            let held = self.snapshots.of(caller).await?;
            let plan = Plan::new(self, caller, &held, &file).await?;
            let verdicts = plan.verdicts(self, caller, &held).await?;
            let Some(mut work) = self.begin_judged(&scope, &verdicts).await? else { continue };
            if plan.new.is_empty() && plan.changed.is_empty() && plan.cases.is_empty() {
                return Ok(plan.report);
            }
            if !verdicts.failing.is_empty() {
                return Err(Error::CasesFailed(verdicts.failing));
            }
            work.add(&plan.new).await?;
            work.add_versions(&plan.changed).await?;
            for kept in &plan.changed {
                work.update(kept).await?;
            }
            for (kept, cases) in &plan.cases {
                work.set_cases(kept, cases, self.clock.now()).await?;
            }
            work.commit(plan.event(caller)).await?;
            return Ok(plan.report);
        }
    }

    /// Writes the patterns that the caller may read as a file, with their cases. Recorded
    /// before it is given.
    pub async fn export(&self, caller: &Caller, which: Exported) -> Result<String, Error> {
        may_list(caller)?;
        let snapshot = self.snapshots.of(caller).await?;
        let mut cases = self.every_case(caller).await?;
        let patterns = snapshot.patterns().iter().filter_map(|kept| {
            let version = match which {
                Exported::Published => kept.published.as_ref()?,
                Exported::All => kept.published.as_ref().unwrap_or(&kept.latest),
            };
            let readable = kept.allows(caller, Permission::PatternsRead);
            readable.then(|| FilePattern {
                draft: (*version.draft).clone(),
                cases: cases.remove(&kept.id).filter(|cases| !cases.is_empty()),
            })
        });
        let patterns: Vec<FilePattern> = patterns.collect();
        let event = Event::done("patterns.patterns.exported", "patterns", caller.org.as_str());
        let event = event.changes(json!({ "patterns": patterns.len() }));
        self.record.note(caller, &event).await?;
        engine::export(&patterns).map_err(|cause| Error::Export(cause.into()))
    }

    /// The cases of every pattern of the org, page by page.
    async fn every_case(&self, caller: &Caller) -> Result<HashMap<PatternId, Vec<Case>>, Error> {
        let scope = caller.itself();
        let db = self.databases.of(&scope)?;
        let (mut cases, mut after) = (HashMap::new(), String::new());
        loop {
            let rows = db.all(sql::CASES_OF_ALL, args![after.as_str()]).await?;
            let Some(last) = rows.last() else { return Ok(cases) };
            after = last.text("pattern_id")?;
            for row in &rows {
                let id: PatternId = row.parse("pattern_id")?;
                let (region, org) = (caller.region, &caller.org);
                let place = Place { region, org, pattern: &id, part: Part::Cases };
                let opened = self.seals.open(&place, &row.bytes("body")?)?;
                cases.insert(id, opened);
            }
        }
    }
}

impl Plan {
    async fn new(
        patterns: &Patterns,
        caller: &Caller,
        held: &Snapshot,
        file: &[FilePattern],
    ) -> Result<Self, Error> {
        let at = patterns.clock.now();
        let slug = |kept: &Arc<Kept>| (kept.slug().to_owned(), kept.clone());
        let mut held: HashMap<String, Arc<Kept>> = held.patterns().iter().map(slug).collect();
        let mut plan = Self::default();
        for one in file {
            match held.remove(&one.draft.slug) {
                None => plan.add(caller, one.clone(), at)?,
                Some(kept) => {
                    let cases = patterns.cases_of(caller, &kept).await?;
                    plan.change(caller, &kept, &cases, one.clone(), at)?;
                }
            }
        }
        plan.kept.extend(held.into_values());
        Ok(plan)
    }

    fn add(&mut self, caller: &Caller, one: FilePattern, at: At) -> Result<(), Error> {
        self.report.created.push(one.draft.slug.clone());
        let mut kept = Kept::new(one.draft, caller, at);
        let cases = one.cases.unwrap_or_default();
        caller.require_on(Permission::PatternsCreate, kept.thing())?;
        if caller.access.may(Permission::PatternsPublish) {
            caller.require(Permission::PatternsPublish)?;
            caller.require_on(Permission::PatternsPublish, kept.thing())?;
            kept.publish_latest(at);
            self.judged.push(Judged::new(&kept, &kept.latest, cases.clone()));
        }
        if !cases.is_empty() {
            self.cases.push((kept.clone(), cases));
        }
        self.new.push(kept);
        Ok(())
    }

    fn change(
        &mut self,
        caller: &Caller,
        held: &Arc<Kept>,
        had: &[Case],
        mut one: FilePattern,
        at: At,
    ) -> Result<(), Error> {
        let mut kept = (**held).clone();
        // What was classed once stays classed.
        one.draft.data_class = one.draft.data_class.or(kept.latest.draft.data_class);
        let cases = one.cases.unwrap_or_else(|| had.to_vec());
        let same = *kept.latest.draft == one.draft;
        if same && cases == had {
            self.report.unchanged.push(one.draft.slug);
            self.kept.push(held.clone());
            return Ok(());
        }
        caller.require_on(Permission::PatternsUpdate, kept.thing())?;
        self.report.updated.push(one.draft.slug.clone());
        if cases != had {
            self.cases.push((kept.clone(), cases.clone()));
        }
        if same {
            self.kept.push(held.clone());
            return Ok(());
        }
        let publish =
            kept.state != State::Retired && kept.gives(caller, Permission::PatternsPublish);
        if publish {
            caller.require_on(Permission::PatternsPublish, kept.thing())?;
        }
        kept.teach(one.draft, at);
        caller.require_on(Permission::PatternsUpdate, kept.thing())?;
        if publish {
            caller.require_on(Permission::PatternsPublish, kept.thing())?;
            kept.publish_latest(at);
            self.judged.push(Judged::new(&kept, &kept.latest, cases));
        }
        self.changed.push(kept);
        Ok(())
    }

    /// Judges what begins to answer, among all that answers after the import.
    async fn verdicts(
        &self,
        patterns: &Patterns,
        caller: &Caller,
        held: &Snapshot,
    ) -> Result<Verdicts, Error> {
        let judged: Vec<_> = self.judged.iter().filter(|one| !one.cases.is_empty()).collect();
        let mut failing = Vec::new();
        if !judged.is_empty() {
            let taught = self.changed.iter().chain(&self.new).cloned().map(Arc::new);
            let all: Vec<_> = self.kept.iter().cloned().chain(taught).collect();
            let after = tokio::task::spawn_blocking(move || Snapshot::of(0, all)).await;
            let after = Arc::new(after.map_err(|cause| DbError::unreadable("patterns", cause))?);
            for one in judged {
                let verdicts = patterns.verdicts(caller, after.clone(), one.clone()).await?;
                failing.extend(verdicts.failing);
            }
        }
        Ok(Verdicts::among(held, failing))
    }

    fn event(&self, caller: &Caller) -> Event {
        let event = Event::done("patterns.patterns.imported", "patterns", caller.org.as_str());
        let cases = |(kept, cases): &(Kept, Vec<Case>)| {
            json!({ "id": kept.id, "slug": kept.slug(),
                "cases": { "from": kept.cases, "to": cases.len() } })
        };
        event.changes(json!({
            "created": self.new.iter().map(told).collect::<Vec<_>>(),
            "updated": self.changed.iter().map(told).collect::<Vec<_>>(),
            "cases": self.cases.iter().map(cases).collect::<Vec<_>>(),
            "unchanged": self.report.unchanged.len(),
        }))
    }
}

/// What the record is told about one pattern of a file.
fn told(kept: &Kept) -> serde_json::Value {
    json!({ "id": kept.id, "slug": kept.slug(), "version": kept.latest.number,
        "published_version": kept.published_number(), "data_class": kept.data_class() })
}
