//! What must not be deleted now, though its owner asks or its time is over.

use async_trait::async_trait;
use base::db::DbError;
use base::time::At;
use jiff::SignedDuration;

use crate::Change;

/// Knows what must be kept. A room that deletes what people said asks within the change that
/// deletes.
#[async_trait]
pub trait Freeze: Send + Sync + std::fmt::Debug {
    /// What is frozen in the org of a change. Nobody freezes more before the change has ended.
    async fn frozen(&self, change: &mut Change) -> Result<Frozen, DbError>;
}

/// What is frozen in an org at an instant.
#[derive(Debug, Clone)]
pub struct Frozen {
    now: At,
    holds: Vec<HoldOn>,
    kept_for: SignedDuration,
}

/// A legal hold that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOn {
    /// The id of a person; none: on everybody.
    pub person: Option<String>,
    /// None: until somebody lifts it.
    pub until: Option<At>,
}

/// What keeps something, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which of both.
    pub by: Keeping,
    /// None: until a hold is lifted.
    pub until: Option<At>,
}

/// What can keep something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// A legal hold.
    Hold,
    /// The retention that a law asks of the org.
    Retention,
}

impl Frozen {
    /// These holds, and everything that was added to within `kept_for`.
    pub const fn new(now: At, holds: Vec<HoldOn>, kept_for: SignedDuration) -> Self {
        Self { now, holds, kept_for }
    }

    /// What keeps something of a person that was last added to at `last`: what lasts longest.
    /// None: it may go.
    pub fn keeps(&self, person: &str, last: At) -> Option<Kept> {
        let on = |hold: &&HoldOn| hold.person.as_deref().is_none_or(|whom| whom == person);
        let holds = self.holds.iter().filter(on);
        let holds = holds.map(|hold| Kept { by: Keeping::Hold, until: hold.until });
        holds.chain(self.retained(last)).max_by_key(|kept| (kept.until.is_none(), kept.until))
    }

    fn retained(&self, last: At) -> Option<Kept> {
        if self.kept_for.is_zero() {
            return None;
        }
        // Fails closed: a date that no calendar has is for ever.
        let until = last.checked_add(self.kept_for).ok();
        let over = until.is_some_and(|until| until <= self.now);
        (!over).then_some(Kept { by: Keeping::Retention, until })
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.by {
            Keeping::Hold => "a legal hold",
            Keeping::Retention => "the retention of the organization",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    fn hold(person: Option<&str>, until: Option<&str>) -> HoldOn {
        HoldOn { person: person.map(str::to_owned), until: until.map(at) }
    }

    #[test]
    fn a_hold_keeps_what_is_of_its_person_or_of_everybody_and_what_lasts_longest_is_told() {
        let (now, may, june) =
            (at("2026-04-01T00:00:00Z"), "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z");
        let of = |holds: Vec<HoldOn>, person| {
            Frozen::new(now, holds, SignedDuration::ZERO).keeps(person, now)
        };
        let by_hold = |until: Option<&str>| Some(Kept { by: Keeping::Hold, until: until.map(at) });
        assert_eq!(of(vec![], "mem_a"), None);
        let theirs = vec![hold(Some("mem_a"), Some(june)), hold(Some("mem_a"), Some(may))];
        assert_eq!(of(theirs.clone(), "mem_a"), by_hold(Some(june)));
        assert_eq!(of(theirs, "mem_ab"), None, "of nobody else");
        let open = vec![hold(None, None), hold(Some("mem_a"), Some(june))];
        assert_eq!(of(open.clone(), "mem_a"), by_hold(None), "an open one lasts longest");
        assert_eq!(of(open, "mem_b"), by_hold(None));
    }

    #[test]
    fn a_law_keeps_what_is_young_and_no_more() {
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let last = at("2026-05-01T00:00:00Z");
        let of = |now, kept_for| Frozen::new(at(now), vec![], kept_for).keeps("mem_a", last);
        let until = Some(at("2026-05-11T00:00:00Z"));
        let kept = Some(Kept { by: Keeping::Retention, until });
        assert_eq!(of("2026-05-10T23:00:00Z", days(10)), kept);
        assert_eq!(of("2026-05-11T00:00:00Z", days(10)), None);
        assert_eq!(of("2026-04-30T00:00:00Z", days(0)), None, "no law, whatever the clocks say");
        let for_ever = Some(Kept { by: Keeping::Retention, until: None });
        assert_eq!(of("2026-05-11T00:00:00Z", days(9_000_000)), for_ever);
    }
}
