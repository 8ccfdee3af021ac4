//! What guardrails would have refused in the last days, had they been in force.
//!
//! The record does not hold everything that a policy may ask. A policy that asks what is
//! not known of an event is not guessed at: the event counts as not judged, unless
//! another policy refuses it anyway.

use std::collections::BTreeMap;

use access::{Caller, Permission};
use audit::{Event, Outcome};
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Guardrails;
use crate::bounds::POLICIES_MAX;
use crate::error::Error;
use crate::guard::Named;
use crate::judge::{Judged, Judges};
use crate::past::{Past, Told, told};
use crate::set;

/// How far back is looked.
const DAYS: i64 = 7;
/// Events that are looked at, at most: the newest.
const EVENTS_MAX: u64 = 10_000;
/// Simulations at once on one node: each keeps a core busy for a moment.
pub(crate) const AT_ONCE: usize = 2;
/// Examples that are shown at most.
const EXAMPLES_MAX: usize = 20;
/// Members that are counted one by one at most; those with most refusals.
const MEMBERS_MAX: usize = 50;

/// Which guardrails to try.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Simulate {
    /// 1 to 20 policies in Cedar, each one `forbid`; absent: those that hold now.
    pub policies: Option<Vec<String>>,
}

/// What would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Simulation {
    /// The beginning of the time that was looked at.
    #[schema(value_type = String)]
    pub from: At,
    /// Its end.
    #[schema(value_type = String)]
    pub to: At,
    /// Events in it that were looked at; at most the 10,000 newest.
    pub events: u64,
    /// Whether these were all.
    pub whole: bool,
    /// Those that a permission was needed for, and that could be judged.
    pub judged: u64,
    /// Those of them that would have been refused.
    pub refused: u64,
    /// Those that had been refused anyway.
    pub refused_before: u64,
    /// Those that could not be judged.
    pub not_judged: u64,
    /// Why not, each with its events; an event can have several reasons.
    pub reasons: Vec<Reason>,
    /// The judged ones by permission.
    pub by_action: Vec<Tally>,
    /// The judged ones by who asked, at most 50; only for those who may read the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_member: Option<Vec<Tally>>,
    /// Some that would have been refused, the newest first; only for those who may read
    /// the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Vec<Example>>,
}

/// Why events could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reason {
    /// In words.
    pub why: String,
    /// How many events.
    pub events: u64,
}

/// How many of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Tally {
    /// A permission, or the id of a member or service account.
    pub of: String,
    /// How many were judged.
    pub judged: u64,
    /// How many of them would have been refused.
    pub refused: u64,
}

/// One event that would have been refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Example {
    /// Its position in the record.
    pub sequence: i64,
    /// When it happened.
    #[schema(value_type = String)]
    pub at: At,
    /// Who asked.
    pub member: String,
    /// What was done.
    pub event: String,
    /// The permission that it needed.
    pub action: String,
    /// On which thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// What would have refused it: ids, or for a draft its number, from 1.
    pub policies: Vec<String>,
}

/// What is counted on the way.
#[derive(Debug, Default)]
struct Counts {
    events: u64,
    judged: u64,
    refused: u64,
    refused_before: u64,
    not_judged: u64,
    reasons: BTreeMap<&'static str, u64>,
    by_action: BTreeMap<String, (u64, u64)>,
    by_member: BTreeMap<String, (u64, u64)>,
    examples: Vec<Example>,
}

impl Guardrails {
    /// Tries guardrails on the last seven days of the org's record.
    pub async fn simulate(&self, caller: &Caller, what: &Simulate) -> Result<Simulation, Error> {
        let scope = caller.require(Permission::SettingsGuardrails)?;
        let shown = caller.require(Permission::EventsRead).is_ok();
        let _turn = self.simulations.try_acquire().map_err(|_| Error::Busy)?;
        let kept = self.kept(&scope).await?;
        let policies = if let Some(texts) = &what.policies {
            self.drafts(texts)?
        } else {
            let holding = kept.items.iter().filter(|one| one.on);
            holding.map(crate::Guardrail::ready).collect::<Result<_, _>>()?
        };
        let judges = Judges::of(&caller.org, &set::zone(&kept.zone)?, &policies)?;
        let to = self.clock.now();
        let from = to.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(At::MIN);
        let (mut counts, mut before, mut whole) = (Counts::default(), None, true);
        loop {
            let piece = self.record.look_back(&scope, from, before).await?;
            for event in &piece.events {
                counts.count(event, &judges);
            }
            before = piece.next;
            if before.is_none() {
                break;
            }
            if counts.events >= EVENTS_MAX {
                whole = false;
                break;
            }
        }
        let event = Event::done("guardrails.policies.simulated", "org", caller.org.as_str());
        let event = event.outcome(Outcome::Success).changes(json!({
            "policies": policies.len(), "events": counts.events,
            "judged": counts.judged, "refused": counts.refused,
        }));
        self.record.note(caller, &event).await?;
        Ok(counts.done((from, to), whole, shown))
    }

    fn drafts(&self, texts: &[String]) -> Result<Vec<Named>, Error> {
        if texts.is_empty() || texts.len() > POLICIES_MAX {
            return Err(Error::field("policies", format!("must be 1 to {POLICIES_MAX} policies")));
        }
        let draft = |(place, text): (usize, &String)| {
            let number = (place + 1).to_string();
            let checked = self.rulebook.check(&number, text);
            let name = format!("policy {number}");
            checked.policy.map(|policy| Named { name, policy }).ok_or_else(|| {
                let why = checked.findings.first();
                let why = why.map_or("cannot be read", |finding| finding.message.as_str());
                Error::field(&format!("policies/{place}"), why)
            })
        };
        texts.iter().enumerate().map(draft).collect()
    }
}

impl Counts {
    fn count(&mut self, event: &serde_json::Value, judges: &Judges) {
        self.events += 1;
        let past = match told(event) {
            Told::Asked(past) => past,
            Told::Nothing => return,
            Told::Refused => {
                self.refused_before += 1;
                return;
            }
            Told::Unknown => {
                self.not_judged += 1;
                *self.reasons.entry("which permission it needed").or_default() += 1;
                return;
            }
        };
        let refusing = match judges.judge(&past) {
            Judged::Passes => None,
            Judged::Refused(policies) => Some(policies),
            Judged::Unknown(reasons) => {
                self.not_judged += 1;
                for why in reasons {
                    *self.reasons.entry(why).or_default() += 1;
                }
                return;
            }
        };
        self.judged += 1;
        let more = u64::from(refusing.is_some());
        self.refused += more;
        let action = past.permission.to_string();
        for (judged, refused) in [
            self.by_action.entry(action).or_default(),
            self.by_member.entry(past.actor.id().to_owned()).or_default(),
        ] {
            *judged += 1;
            *refused += more;
        }
        if let Some(policies) = refusing.filter(|_| self.examples.len() < EXAMPLES_MAX) {
            self.examples.push(Example::of(*past, policies));
        }
    }

    fn done(self, (from, to): (At, At), whole: bool, shown: bool) -> Simulation {
        let mut by_member = tallies(self.by_member);
        by_member.truncate(MEMBERS_MAX);
        let mut reasons: Vec<_> = self
            .reasons
            .into_iter()
            .map(|(why, events)| Reason { why: why.to_owned(), events })
            .collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.events));
        Simulation {
            from,
            to,
            events: self.events,
            whole,
            judged: self.judged,
            refused: self.refused,
            refused_before: self.refused_before,
            not_judged: self.not_judged,
            reasons,
            by_action: tallies(self.by_action),
            by_member: shown.then_some(by_member),
            examples: shown.then_some(self.examples),
        }
    }
}

/// The most refused first.
fn tallies(counts: BTreeMap<String, (u64, u64)>) -> Vec<Tally> {
    let tally = |(of, (judged, refused))| Tally { of, judged, refused };
    let mut all: Vec<_> = counts.into_iter().map(tally).collect();
    all.sort_by_key(|tally| std::cmp::Reverse((tally.refused, tally.judged)));
    all
}

impl Example {
    fn of(past: Past, policies: Vec<String>) -> Self {
        Self {
            sequence: past.sequence,
            at: past.at,
            member: past.actor.id().to_owned(),
            event: past.event,
            action: past.permission.to_string(),
            on: past.on.map(|on| format!("{} {}", on.kind, on.id)),
            policies,
        }
    }
}
