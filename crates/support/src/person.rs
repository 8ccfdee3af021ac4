//! Who decides: people, behind a second factor.

use access::{Actor, Caller, FACTOR_RECENT_SECS, MemberId, NeedsFactor};

use crate::Error;

/// The member that the caller is: programs neither ask nor consent.
pub(crate) fn person(caller: &Caller) -> Result<&MemberId, Error> {
    match &caller.actor {
        Actor::Member(id) => Ok(id),
        Actor::Service(_)
        | Actor::Operator(_)
        | Actor::Node(_)
        | Actor::Directory(_)
        | Actor::Guest(_) => Err(Error::PeopleOnly),
    }
}

/// Refuses a session in which no second factor was shown just now, whatever the org asks
/// of its members: operators always have one. A key was made behind one.
pub(crate) fn factor_shown(caller: &Caller) -> Result<(), NeedsFactor> {
    let Some(session) = &caller.standing.session else { return Ok(()) };
    let shown = session.factor_at.zip(caller.standing.at);
    let age_secs = shown.map(|(at, now)| now.as_second() - at.as_second());
    match age_secs {
        Some(age) if age <= FACTOR_RECENT_SECS => Ok(()),
        Some(_) | None => Err(NeedsFactor { max_age_secs: FACTOR_RECENT_SECS }),
    }
}
