//! Every few seconds: the orgs whose record has grown are folded, a busy one at once, one in
//! which little happens a minute later or more: each costs a transaction, and whoever reads folds
//! first. However many those are, most of the time belongs to the calls.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use audit::{Grown, rest_after};
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;

use crate::waiting::Waiting;
use crate::{Usage, sql};

/// How often it is looked at what grew, and how long what waits is folded then.
const EVERY: Duration = Duration::from_secs(5);
/// How long the database rests at least between two rounds.
const REST: Duration = Duration::from_millis(100);
/// Steps that one org gets in its turn, so that a long record keeps nobody waiting.
const STEPS_OF_A_TURN: usize = 20;

/// Watches until shutdown begins.
pub(crate) async fn watch(usage: Usage, tasks: Tasks) {
    let grown = usage.record.grown();
    let (mut waiting, mut wait) = (Waiting::default(), EVERY);
    while tokio::time::timeout(wait, tasks.stopping()).await.is_err() {
        let begun = Instant::now();
        if let Err(error) = round(&usage, &tasks, &grown, &mut waiting, begun).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the record could not be folded; what people see of usage is behind"
            );
        }
        wait = EVERY.saturating_sub(begun.elapsed()).max(REST);
    }
}

/// Looks at what grew, and folds in its turn what is busy and what waited long enough. A region
/// whose database is away keeps no other waiting; the first such error is given at the end.
async fn round(
    usage: &Usage,
    tasks: &Tasks,
    grown: &Grown,
    waiting: &mut Waiting,
    now: Instant,
) -> Result<(), DbError> {
    let is_busy = |org: &OrgId| usage.ahead.is_busy(org);
    let lately = grown.take();
    waiting.add(lately.orgs, is_busy, now);
    let mut away = Away::default();
    if lately.all {
        let begun = Instant::now();
        usage.look_at_all(waiting, now, &mut away).await;
        if away.error.is_none() {
            grown.looked(begun.elapsed());
        }
    }
    waiting.hurry(is_busy);
    let (until, mut unfolded) = (Instant::now() + EVERY, Vec::new());
    while let Some(org) = waiting.next(now) {
        let begun = Instant::now();
        match usage.fold_wherever(&org, &mut away).await {
            Left::Nothing => {}
            Left::Some => waiting.again(org),
            Left::Away => unfolded.push(org),
        }
        let rest = tokio::time::timeout(rest_after(begun.elapsed()), tasks.stopping());
        if rest.await.is_ok() || Instant::now() >= until {
            break;
        }
    }
    for org in unfolded {
        waiting.again(org);
    }
    away.error.map_or(Ok(()), Err)
}

/// Regions whose database is away: in this round nothing more is asked of them.
#[derive(Debug, Default)]
struct Away {
    regions: Vec<Region>,
    error: Option<DbError>,
}

impl Away {
    fn met(&mut self, region: Region, error: DbError) {
        self.regions.push(region);
        self.error.get_or_insert(error);
    }
}

/// What is left of an org behind its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Some,
    /// What a region has whose database is away.
    Away,
}

impl Usage {
    /// Folds an org, in whichever region it is.
    async fn fold_wherever(&self, org: &OrgId, away: &mut Away) -> Left {
        let mut left = Left::Nothing;
        for (region, _) in self.databases.iter() {
            if self.databases.homes().home(org, region) != region {
                continue;
            }
            if away.regions.contains(&region) {
                left = Left::Away;
                continue;
            }
            match self.fold_of(org, region, STEPS_OF_A_TURN).await {
                Ok(folded) if folded.until.is_none() => {}
                Ok(_) => return Left::Some,
                Err(error) if error.is_unreachable() => {
                    away.met(region, error);
                    left = Left::Away;
                }
                // What is wrong with one org must not keep the others waiting.
                Err(error) => tracing::warn!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "the record of an org could not be folded"
                ),
            }
        }
        left
    }

    /// Lets all wait that are not folded to the end.
    async fn look_at_all(&self, waiting: &mut Waiting, now: Instant, away: &mut Away) {
        for (region, _) in self.databases.iter() {
            let mut after = String::new();
            loop {
                match self.unfolded(region, &mut after).await {
                    Ok(Some(orgs)) => waiting.add(orgs, |org| self.ahead.is_busy(org), now),
                    Ok(None) => break,
                    Err(error) => {
                        away.met(region, error);
                        break;
                    }
                }
            }
        }
    }

    /// The orgs of a page of the record that are not folded to its end; moves `after` to the
    /// end of the page. None: there is no such page.
    async fn unfolded(
        &self,
        region: Region,
        after: &mut String,
    ) -> Result<Option<Vec<OrgId>>, DbError> {
        let sizes = self.record.sizes(region, after).await?;
        let Some((last, _)) = sizes.last() else { return Ok(None) };
        let args = args![after.as_str(), last.as_str()];
        let rows = self.databases.region(region)?.all(&Within::node(), sql::CURSORS, args).await?;
        let folded = rows.iter().map(|row| Ok((row.text("org_id")?, row.int("seq")?)));
        let folded = folded.collect::<Result<HashMap<_, _>, DbError>>()?;
        *after = last.to_string();
        let behind = |org: &OrgId, size| folded.get(org.as_str()).is_none_or(|seq| *seq < size);
        Ok(Some(
            sizes
                .into_iter()
                .filter(|(org, size)| behind(org, *size))
                .map(|(org, _)| org)
                .collect(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use access::{Caller, Databases, Named, Names};
    use audit::{CALL_ENDED, CallFacts, Event, Outcome, Record};
    use base::metrics::Metrics;
    use base::seal::RootKey;
    use base::testing::{Bench, StillClock};
    use base::time::At;

    use super::*;
    use crate::waiting::QUIET;

    /// Nobody asks.
    #[derive(Debug)]
    struct Nameless;

    impl Names for Nameless {
        fn names<'a>(&'a self, _: &'a Caller, _: &'a [String]) -> Named<'a> {
            Box::pin(std::future::ready(HashMap::new()))
        }
    }

    const REGIONS: [Region; 2] = [Region::Us, Region::Eu];

    /// A node that serves two regions and hears of no call before it reads the record.
    fn node(databases: &Databases, clock: &StillClock, tasks: &Tasks) -> Usage {
        let roots = REGIONS.map(|region| (region, RootKey::fresh().unwrap()));
        let (clock, metrics) = (clock.shared(), Metrics::new());
        let roots = BTreeMap::from(roots);
        let record = Record::open(databases, &clock, "n1", &roots, &[], tasks, &metrics).unwrap();
        let (databases, names, ahead) = (databases.clone(), Arc::new(Nameless), Arc::default());
        Usage { databases, record, clock, names, ahead }
    }

    async fn call(usage: &Usage, caller: &Caller) {
        let facts = CallFacts::begun("small", usage.clock.now());
        let ended = Event::done(CALL_ENDED, "call", "call_1").outcome(Outcome::Success);
        usage.record.close_call(caller, &ended.call(facts)).await.unwrap();
    }

    #[tokio::test]
    async fn a_region_whose_database_is_away_keeps_no_other_waiting() {
        let (steps, tasks) = ([audit::sql::MIGRATIONS, sql::MIGRATIONS].concat(), Tasks::new());
        // Whichever of the two comes first.
        for lives in REGIONS {
            for bench in Bench::on_each_engine(&steps, audit::sql::APPEND_ONLY).await {
                let away = Bench::sqlite(&steps).await;
                let of = |region| if region == lives { &bench.db } else { &away.db };
                let databases = REGIONS.map(|region| (region, of(region).clone()));
                let usage = node(&Databases::new(databases), &StillClock::new(), &tasks);
                let caller = Caller::operator(OrgId::new(At::UNIX_EPOCH), lives, "test");
                let (org, scope) = (caller.org.clone(), caller.itself());
                away.db.close().await;
                let (grown, mut waiting) = (usage.record.grown(), Waiting::default());
                let mut now = Instant::now();
                for calls in 1..=2 {
                    call(&usage, &caller).await;
                    // It is seen that it grew, and a minute later it is its turn.
                    for _ in 0..2 {
                        let round = round(&usage, &tasks, &grown, &mut waiting, now).await;
                        let error = round.unwrap_err();
                        assert!(error.is_unreachable(), "{error}");
                        now += QUIET;
                    }
                    let folded = usage.databases.of(&scope).unwrap();
                    let folded = folded.maybe(sql::CURSOR, args![]).await.unwrap().unwrap();
                    assert_eq!(folded.int("seq").unwrap(), calls, "{lives}");
                    assert_eq!(
                        waiting.next(now).as_ref(),
                        Some(&org),
                        "what is away may have more"
                    );
                    waiting.again(org.clone());
                }
            }
        }
    }
}
