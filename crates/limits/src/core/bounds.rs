//! How much the subjects of an org may have spent at most. A node has it on its disk before it
//! is spent, so that a start that knows of no ledger can take it for spent.

use std::collections::BTreeMap;

use base::money::NanoCents;
use base::time::At;

use super::amount::Ask;
use super::book::Book;
use super::calendar::{Moment, instant};
use super::ceiling::{Ceiling, Subject, nanos};

/// Of what is left of a budget, the part that is taken for spent ahead of the calls: what a
/// start without the ledger loses of it, against how often it must be written down.
const PART: u64 = 16;

/// Money of one day and of one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Most {
    pub(crate) day: u64,
    pub(crate) month: u64,
}

/// What each subject that has a limit in money spent and held, and may spend before this is
/// written down anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// In whose day and month.
    moment: Moment,
    most: BTreeMap<Box<str>, Most>,
}

impl Bounds {
    /// As they were written down.
    pub(crate) fn new(at: At, most: BTreeMap<Box<str>, Most>) -> Self {
        Self { moment: Moment::of(at), most }
    }

    pub(crate) fn at(&self) -> At {
        instant(self.moment.now)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Most)> {
        self.most.iter().map(|(name, most)| (&**name, *most))
    }

    /// Of a subject, in the day and month of another moment: nothing in later ones.
    fn of(&self, name: &str, moment: &Moment) -> Most {
        let most = self.most.get(name).copied().unwrap_or_default();
        Most {
            day: if self.moment.day == moment.day { most.day } else { 0 },
            month: if self.moment.month == moment.month { most.month } else { 0 },
        }
    }

    /// Where these are above others, those: both hold until it is known which are on the disk.
    pub(crate) fn narrow(&mut self, others: &Self) {
        let moment = self.moment;
        for (name, most) in &mut self.most {
            let other = others.of(name, &moment);
            *most = Most { day: most.day.min(other.day), month: most.month.min(other.month) };
        }
    }
}

impl Book {
    /// Bounds of what is counted under a limit in money, and room for calls by these subjects
    /// that ask for so much. The book must stand at the present.
    pub(crate) fn bounds(
        &self,
        ceiling: impl Fn(&str) -> Ceiling,
        asked: &[Subject<'_>],
        ask: Ask,
    ) -> Bounds {
        let mut most = BTreeMap::new();
        for name in self.names() {
            let ceiling = ceiling(name);
            if ceiling.limits_money() {
                most.insert((&**name).into(), self.bound(name, &ceiling, 0));
            }
        }
        for subject in asked.iter().filter(|subject| subject.ceiling.limits_money()) {
            let bound = self.bound(subject.name, subject.ceiling, nanos(ask.money));
            most.insert(subject.name.into(), bound);
        }
        Bounds { moment: *self.moment(), most }
    }

    fn bound(&self, name: &str, ceiling: &Ceiling, asked: u64) -> Most {
        let used = self.money(name);
        let bound = |used: u64, limit: Option<NanoCents>| {
            let wanted = used.saturating_add(asked);
            let Some(limit) = limit.map(nanos) else { return wanted };
            let ahead = (limit.saturating_sub(wanted) / PART).max(asked);
            wanted.saturating_add(ahead).min(limit)
        };
        Most {
            day: bound(used.day, ceiling.money_per_day),
            month: bound(used.month, ceiling.money_per_month),
        }
    }

    /// Whether a call leaves all of its subjects within these bounds, or is refused by a limit.
    /// The book must stand at the present.
    pub(crate) fn is_within(
        &self,
        bounds: Option<&Bounds>,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> bool {
        let asked = nanos(ask.money);
        let limited = || subjects.iter().filter(|subject| subject.ceiling.limits_money());
        let refused = || {
            let beyond = |limit: Option<NanoCents>, used: u64| {
                limit.is_some_and(|limit| used.saturating_add(asked) > nanos(limit))
            };
            limited().any(|Subject { name, ceiling, .. }| {
                let used = self.money(name);
                beyond(ceiling.money_per_day, used.day)
                    || beyond(ceiling.money_per_month, used.month)
            })
        };
        let fits = |limit: Option<NanoCents>, used: u64, most: u64| {
            limit.is_none() || used.saturating_add(asked) <= most
        };
        let mut all = limited().map(|Subject { name, ceiling, .. }| {
            let used = self.money(name);
            let most = bounds.map(|all| all.of(name, self.moment())).unwrap_or_default();
            fits(ceiling.money_per_day, used.day, most.day)
                && fits(ceiling.money_per_month, used.month, most.month)
        });
        asked == 0 || all.all(|fits| fits) || refused()
    }

    /// Whether more was used somewhere than these bounds say, and a limit leaves something still.
    /// The book must stand at the present.
    pub(crate) fn exceeds(&self, bounds: &Bounds, ceiling: impl Fn(&str) -> Ceiling) -> bool {
        let below = |limit: Option<NanoCents>, used: u64, most: u64| {
            limit.is_some_and(|limit| used > most && most < nanos(limit))
        };
        bounds.most.keys().any(|name| {
            let (used, most) = (self.money(name), bounds.of(name, self.moment()));
            let ceiling = ceiling(name);
            below(ceiling.money_per_day, used.day, most.day)
                || below(ceiling.money_per_month, used.month, most.month)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::amount::Used;
    use super::super::ceiling::Level;
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    fn monthly(nanos: i64) -> Ceiling {
        Ceiling { money_per_month: Some(NanoCents(nanos)), ..Ceiling::default() }
    }

    fn org(ceiling: &Ceiling) -> [Subject<'_>; 1] {
        [Subject { level: Level::Org, name: "org", ceiling }]
    }

    fn costs(nanos: i64) -> Ask {
        Ask { tokens: 1, money: NanoCents(nanos) }
    }

    /// Calls of this price until the budget refuses; how often bounds had to be written down.
    fn spend(limit: i64, price: i64) -> (u32, u32) {
        let (ceiling, now) = (monthly(limit), at("2026-05-05T10:00:00Z"));
        let mut book = Book::new(Duration::from_mins(10));
        book.advance(now);
        let (mut bounds, mut written) = (None, 0);
        for call in 0.. {
            if !book.is_within(bounds.as_ref(), &org(&ceiling), costs(price)) {
                bounds = Some(book.bounds(|_| ceiling, &org(&ceiling), costs(price)));
                written += 1;
            }
            let request = call.to_string();
            if book.reserve(now, &request, &org(&ceiling), costs(price)).is_err() {
                return (call, written);
            }
            let exceeded = book.exceeds(bounds.as_ref().unwrap(), |_| ceiling);
            assert!(!exceeded, "what is spent was written before");
            book.settle(now, &request, Used { tokens: 1, money: NanoCents(price) }).unwrap();
        }
        unreachable!("a budget ends")
    }

    #[test]
    fn a_budget_is_spent_to_its_end_and_its_bounds_are_written_seldom() {
        assert_eq!(spend(3, 1), (3, 2));
        let (calls, written) = spend(1_000_000, 10);
        assert_eq!(calls, 100_000);
        assert!(written < 150, "{written}");
    }

    #[test]
    fn bounds_never_pass_a_limit_and_hold_for_their_own_day_and_month() {
        let ceiling = Ceiling { money_per_day: Some(NanoCents(100)), ..monthly(1_000) };
        let mut book = Book::new(Duration::from_mins(10));
        book.advance(at("2026-05-31T10:00:00Z"));
        let most = |book: &Book, asked| {
            let bounds = book.bounds(|_| ceiling, &org(&ceiling), costs(asked));
            bounds.iter().map(|(_, most)| (most.day, most.month)).collect::<Vec<_>>()
        };
        assert_eq!(most(&book, 10), [(20, 71)], "what is asked for once more, or a sixteenth");
        assert_eq!(most(&book, 90), [(100, 180)]);
        let bounds = book.bounds(|_| ceiling, &org(&ceiling), costs(90));
        assert!(book.is_within(Some(&bounds), &org(&ceiling), costs(100)));
        assert!(!book.is_within(None, &org(&ceiling), costs(100)));
        assert!(book.is_within(None, &org(&ceiling), costs(0)), "what costs nothing goes on");
        assert!(book.is_within(None, &org(&ceiling), costs(101)), "the limit refuses it");
        book.advance(at("2026-06-01T00:00:00Z"));
        assert!(!book.is_within(Some(&bounds), &org(&ceiling), costs(1)));
    }

    #[test]
    fn until_new_bounds_are_written_the_narrower_hold() {
        let now = at("2026-05-31T10:00:00Z");
        let of = |all: &[(&str, u64)]| {
            let most = all.iter().map(|(name, month)| {
                let most = Most { day: 1, month: *month };
                (Box::from(*name), most)
            });
            Bounds::new(now, most.collect())
        };
        let mut old = of(&[("org", 5), ("key:a", 7), ("key:b", 7)]);
        old.narrow(&of(&[("org", 9), ("key:a", 3)]));
        let months: Vec<u64> = old.iter().map(|(_, most)| most.month).collect();
        assert_eq!(months, [3, 0, 5], "by name: key:a, key:b, org");
        old.narrow(&Bounds::new(at("2026-06-01T00:00:00Z"), BTreeMap::new()));
        assert!(old.iter().all(|(_, most)| most == Most::default()));
    }
}
