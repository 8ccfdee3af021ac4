//! The counters: pure, in process, with the time passed in.
//!
//! One [`Book`] holds every counter of one org. It does no I/O and keeps
//! nothing but integers, so that each verb can become one atomic script of a
//! shared store; `vectors/*.json` are the steps that both must answer alike.
//!
//! # What the counters promise
//!
//! - A call is taken at every level or at none; a refusal changes nothing.
//! - In any 60 seconds no more than the limit is admitted, whatever the clock's
//!   second. Amounts are kept by the second and leave together, 60 s after the
//!   last of that second, so that no history costs more than 61 buckets.
//! - `spent + held + ask` never passes a budget when a call is admitted.
//! - An ask of nothing is never refused for lack of it: when the budget is used
//!   up, answers that cost nothing go on.
//! - A lease that ends gives back its slot and its money, and says so. A
//!   settlement that still arrives is charged, once.
//! - Time does not run backwards: an earlier `now` is taken as the latest seen.

mod account;
mod amount;
mod book;
mod bounds;
mod calendar;
mod ceiling;
mod purse;
mod refusal;
mod reservation;
mod standing;
mod window;

pub(crate) use amount::Amount;
pub use amount::{Ask, Used};
pub use book::Book;
pub(crate) use bounds::{Bounds, Most};
pub(crate) use calendar::{Moment, instant, span};
pub use ceiling::{Ceiling, Dimension, Level, Policy, Subject, policies};
pub(crate) use ceiling::{limit_money, nanos};
pub use refusal::{NotOpen, Refused, Retry};
pub use reservation::{Admitted, Expired, Settled};
pub use standing::{Gauge, Standing, Tally};
