//! Versions: what a directory has seen, and whether that still holds. A version is another
//! one after every change of the directory's own, and after what the org did by hand: to a
//! member's state, to who is in a team.

use access::{MemberId, TeamId};
use identity::{Roster, Work};

use crate::enter::Entered;
use crate::kept::Kept;
use crate::schema::Resource;
use crate::{Error, Scim};

/// Changes that may come between a look at the org and the beginning of one's own; behind
/// that what the directory has seen counts as changed.
const LOOKS_MAX: usize = 3;

/// What an `ETag` says of a resource. It costs no look at the members of a group.
pub(crate) fn of(resource: Resource, kept: &Kept, roster: &Roster) -> String {
    let by_hand = match resource {
        Resource::User => kept.subject.parse::<MemberId>().map(|member| roster.mark_of(&member)),
        Resource::Group => kept.subject.parse::<TeamId>().map(|team| roster.mark_of_team(&team)),
    };
    format!("W/\"{}-{:016x}\"", kept.version, by_hand.unwrap_or_default())
}

/// What a directory says that it has seen, and the org as it is where a change begins.
#[derive(Debug)]
pub(crate) struct Expected<'a>(Option<(&'a str, Roster)>);

impl Expected<'_> {
    /// Refuses to change what was changed since the directory looked.
    pub(crate) fn still(&self, resource: Resource, kept: &Kept) -> Result<(), Error> {
        let Some((seen, roster)) = &self.0 else { return Ok(()) };
        let own = of(resource, kept, roster);
        let same = seen.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.trim_start_matches("W/") == own.trim_start_matches("W/")
        });
        if same { Ok(()) } else { Err(Error::Changed) }
    }
}

impl Scim {
    /// Begins a change by a directory that has seen this version, or does not say.
    pub(crate) async fn begin<'a>(
        &self,
        by: &Entered,
        seen: Option<&'a str>,
    ) -> Result<(Work, Expected<'a>), Error> {
        let Some(seen) = seen else {
            return Ok((self.begin_as(by).await?, Expected(None)));
        };
        for _ in 0..LOOKS_MAX {
            // Before the change begins: what holds a connection must not wait for another.
            let roster = self.0.identity.roster(&by.caller).await?;
            let work = self.begin_as(by).await?;
            if roster.holds_in(&work) {
                return Ok((work, Expected(Some((seen, roster)))));
            }
        }
        Err(Error::Changed)
    }
}
