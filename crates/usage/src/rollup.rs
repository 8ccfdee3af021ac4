//! Calls become rows: which ones, and what each adds.

use std::collections::{BTreeMap, HashMap};

use access::{KeyId, TeamId};
use audit::{CallFacts, Passed, ToldCall};
use base::args;
use base::db::Value;
use base::time::At;

use crate::numbers::Numbers;
use crate::span::{BLOCK_US, Bucket, DAY_US, HOUR_US, begin};

/// Bytes of a model's name that are counted by; longer ones are never configured.
const MODEL_BYTES_MAX: usize = 128;

/// A row of `usage_sum`: the span, within what, the kind, when, the subject.
type SumKey = (&'static str, String, &'static str, i64, String);
/// A row of `usage_cell`: the span, when, the member, the key, the model, the teams.
type CellKey = (&'static str, i64, String, String, String, String);

/// What a stretch of the record adds. In the order of the keys, so that nodes that write
/// at once wait for each other, and never in a circle.
#[derive(Debug, Default)]
pub(crate) struct Rollup {
    sums: BTreeMap<SumKey, Numbers>,
    cells: BTreeMap<CellKey, Numbers>,
}

/// By what calls are told apart: they are added up by this first, as each goes into a score of
/// rows, and a stretch of the record has few that are not alike.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Alike {
    hour: i64,
    member: String,
    key: String,
    model: String,
    teams: Vec<String>,
}

impl Alike {
    /// A call counts when it was reserved, as in the ledger; a refused one when it was.
    fn of(told: &ToldCall) -> Self {
        let who = (told.member.as_deref(), told.key.as_deref());
        Self::by(told.at, who, told.teams.iter().map(String::as_str), told.call.as_ref())
    }

    /// Of one that this node just recorded.
    pub(crate) fn of_ended(at: At, call: &Passed) -> Self {
        let Passed { payer, call } = call;
        let who = (payer.member.as_deref(), payer.key.as_ref().map(KeyId::as_str));
        Self::by(at, who, payer.teams.iter().map(TeamId::as_str), Some(call))
    }

    fn by<'a>(
        at: At,
        (member, key): (Option<&str>, Option<&str>),
        teams: impl Iterator<Item = &'a str>,
        call: Option<&CallFacts>,
    ) -> Self {
        let mut teams: Vec<String> = teams.map(str::to_owned).collect();
        teams.sort_unstable();
        teams.dedup();
        Self {
            hour: begin(call.map_or(at, |call| call.started_at).as_microsecond(), HOUR_US),
            member: member.unwrap_or_default().to_owned(),
            key: key.unwrap_or_default().to_owned(),
            model: call.map_or("", |call| shortened(&call.model)).to_owned(),
            teams,
        }
    }
}

/// What calls that are alike came to.
pub(crate) type Sums = HashMap<Alike, Numbers>;

/// What these calls came to.
pub(crate) fn sums(calls: &[ToldCall]) -> Sums {
    let mut sums = Sums::new();
    for told in calls {
        sums.entry(Alike::of(told)).or_default().add(&Numbers::of(told));
    }
    sums
}

impl Rollup {
    /// Hours that began before `hours_from` are not kept.
    pub(crate) fn of(sums: &Sums, hours_from: i64) -> Self {
        let mut rollup = Self::default();
        for (calls, numbers) in sums {
            rollup.add(calls, numbers, hours_from);
        }
        rollup
    }

    fn add(&mut self, calls: &Alike, numbers: &Numbers, hours_from: i64) {
        let (hour, member, key, model) =
            (calls.hour, calls.member.as_str(), calls.key.as_str(), calls.model.as_str());
        let teams: Vec<&str> = calls.teams.iter().map(String::as_str).collect();
        let (day, block) = (begin(hour, DAY_US), begin(hour, BLOCK_US));
        let hour = Some(hour).filter(|hour| *hour >= hours_from);
        let of_teams = if teams.is_empty() { vec![""] } else { teams.clone() };
        let of_teams = of_teams.into_iter().map(|team| ("team", team));
        let of_model = std::iter::once(("model", model));
        let fine = [("member", member), ("key", key)];

        // By hours, few subjects only: there are as many members and keys as calls.
        let coarse = [("org", ""), ("model", model)].into_iter().chain(of_teams.clone());
        for (kind, subject) in coarse {
            if let Some(hour) = hour {
                self.sum("hour", "", kind, hour, subject, numbers);
            }
            self.sum("day", "", kind, day, subject, numbers);
        }
        let mut withins = vec![String::new()];
        withins.extend(Some(within("model", model)).filter(|_| !model.is_empty()));
        withins.extend(teams.iter().map(|team| within("team", team)));
        for one in &withins {
            for (kind, subject) in fine {
                self.sum("day", one, kind, day, subject, numbers);
                self.sum("block", one, kind, block, subject, numbers);
            }
            let others = if one.starts_with("model:") {
                of_teams.clone().collect()
            } else if one.is_empty() {
                Vec::new()
            } else {
                of_model.clone().collect()
            };
            for (kind, subject) in others {
                self.sum("day", one, kind, day, subject, numbers);
            }
        }
        let teams = joined(&teams);
        let spans = [hour.map(|hour| (Bucket::Hour, hour)), Some((Bucket::Day, day))];
        for (bucket, at) in spans.into_iter().flatten() {
            let row = (bucket.as_str(), at, member.into(), key.into(), model.into(), teams.clone());
            self.cells.entry(row).or_default().add(numbers);
        }
    }

    fn sum(
        &mut self,
        span: &'static str,
        within: &str,
        kind: &'static str,
        at: i64,
        of: &str,
        more: &Numbers,
    ) {
        let row = (span, within.to_owned(), kind, at, of.to_owned());
        self.sums.entry(row).or_default().add(more);
    }

    /// The rows for `usage_sum`, behind the org.
    pub(crate) fn sums(&self, org: &str) -> Vec<Vec<Value>> {
        let rows = self.sums.iter().map(|((span, within, kind, at, subject), numbers)| {
            let mut row = args![org, *span, within.as_str(), *kind, *at, subject.as_str()];
            row.extend(numbers.values());
            row
        });
        rows.collect()
    }

    /// The rows for `usage_cell`, behind the org.
    pub(crate) fn cells(&self, org: &str) -> Vec<Vec<Value>> {
        let rows = self.cells.iter().map(|((span, at, member, key, model, teams), numbers)| {
            let mut row = args![
                org,
                *span,
                *at,
                member.as_str(),
                key.as_str(),
                model.as_str(),
                teams.as_str()
            ];
            row.extend(numbers.values());
            row
        });
        rows.collect()
    }
}

fn shortened(model: &str) -> &str {
    model.get(..model.floor_char_boundary(MODEL_BYTES_MAX)).unwrap_or(model)
}

/// What rows are told apart within: `model:small`.
pub(crate) fn within(kind: &str, subject: &str) -> String {
    format!("{kind}:{subject}")
}

/// Teams as one text: a comma on each side of each, so that one can be looked for.
fn joined(teams: &[&str]) -> String {
    if teams.is_empty() { String::new() } else { format!(",{},", teams.join(",")) }
}

/// The teams of such a text; one that is empty is of no team.
pub(crate) fn teams_of(joined: &str) -> Vec<&str> {
    let teams: Vec<&str> = joined.split(',').filter(|team| !team.is_empty()).collect();
    if teams.is_empty() { vec![""] } else { teams }
}
