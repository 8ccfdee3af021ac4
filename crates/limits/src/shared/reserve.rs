//! Reserving a call where counters are shared; and alone, while the store is away.

use std::sync::Arc;

use access::Caller;
use base::time::At;

use super::counters::{Known, NO_LIFE, Said};
use super::org::SharedOrg;
use crate::core::{Admitted, Ask, Ceiling, Refused, Subject, Tally, Used};
use crate::org::Org;
use crate::subject::Subjects;
use crate::{Error, Hold, Limits};

/// How often the store may send us away to learn something before it decides.
const TURNS_MAX: usize = 6;
/// Subjects of one question at most.
const TALLIES_MAX: usize = 200;

/// A call that wants to be reserved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) names: &'a Subjects,
    pub(crate) request: &'a str,
    pub(crate) ask: Ask,
    pub(crate) at: At,
}

impl Limits {
    /// Reserves in the store; alone while it is away.
    pub(crate) async fn reserve_together(
        &self,
        org: &Arc<Org>,
        shared: &SharedOrg,
        mut wanted: Wanted<'_>,
    ) -> Result<Hold, Error> {
        for _ in 0..TURNS_MAX {
            let Some((ceilings, version)) = org.ceilings_of(wanted.names) else {
                self.load(org, &wanted.caller.itself()).await?;
                continue;
            };
            let subjects = wanted.names.with(&ceilings);
            let Wanted { request, ask, at, .. } = wanted;
            let asked = shared.counters.reservation(at, request, &subjects, ask, version);
            let mut waits = Waits(Some((org, shared, wanted)));
            let said = shared.counters.reserve(asked, &subjects).await;
            waits.0 = None;
            match said {
                Ok(Said::Done(given, decided)) => {
                    let begun = shared.hears(&given, &self.0.counts);
                    let answer = match decided {
                        Ok(admitted) if admitted.repeated => Err(Error::Repeated),
                        Ok(admitted) => Ok(self.held(org, &wanted, admitted, given.life)),
                        Err(refused) => Err(self.refused(refused)),
                    };
                    if begun {
                        // What is under way here is not known in the life that has begun.
                        let _at_the_next_beat = self.keep_alive(org).await;
                    }
                    return answer;
                }
                Ok(Said::Lost) => {
                    if let Err(error) = self.bring_back(org).await {
                        tracing::warn!(%error, "an org could not be brought back into the store");
                        return self.reserve_alone(org, &wanted, &ceilings, self.living());
                    }
                }
                Ok(Said::Gathering) => {
                    self.0.counts.closed.inc();
                    return Err(Error::StoreAway(super::Away::Gathering));
                }
                Ok(Said::Stale) => org.outdated(version),
                Ok(Said::Ahead(latest)) => wanted.at = latest,
                Err(away) => {
                    tracing::debug!(%away, "a call is decided without the store");
                    let alone = self.reserve_alone(org, &wanted, &ceilings, self.living());
                    if alone.is_err() && !matches!(away, super::Away::Known) {
                        take_back(org, shared, &wanted);
                    }
                    return alone;
                }
            }
        }
        Err(Error::Unavailable)
    }

    /// Reserves this node's share of rates and slots. Money is not divided: nobody knows what
    /// the others spend meanwhile.
    pub(crate) fn reserve_alone(
        &self,
        org: &Arc<Org>,
        wanted: &Wanted<'_>,
        ceilings: &[Ceiling],
        nodes: u32,
    ) -> Result<Hold, Error> {
        if wanted.ask.money.0 > 0 && ceilings.iter().any(Ceiling::limits_money) {
            self.0.counts.closed.inc();
            return Err(Error::StoreAway(super::Away::Known));
        }
        let shares: Vec<Ceiling> = ceilings.iter().map(|one| share(one, nodes)).collect();
        let subjects = wanted.names.with(&shares);
        match org.count(wanted.at, wanted.request, &subjects, wanted.ask) {
            Ok(admitted) if admitted.repeated => Err(Error::Repeated),
            Ok(admitted) => {
                self.0.counts.alone.inc();
                Ok(self.begun(org, wanted, admitted, NO_LIFE))
            }
            Err(refused) => Err(self.refused(refused)),
        }
    }

    fn living(&self) -> u32 {
        self.0.together.as_ref().map_or(1, |together| together.nodes.living()).max(1)
    }

    /// The store has admitted a call. This node counts it too, for when it is alone.
    fn held(
        &self,
        org: &Arc<Org>,
        wanted: &Wanted<'_>,
        admitted: Admitted,
        life: super::Generation,
    ) -> Hold {
        let open = vec![Ceiling::default(); wanted.names.iter().count()];
        let subjects = wanted.names.with(&open);
        // Without a limit nothing stands in the way.
        let _admitted = org.count(wanted.at, wanted.request, &subjects, wanted.ask);
        self.begun(org, wanted, admitted, life)
    }

    fn begun(
        &self,
        org: &Arc<Org>,
        wanted: &Wanted<'_>,
        admitted: Admitted,
        life: super::Generation,
    ) -> Hold {
        if let Some(shared) = &org.shared {
            shared.under_way.begun(known(wanted, admitted.reserved_at, life));
        }
        Hold::new(Arc::clone(org), self.0.clock.clone(), wanted.request, admitted)
    }

    /// The counters of some subjects: of all nodes, where they are shared.
    pub(crate) async fn tallies(
        &self,
        org: &Arc<Org>,
        keys: &[impl AsRef<str>],
    ) -> Result<Vec<Tally>, Error> {
        let now = self.0.clock.now();
        let Some(shared) = &org.shared else {
            return Ok(keys.iter().map(|key| org.tally(now, key.as_ref())).collect());
        };
        let mut tallies = Vec::with_capacity(keys.len());
        for keys in keys.chunks(TALLIES_MAX) {
            let mut said = shared.counters.tallies(now, keys).await?;
            if matches!(said, Said::Lost) {
                self.bring_back(org).await?;
                said = shared.counters.tallies(now, keys).await?;
            }
            let Said::Done(given, some) = said else { return Err(Error::Unavailable) };
            shared.hears(&given, &self.0.counts);
            tallies.extend(some);
        }
        Ok(tallies)
    }

    /// The names of everything that is counted, some hundred at a time.
    pub(crate) async fn counted(&self, org: &Arc<Org>) -> Result<Vec<Arc<str>>, Error> {
        let Some(shared) = &org.shared else { return Ok(org.counted()) };
        let names = self.tidy(shared).await?;
        Ok(names.into_iter().flatten().collect())
    }

    fn refused(&self, refused: Refused) -> Error {
        self.0.counts.refused(&refused);
        Error::Refused(Box::new(refused))
    }
}

/// A call that waits for the store. If it leaves before the answer, the step may be done all the
/// same.
struct Waits<'a>(Option<(&'a Arc<Org>, &'a SharedOrg, Wanted<'a>)>);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some((org, shared, wanted)) = &self.0 {
            take_back(org, shared, wanted);
        }
    }
}

/// A step that failed may have been done: what it may have taken is given back.
fn take_back(org: &Arc<Org>, shared: &SharedOrg, wanted: &Wanted<'_>) {
    let life = shared.heard().life;
    if life != NO_LIFE {
        let known = known(wanted, wanted.at, life);
        shared.queue.push(Arc::clone(org), known, Used::default());
    }
}

fn known(wanted: &Wanted<'_>, made: At, life: super::Generation) -> Known {
    let names = wanted.names.distinct();
    Known { request: wanted.request.into(), names, made, hold: wanted.ask, life }
}

/// One node's part of a limit. At least one: a limit below the number of nodes may be passed
/// by so much while the store is away.
fn share(ceiling: &Ceiling, nodes: u32) -> Ceiling {
    let part = |limit: Option<u64>| limit.map(|limit| (limit / u64::from(nodes)).max(1));
    Ceiling {
        requests_per_minute: part(ceiling.requests_per_minute),
        tokens_per_minute: part(ceiling.tokens_per_minute),
        concurrency: part(ceiling.concurrency),
        money_per_day: None,
        money_per_month: None,
    }
}

impl Subjects {
    /// Each with its ceiling, in their order.
    fn with<'a>(&'a self, ceilings: &'a [Ceiling]) -> Vec<Subject<'a>> {
        let named = self.iter().zip(ceilings);
        named.map(|((level, name), ceiling)| Subject { level, name, ceiling }).collect()
    }

    /// The names, each once.
    fn distinct(&self) -> Arc<[Box<str>]> {
        let mut names: Vec<Box<str>> = Vec::new();
        for (_, name) in self.iter() {
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
        }
        names.into()
    }
}
