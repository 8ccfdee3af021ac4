//! What everybody used, day by day: written with the events, in one transaction.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{OnceLock, Weak};

use audit::{CALL_ENDED, CallFacts, Committed, Passed, Rider};
use base::args;
use base::db::{DbError, Tx};
use base::time::{At, day};
use jiff::SignedDuration;

use crate::subject::Subjects;
use crate::{Limits, Room, sql};

/// Counters are set to the ledger once nothing was for a second. An outcome that is committed
/// sooner than this after its call ended is in the ledger by then.
const LATE: SignedDuration = SignedDuration::from_millis(500);

/// Rides with the outcome of every call: the ledger equals the record.
#[derive(Debug, Default)]
pub struct Ledger(OnceLock<Weak<Room>>);

impl Ledger {
    /// From now on this room hears of outcomes that come late.
    pub(crate) fn tells(&self, room: &Weak<Room>) {
        let _once = self.0.set(Weak::clone(room));
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    calls: i64,
    tokens_in: i64,
    tokens_out: i64,
    nanocents: i64,
}

impl Sum {
    fn add(&mut self, call: &CallFacts) {
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        self.calls += 1;
        self.tokens_in = self.tokens_in.saturating_add(count(call.tokens_in));
        self.tokens_out = self.tokens_out.saturating_add(count(call.tokens_out));
        self.nanocents = self.nanocents.saturating_add(call.price_nanocents);
    }
}

impl Rider for Ledger {
    fn ride<'a>(
        &'a self,
        tx: &'a mut Tx,
        ended: &'a [&'a Passed],
    ) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>> {
        Box::pin(add(tx, ended))
    }

    fn committed(&self, events: &[Committed<'_>]) {
        let Some(room) = self.0.get().and_then(Weak::upgrade) else { return };
        let limits = Limits(room);
        let now = limits.0.clock.now();
        let late = |event: &&Committed<'_>| {
            event.action == CALL_ENDED && now.duration_since(event.at) >= LATE
        };
        for event in events.iter().filter(late) {
            if let Some(shared) = &limits.org(event.org).shared {
                shared.suspect.store(true, Ordering::Release);
            }
        }
    }
}

/// One row for each subject and day of the group, in the order of their keys:
/// nodes that write at once wait for each other, and never in a circle.
async fn add(tx: &mut Tx, ended: &[&Passed]) -> Result<(), DbError> {
    let names: Vec<Subjects> =
        ended.iter().map(|one| Subjects::of_payer(&one.payer, &one.call.model)).collect();
    let mut days: BTreeMap<i64, At> = BTreeMap::new();
    let mut sums: BTreeMap<(&str, i64, &str), Sum> = BTreeMap::new();
    for (passed, names) in ended.iter().zip(&names) {
        let (org, at) = (passed.payer.org.as_str(), passed.call.started_at);
        let date = at.as_second().div_euclid(86_400);
        days.entry(date).or_insert(at);
        for (_, subject) in names.iter() {
            sums.entry((org, date, subject)).or_default().add(&passed.call);
        }
    }
    let days: BTreeMap<i64, String> = days.into_iter().map(|(date, at)| (date, day(at))).collect();
    let rows: Vec<_> = sums
        .into_iter()
        .map(|((org, date, subject), sum)| {
            let day = days.get(&date).map_or("", String::as_str);
            args![org, day, subject, sum.calls, sum.tokens_in, sum.tokens_out, sum.nanocents]
        })
        .collect();
    tx.many(&sql::ADD, rows).await.map(drop)
}
