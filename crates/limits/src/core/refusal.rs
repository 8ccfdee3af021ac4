//! Why a call was not admitted.

use std::fmt;
use std::time::Duration;

use super::ceiling::{Dimension, Level, Subject};
use super::standing::Standing;

/// When to come back if calls under way block the way: nobody knows when they end.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// Whether it helps to ask again. The later, the tighter; never is the tightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// After so long, if nobody else takes it first.
    After(Duration),
    /// Never: the call asks for more than the limit itself.
    Never,
}

/// What stands in the way of a call at one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) dimension: Dimension,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) retry: Retry,
}

impl Obstacle {
    /// The refusal, at this subject.
    pub(super) fn at(self, subject: &Subject<'_>, standing: Standing) -> Refused {
        Refused {
            level: subject.level,
            subject: subject.name.into(),
            dimension: self.dimension,
            limit: self.limit,
            remaining: self.remaining,
            retry: self.retry,
            standing: Box::new(standing),
        }
    }
}

/// The call was not admitted, and nothing was taken.
///
/// Of all limits in the way it names the one that takes longest to lift; of
/// equals, the first. So whoever waits as told is not refused by another one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Refused {
    /// Where in the org the limit hangs.
    pub level: Level,
    /// Whose limit it is.
    pub subject: Box<str>,
    /// What is limited.
    pub dimension: Dimension,
    /// The limit; money in nano-cents.
    pub limit: u64,
    /// What is left of it; money in nano-cents.
    pub remaining: u64,
    /// Whether and when to ask again.
    pub retry: Retry,
    /// How all levels stand, for the headers.
    pub standing: Box<Standing>,
}

impl Refused {
    fn sentence(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            let limit = self.dimension.describe(self.limit);
            match self.retry {
                Retry::After(_) => write!(f, "`{}` is at its limit of {limit}", self.subject),
                Retry::Never => {
                    write!(f, "one call asks for more than `{}` may use: {limit}", self.subject)
                }
            }
        })
    }
}

/// No reservation of this id is open: never made, settled, or given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no reservation of this request is open")]
pub struct NotOpen;
