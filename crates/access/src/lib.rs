//! Who may do what, and why not.
//!
//! # What this room promises
//!
//! - Nobody acts without a [`Caller`], and a handler without one is refused:
//!   `strangers_are_refused_when_nobody_identified_them`.
//! - A [`Scope`] is made by [`Caller::require`] alone; stores take a `Scope`, so a
//!   query that skips the check does not compile.
//! - The database is chosen from the scope ([`Databases::of`]), and the org of the
//!   scope is `$1` of every statement: a query cannot reach another org or region.
//! - While an org moves nobody begins to write in it, and whoever waits goes on where it is at
//!   home then: `nobody_enters_a_closed_gate_and_whoever_waits_goes_on_when_it_opens`.
//! - The four roles are exactly what `policy.txt` says:
//!   `the_policy_is_the_one_that_was_reviewed`.
//! - Guardrails narrow and never widen: `a_guard_narrows_and_never_widens`. They look at
//!   how sensitive a thing is; a grant on it holds whatever its class is:
//!   `a_grant_holds_whatever_the_class_and_a_guard_looks_at_it`.
//! - What ends with a credential hears of it: `whoever_waits_for_the_end_hears_of_it`.
//! - Sensitive changes ask for a recent second factor: `a_session_without_a_recent_factor_is_sent_to_confirm`.
//! - Every decision can say why: [`Decision`], `every_refusal_says_what_is_missing`.

mod caller;
mod compiled;
mod databases;
mod decision;
mod homes;
mod id;
mod life;
mod names;
mod permission;
mod policy;
mod region;
mod role;
mod standing;
mod thing;
mod trace_parent;

pub use self::caller::{Actor, Caller, Denied, Identified, Origin, Scope};
pub use self::compiled::{Access, Grant};
pub use self::databases::{Databases, OrgDb};
pub use self::decision::{Decision, Resource};
pub use self::homes::{Homes, Moving, Pass};
pub use self::id::{KeyId, MemberId, OrgId, ServiceId, TeamId};
pub use self::life::{CredentialsEnded, Life, LifeEnd, Watched};
pub use self::names::{Named, Names};
pub use self::permission::{Permission, PermissionSet, UnknownPermission};
pub use self::policy::policy;
pub use self::region::{Region, UnknownRegion};
pub use self::role::Role;
pub use self::standing::{
    FACTOR_RECENT_SECS, Guard, Method, NeedsFactor, Objection, ShownSession, Standing, Unrecorded,
};
pub use self::thing::{DataClass, Thing};
pub use self::trace_parent::TraceParent;
