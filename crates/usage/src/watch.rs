//! Every few seconds: the orgs whose record has grown are folded, a busy one at once, one in
//! which little happens once a minute: each costs a transaction, and whoever reads folds first.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use audit::Lately;
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;

use crate::{Usage, sql};

/// How often it is looked at what grew.
const EVERY: Duration = Duration::from_secs(5);
/// How long an org waits in which little happens.
const QUIET: Duration = Duration::from_mins(1);
/// Orgs that wait at most; beyond that none does.
const WAITING_MAX: usize = 65_536;
/// How long the database rests between two rounds while some org is behind.
const REST: Duration = Duration::from_millis(100);
/// Steps that one org gets in one round, so that a long record keeps nobody waiting.
const STEPS_OF_A_ROUND: usize = 20;

/// Watches until shutdown begins.
pub(crate) async fn watch(usage: Usage, tasks: Tasks) {
    let grown = usage.record.grown();
    let (mut waiting, mut wait) = (Waiting::default(), EVERY);
    while tokio::time::timeout(wait, tasks.stopping()).await.is_err() {
        let lately = match grown.take() {
            Lately::These(orgs) => {
                let busy = |org: &OrgId| usage.ahead.is_busy(org);
                Lately::These(waiting.due(orgs, busy, Instant::now()))
            }
            Lately::All => Lately::All,
        };
        let begun = Instant::now();
        wait = match round(&usage, &tasks, &lately).await {
            Ok(behind) => {
                if lately == Lately::All {
                    grown.looked(begun.elapsed());
                }
                waiting.behind = behind;
                if waiting.behind.is_empty() { EVERY } else { REST }
            }
            Err(error) => {
                if let Lately::These(orgs) = lately {
                    waiting.behind = orgs;
                }
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the record could not be folded; what people see of usage is behind"
                );
                EVERY
            }
        }
    }
}

/// Who is folded later.
#[derive(Debug, Default)]
struct Waiting {
    /// Orgs in which little happened, and since when they wait.
    quiet: HashMap<OrgId, Instant>,
    /// Orgs of which a round did not fold all: they go on in the next one.
    behind: BTreeSet<OrgId>,
}

impl Waiting {
    /// Which orgs are to be folded now, of those that grew and those that waited long enough.
    fn due(
        &mut self,
        grown: BTreeSet<OrgId>,
        is_busy: impl Fn(&OrgId) -> bool,
        now: Instant,
    ) -> BTreeSet<OrgId> {
        for org in grown {
            self.quiet.entry(org).or_insert(now);
        }
        let all = self.quiet.len() > WAITING_MAX;
        let due = |org: &OrgId, since: Instant| all || now - since >= QUIET || is_busy(org);
        let mut all_due = std::mem::take(&mut self.behind);
        all_due.extend(self.quiet.extract_if(|org, since| due(org, *since)).map(|(org, _)| org));
        all_due
    }
}

/// Folds what grew. Gives the orgs that are behind by more than a round folds. A region whose
/// database is away keeps no other waiting; the first such error is given at the end.
async fn round(usage: &Usage, tasks: &Tasks, lately: &Lately) -> Result<BTreeSet<OrgId>, DbError> {
    let (mut behind, mut away) = (BTreeSet::new(), None);
    for (region, _) in usage.databases.clone().iter() {
        if let Err(error) = round_of(usage, tasks, lately, region, &mut behind).await {
            away.get_or_insert(error);
        }
    }
    away.map_or(Ok(behind), Err)
}

async fn round_of(
    usage: &Usage,
    tasks: &Tasks,
    lately: &Lately,
    region: Region,
    behind: &mut BTreeSet<OrgId>,
) -> Result<(), DbError> {
    let mut after = String::new();
    loop {
        let orgs = match lately {
            Lately::These(orgs) => orgs.iter().cloned().collect(),
            Lately::All => match usage.unfolded(region, &mut after).await? {
                Some(orgs) => orgs,
                None => return Ok(()),
            },
        };
        for org in orgs {
            if tasks.is_stopping() {
                return Ok(());
            }
            match usage.fold_of(&org, region, STEPS_OF_A_ROUND).await {
                Ok(folded) if folded.until.is_some() => {
                    behind.insert(org);
                }
                Ok(_) => {}
                Err(error) if error.is_unreachable() => return Err(error),
                // What is wrong with one org must not keep the others waiting.
                Err(error) => tracing::warn!(
                    org.id = %org,
                    error = &error as &dyn std::error::Error,
                    "the record of an org could not be folded"
                ),
            }
        }
        if *lately != Lately::All {
            return Ok(());
        }
    }
}

impl Usage {
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
                let (org, scope) = (BTreeSet::from([caller.org.clone()]), caller.itself());
                away.db.close().await;
                for (calls, lately) in [(1, Lately::All), (2, Lately::These(org))] {
                    call(&usage, &caller).await;
                    let error = round(&usage, &tasks, &lately).await.unwrap_err();
                    assert!(error.is_unreachable(), "{error}");
                    let folded = usage.databases.of(&scope).unwrap();
                    let folded = folded.maybe(sql::CURSOR, args![]).await.unwrap().unwrap();
                    assert_eq!(folded.int("seq").unwrap(), calls, "{lives} {lately:?}");
                }
            }
        }
    }

    #[test]
    fn an_org_of_which_more_is_left_than_a_round_folds_goes_on_in_the_next_one() {
        let left = BTreeSet::from([OrgId::new(At::UNIX_EPOCH)]);
        let mut waiting = Waiting { behind: left.clone(), ..Waiting::default() };
        let mut due = || waiting.due(BTreeSet::new(), |_| false, Instant::now());
        assert_eq!((due(), due()), (left, BTreeSet::new()));
    }

    #[test]
    fn an_org_in_which_little_happens_is_folded_once_a_minute_and_a_busy_one_at_once() {
        let orgs: Vec<OrgId> = (0..2).map(|_| OrgId::new(At::UNIX_EPOCH)).collect();
        let (busy, quiet) = (orgs[0].clone(), orgs[1].clone());
        let (mut waiting, begun) = (Waiting::default(), Instant::now());
        let mut after = |secs: u64, grown: &[OrgId]| {
            let is_busy = |org: &OrgId| *org == busy;
            let now = begun + Duration::from_secs(secs);
            waiting.due(grown.iter().cloned().collect(), is_busy, now)
        };
        assert_eq!(after(0, &orgs), BTreeSet::from([busy.clone()]));
        assert_eq!(after(5, &orgs), BTreeSet::from([busy.clone()]));
        assert_eq!(after(55, std::slice::from_ref(&quiet)), BTreeSet::new());
        assert_eq!(after(60, &[]), BTreeSet::from([quiet.clone()]));
        assert_eq!(after(65, std::slice::from_ref(&quiet)), BTreeSet::new(), "and waits again");
        let many: Vec<OrgId> = (0..WAITING_MAX).map(|_| OrgId::new(At::UNIX_EPOCH)).collect();
        assert_eq!(after(70, &many).len(), WAITING_MAX + 1, "none waits where too many do");
    }
}
