//! Patterns as a YAML file: in, all or nothing; and out.

use std::collections::HashMap;

use access::{Caller, Permission};
use audit::Event;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Patterns;
use crate::engine::{self, Draft};
use crate::error::Error;
use crate::kept::{Kept, State};

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Slugs that are new.
    pub created: Vec<String>,
    /// Slugs that have a new version.
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
    report: Imported,
}

impl Patterns {
    /// Teaches every pattern of a file, or none. A slug that exists gets a new version.
    /// They answer at once when the caller may publish, except retired ones.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org))]
    pub async fn import(&self, caller: &Caller, yaml: &str) -> Result<Imported, Error> {
        let scope = caller.require(Permission::PatternsCreate)?;
        let drafts = engine::import(yaml)?;
        let mut work = self.begin(&scope).await?;
        let held = work.every().await?;
        let plan = Plan::new(caller, held, drafts, self.clock.now())?;
        if plan.new.is_empty() && plan.changed.is_empty() {
            return Ok(plan.report);
        }
        work.add(&plan.new).await?;
        work.add_versions(&plan.changed).await?;
        for kept in &plan.changed {
            work.update(kept).await?;
        }
        let event = Event::done("patterns.patterns.imported", "patterns", caller.org.as_str());
        work.commit(event.changes(json!({
            "created": plan.new.iter().map(told).collect::<Vec<_>>(),
            "updated": plan.changed.iter().map(told).collect::<Vec<_>>(),
            "unchanged": plan.report.unchanged.len(),
        })))
        .await?;
        Ok(plan.report)
    }

    /// Writes the patterns that the caller may read as a file. Recorded before it is given.
    pub async fn export(&self, caller: &Caller, which: Exported) -> Result<String, Error> {
        if !caller.may_somewhere(Permission::PatternsRead) {
            caller.require(Permission::PatternsRead)?;
        }
        let snapshot = self.snapshots.of(caller).await?;
        let drafts = snapshot.patterns().iter().filter_map(|kept| {
            let version = match which {
                Exported::Published => kept.published.as_ref()?,
                Exported::All => kept.published.as_ref().unwrap_or(&kept.latest),
            };
            let readable = kept.allows(caller, Permission::PatternsRead);
            readable.then(|| Draft::clone(&version.draft))
        });
        let drafts: Vec<Draft> = drafts.collect();
        let event = Event::done("patterns.patterns.exported", "patterns", caller.org.as_str());
        let event = event.changes(json!({ "patterns": drafts.len() }));
        self.record.note(caller, &event).await?;
        engine::export(&drafts).map_err(|cause| Error::Export(cause.into()))
    }
}

impl Plan {
    fn new(caller: &Caller, held: Vec<Kept>, drafts: Vec<Draft>, at: At) -> Result<Self, Error> {
        let mut held: HashMap<String, Kept> =
            held.into_iter().map(|kept| (kept.slug().to_owned(), kept)).collect();
        let mut plan = Self::default();
        for draft in drafts {
            match held.remove(&draft.slug) {
                None => plan.add(caller, draft, at),
                Some(kept) if *kept.latest.draft == draft => {
                    plan.report.unchanged.push(draft.slug);
                }
                Some(kept) => plan.change(caller, kept, draft, at)?,
            }
        }
        Ok(plan)
    }

    fn add(&mut self, caller: &Caller, draft: Draft, at: At) {
        self.report.created.push(draft.slug.clone());
        let mut kept = Kept::new(draft, caller, at);
        if caller.access.may(Permission::PatternsPublish) {
            kept.publish_latest(at);
        }
        self.new.push(kept);
    }

    fn change(
        &mut self,
        caller: &Caller,
        mut kept: Kept,
        draft: Draft,
        at: At,
    ) -> Result<(), Error> {
        caller.require_on(Permission::PatternsUpdate, &kept.resource())?;
        self.report.updated.push(draft.slug.clone());
        kept.teach(draft, at);
        if kept.state != State::Retired && kept.allows(caller, Permission::PatternsPublish) {
            kept.publish_latest(at);
        }
        self.changed.push(kept);
        Ok(())
    }
}

/// What the record is told about one pattern of a file.
fn told(kept: &Kept) -> serde_json::Value {
    json!({ "id": kept.id, "slug": kept.slug(), "version": kept.latest.number,
        "published_version": kept.published_number() })
}
