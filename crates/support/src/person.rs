//! Who decides: people.

use access::{Caller, MemberId};

use crate::Error;

/// The member that the caller is: programs neither ask nor consent.
pub(crate) fn person(caller: &Caller) -> Result<&MemberId, Error> {
    caller.actor.member().ok_or(Error::PeopleOnly)
}
