//! Every few seconds: the orgs whose record has grown are folded, a busy one at once, one in
//! which little happens a minute later or more: each costs a transaction, and whoever reads folds
//! first. However many those are, most of the time belongs to the calls.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use audit::{Grown, Lately, rest_after};
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;

use crate::{Usage, sql};

/// How often it is looked at what grew.
const EVERY: Duration = Duration::from_secs(5);
/// How long an org waits in which little happens.
const QUIET: Duration = Duration::from_mins(1);
/// Orgs that wait at most; the others are found when all are looked at.
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
        let begun = Instant::now();
        let folded = round(&usage, &tasks, &grown, &mut waiting, begun + EVERY).await;
        if let Err(error) = &folded {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "the record could not be folded; what people see of usage is behind"
            );
        }
        let goes_on = folded.is_ok() && !waiting.behind.is_empty();
        wait = if goes_on { REST } else { EVERY.saturating_sub(begun.elapsed()).max(REST) };
    }
}

/// Looks at what grew, folds what is busy, and until an instant what waited long enough.
async fn round(
    usage: &Usage,
    tasks: &Tasks,
    grown: &Grown,
    waiting: &mut Waiting,
    until: Instant,
) -> Result<(), DbError> {
    match grown.take() {
        Lately::These(orgs) => waiting.add(orgs, Instant::now()),
        Lately::All => {
            let begun = Instant::now();
            usage.look_at_all(waiting, begun).await?;
            grown.looked(begun.elapsed());
        }
    }
    let at_once = waiting.at_once(|org| usage.ahead.is_busy(org));
    fold(usage, tasks, at_once, &mut waiting.behind).await?;
    while let Some(org) = waiting.long_enough(Instant::now()) {
        let begun = Instant::now();
        fold(usage, tasks, BTreeSet::from([org]), &mut waiting.behind).await?;
        let rest = tokio::time::timeout(rest_after(begun.elapsed()), tasks.stopping());
        if rest.await.is_ok() || Instant::now() >= until {
            break;
        }
    }
    Ok(())
}

/// Who is folded later.
#[derive(Debug, Default)]
struct Waiting {
    /// Orgs in which little happened.
    quiet: HashSet<OrgId>,
    /// Since when each waits, the longest first; one that does not wait any more may be there.
    since: VecDeque<(Instant, OrgId)>,
    /// Orgs of which a round did not fold all: they go on in the next one.
    behind: BTreeSet<OrgId>,
}

impl Waiting {
    fn add(&mut self, orgs: impl IntoIterator<Item = OrgId>, now: Instant) {
        for org in orgs {
            if self.since.len() < WAITING_MAX && self.quiet.insert(org.clone()) {
                self.since.push_back((now, org));
            }
        }
    }

    /// Which orgs are folded now: those that are behind, and the busy ones that grew.
    fn at_once(&mut self, is_busy: impl Fn(&OrgId) -> bool) -> BTreeSet<OrgId> {
        let mut at_once = std::mem::take(&mut self.behind);
        at_once.extend(self.quiet.extract_if(|org| is_busy(org)));
        at_once
    }

    /// Who waits longest, if it is long enough.
    fn long_enough(&mut self, now: Instant) -> Option<OrgId> {
        while let Some((since, org)) = self.since.front() {
            if self.quiet.contains(org) && now - *since < QUIET {
                return None;
            }
            let (_, org) = self.since.pop_front()?;
            if self.quiet.remove(&org) {
                return Some(org);
            }
        }
        None
    }
}

/// Folds these orgs; those of which more is left than one round folds go to `behind`. A region
/// whose database is away keeps no other waiting: what is there waits in `behind` too, and the
/// first such error is given at the end.
async fn fold(
    usage: &Usage,
    tasks: &Tasks,
    orgs: BTreeSet<OrgId>,
    behind: &mut BTreeSet<OrgId>,
) -> Result<(), DbError> {
    let mut away = None;
    for (region, _) in usage.databases.clone().iter() {
        if let Err(error) = fold_in(usage, tasks, region, &orgs, behind).await {
            away.get_or_insert(error);
        }
    }
    if away.is_some() {
        behind.extend(orgs);
    }
    away.map_or(Ok(()), Err)
}

async fn fold_in(
    usage: &Usage,
    tasks: &Tasks,
    region: Region,
    orgs: &BTreeSet<OrgId>,
    behind: &mut BTreeSet<OrgId>,
) -> Result<(), DbError> {
    for org in orgs {
        if tasks.is_stopping() {
            return Ok(());
        }
        match usage.fold_of(org, region, STEPS_OF_A_ROUND).await {
            Ok(folded) if folded.until.is_some() => {
                behind.insert(org.clone());
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
    Ok(())
}

impl Usage {
    /// Lets all wait that are not folded to the end. A region whose database is away keeps no
    /// other from that.
    async fn look_at_all(&self, waiting: &mut Waiting, now: Instant) -> Result<(), DbError> {
        let mut away = None;
        for (region, _) in self.databases.iter() {
            let mut after = String::new();
            loop {
                match self.unfolded(region, &mut after).await {
                    Ok(Some(orgs)) => waiting.add(orgs, now),
                    Ok(None) => break,
                    Err(error) => {
                        away.get_or_insert(error);
                        break;
                    }
                }
            }
        }
        away.map_or(Ok(()), Err)
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
                for calls in 1..=2 {
                    call(&usage, &caller).await;
                    let mut waiting = Waiting::default();
                    let looked = usage.look_at_all(&mut waiting, Instant::now()).await;
                    assert!(looked.unwrap_err().is_unreachable(), "{lives}");
                    assert_eq!(waiting.at_once(|_| true), org);
                    let folded = fold(&usage, &tasks, org.clone(), &mut waiting.behind).await;
                    assert!(folded.unwrap_err().is_unreachable(), "{lives}");
                    assert_eq!(waiting.behind, org, "looked at again");
                    let folded = usage.databases.of(&scope).unwrap();
                    let folded = folded.maybe(sql::CURSOR, args![]).await.unwrap().unwrap();
                    assert_eq!(folded.int("seq").unwrap(), calls, "{lives}");
                }
            }
        }
    }

    #[test]
    fn an_org_of_which_more_is_left_than_a_round_folds_goes_on_in_the_next_one() {
        let left = BTreeSet::from([OrgId::new(At::UNIX_EPOCH)]);
        let mut waiting = Waiting { behind: left.clone(), ..Waiting::default() };
        let mut at_once = || waiting.at_once(|_| false);
        assert_eq!((at_once(), at_once()), (left, BTreeSet::new()));
    }

    fn orgs(count: usize) -> Vec<OrgId> {
        (0..count).map(|_| OrgId::new(At::UNIX_EPOCH)).collect()
    }

    #[test]
    fn an_org_in_which_little_happens_is_folded_after_a_minute_and_a_busy_one_at_once() {
        let (orgs, begun) = (orgs(3), Instant::now());
        let after = |secs| begun + Duration::from_secs(secs);
        let mut waiting = Waiting::default();
        waiting.add(orgs[..2].iter().cloned(), after(0));
        let busy = BTreeSet::from([orgs[0].clone()]);
        assert_eq!(waiting.at_once(|org| busy.contains(org)), busy);
        waiting.add(orgs[1..].iter().cloned(), after(30));
        assert_eq!(waiting.long_enough(after(59)), None);
        assert_eq!(waiting.long_enough(after(60)), Some(orgs[1].clone()), "not the busy one again");
        waiting.add([orgs[1].clone()], after(61));
        assert_eq!(waiting.long_enough(after(89)), None);
        assert_eq!(waiting.long_enough(after(120)), Some(orgs[2].clone()), "in its turn");
        assert_eq!(waiting.long_enough(after(120)), None, "and waits again");
        assert_eq!(waiting.long_enough(after(121)), Some(orgs[1].clone()));
        assert!(waiting.quiet.is_empty() && waiting.since.is_empty());
    }

    #[test]
    fn so_many_orgs_wait_and_no_more() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add(orgs(WAITING_MAX + 10), now);
        assert_eq!((waiting.quiet.len(), waiting.since.len()), (WAITING_MAX, WAITING_MAX));
    }
}
