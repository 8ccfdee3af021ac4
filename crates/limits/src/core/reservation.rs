//! What is held for a call under way, and how it ends.

use std::sync::Arc;

use base::money::NanoCents;
use base::time::At;

use super::amount::Amount;
use super::calendar::{Moment, instant};
use super::standing::Standing;

/// What is held for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reservation {
    /// When it was made: its day and month are charged, whenever it is settled.
    pub(super) made: Moment,
    pub(super) hold: Amount,
    /// The subjects at which it is held.
    pub(super) subjects: Box<[Arc<str>]>,
    pub(super) state: State,
    /// When the state ends by itself.
    pub(super) due: i64,
}

/// ```text
/// reserve --> Open --settle--> gone                    (charged)
///              | lease ends
///              v
///             Lapsed --settle--> gone                  (charged, late)
///              | an hour passes
///              v
///             gone                                     (given back)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Slot and money are held.
    Open,
    /// The lease ended: slot and money are given back, a late settlement is still charged.
    Lapsed,
}

impl Reservation {
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// What to say about it when its lease has ended.
    pub(super) fn expired(&self, request: &Arc<str>) -> Expired {
        Expired {
            request: Arc::clone(request),
            reserved_at: instant(self.made.now),
            expired_at: instant(self.due),
            tokens: self.hold.tokens,
            money: self.hold.money(),
        }
    }
}

/// The call is admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// When it was made: its day and month are charged. Later than the `now` that
    /// was given, if the book had already seen a later one.
    pub reserved_at: At,
    /// Until when the reservation is held, unless it is extended.
    pub expires_at: At,
    /// Whether it was already open, so that nothing was taken this time.
    pub repeated: bool,
    /// How all levels stand now, for the headers.
    pub standing: Standing,
    /// Whether a subject of the call has a limit in money.
    pub limits_money: bool,
}

/// The reservation is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// While it was held.
    InTime,
    /// After its lease had ended: charged all the same, although the money it
    /// held was already given back.
    Late,
}

/// A lease ended before anybody settled: its slot and money are given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose lease.
    pub request: Arc<str>,
    /// When it was made.
    pub reserved_at: At,
    /// When it ended.
    pub expired_at: At,
    /// The tokens that it held. They go on counting for their minute: nobody
    /// said that they were not used.
    pub tokens: u64,
    /// The money that is given back.
    pub money: NanoCents,
}
