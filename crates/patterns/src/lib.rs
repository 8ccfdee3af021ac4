//! Patterns: what an org has approved to be said, and how its models are asked.
//!
//! # What this room promises
//!
//! - What an administrator taught answers at once:
//!   `a_taught_answer_is_given_at_once`.
//! - What nobody approved does not answer: `a_draft_does_not_answer`,
//!   `a_retired_pattern_stops_answering`, `a_late_load_never_replaces_a_newer_one`.
//! - A version answers only when the pattern's cases pass:
//!   `a_failing_case_keeps_a_version_from_answering`.
//! - Judging keeps nobody waiting who changes something else, of this org or another:
//!   `an_import_keeps_nobody_waiting_while_its_cases_are_judged`.
//! - Trying a draft keeps nothing of it: `a_draft_is_tried_while_it_is_written`.
//! - When nothing matches, the engine says so, with the score:
//!   `when_nothing_matches_it_says_so`.
//! - A version never changes, and an older one can answer again:
//!   `versions_stay_as_they_were_taught`, `an_older_version_can_answer_again`.
//! - An org's patterns are seen, found, run and counted by that org alone:
//!   `two_orgs_never_meet`.
//! - A grant on one pattern opens that one: `a_grant_on_one_pattern_opens_that_one_only`.
//! - Guardrails are asked on every way to a pattern, with how sensitive it is:
//!   `a_guardrail_on_patterns_reaches_every_way_to_them`,
//!   `changing_a_patterns_class_takes_effect_at_once`,
//!   `a_higher_class_holds_when_it_is_saved_and_a_lower_one_when_it_answers`.
//! - An import is whole or nothing: `a_file_with_a_flaw_changes_nothing`,
//!   `a_file_with_a_failing_case_changes_nothing`.
//! - Content is sealed at rest and not in the record:
//!   `what_was_taught_cannot_be_read_from_the_disk`, `every_change_leaves_an_event_without_content`.
//! - While the database is down, what is in memory answers and nothing is changed:
//!   `without_its_database_it_answers_and_refuses_changes`.

mod answer;
mod api;
mod api_draft;
mod api_exchange;
mod cases;
mod diff;
pub mod engine;
mod error;
mod exchange;
mod judge;
mod keeper;
mod kept;
mod pages;
mod read;
mod seals;
mod snapshot;
mod snapshots;
pub mod sql;
mod store;
mod teach;
mod told;
mod trial;
mod try_out;
mod turns;
mod uses;
mod view;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::{Databases, OrgId, Region};
use audit::Record;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::SharedClock;

pub use self::api::routes;
pub use self::cases::{PatternCases, SetCases};
pub use self::diff::{Between, Diff, DiffLine, DiffPart, DiffPiece, InVersion};
pub use self::engine::{Case, Expected};
pub use self::error::Error;
pub use self::exchange::{Exported, Imported};
pub use self::judge::{CaseVerdict, FailedCase};
pub use self::kept::{PatternId, State, UnknownState};
pub use self::pages::pages;
pub use self::read::{Filter, VersionFilter};
use self::seals::Seals;
use self::snapshots::Snapshots;
pub use self::trial::{Trial, Verdict};
pub use self::try_out::{Other, Prompt, Tried, TryDraft};
use self::turns::Turns;
use self::uses::Uses;
pub use self::view::{ChangePattern, Pattern, PublishPattern, TeachPattern, VersionView};

/// How often counts are written and changes of other nodes are looked for.
const TICK: Duration = Duration::from_secs(2);

/// The room, as the server and the gateway hold it.
#[derive(Debug, Clone)]
pub struct Patterns {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    seals: Arc<Seals>,
    snapshots: Arc<Snapshots>,
    uses: Arc<Uses>,
    turns: Arc<Turns>,
}

impl Patterns {
    /// Opens the room. `roots` seal what is taught, each in its region.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        roots: &BTreeMap<Region, RootKey>,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let seals = Arc::new(Seals::new(roots, databases.homes())?);
        let snapshots = Arc::new(Snapshots::new(databases, seals.clone()));
        let uses = Arc::new(Uses::default());
        let work = tend(tasks.clone(), databases.clone(), snapshots.clone(), uses.clone());
        tasks.spawn(work);
        Ok(Self {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            seals,
            snapshots,
            uses,
            turns: Arc::new(Turns::new()),
        })
    }
}

impl Patterns {
    /// Another process changed something of this org: its patterns are read anew if they
    /// are held here in an older version.
    pub async fn heed(&self, org: &OrgId, region: Region) {
        self.snapshots.heed(org, region).await;
    }

    /// The org is at home in another region from now on: its patterns are read anew there.
    pub fn moved(&self, org: &OrgId) {
        self.snapshots.moved(org);
    }

    /// Nobody can say what was changed in a region: what is held of it is read anew.
    pub fn doubt(&self, region: Region) {
        self.snapshots.doubt(region);
    }
}

/// Until the server stops: writes the counts, and follows what other nodes change.
async fn tend(tasks: Tasks, databases: Databases, snapshots: Arc<Snapshots>, uses: Arc<Uses>) {
    loop {
        let stopping = tokio::time::timeout(TICK, tasks.stopping()).await.is_ok();
        if let Err(error) = uses.flush(&databases).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "use counts could not be written"
            );
        }
        if stopping {
            return;
        }
        if let Err(error) = snapshots.follow().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "changed patterns could not be looked for"
            );
        }
    }
}
