//! Who decides: people.

use access::{Caller, MemberId};

use crate::Error;

/// The member that the caller is, and decides: programs neither ask nor consent, be it with
/// the key of a member.
pub(crate) fn in_person(caller: &Caller) -> Result<&MemberId, Error> {
    if caller.key.is_some() { Err(Error::PeopleOnly) } else { person(caller) }
}

/// The member that the caller is, or whose key a program shows.
pub(crate) fn person(caller: &Caller) -> Result<&MemberId, Error> {
    caller.actor.member().ok_or(Error::PeopleOnly)
}
