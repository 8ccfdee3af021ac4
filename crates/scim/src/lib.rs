//! Directories that provision members: a SCIM 2.0 service (RFC 7643, RFC 7644).
//!
//! # What this room promises
//!
//! - Whom a directory suspends or removes is out at once, with sessions and keys:
//!   `whom_a_directory_suspends_or_removes_is_out_at_once`; and comes back when it says so:
//!   `whom_a_directory_brings_back_may_act_again`. Whom the org suspended by hand, a
//!   directory does not bring back: `a_directory_does_not_bring_back_whom_the_org_suspended`.
//! - A directory never gives or takes an owner, and the last one stays:
//!   `a_directory_has_no_say_over_owners`.
//! - A directory sees its own users and groups and no other's:
//!   `directories_and_orgs_see_nothing_of_each_other`.
//! - Nobody gives by a directory what they do not have:
//!   `nobody_gives_by_a_directory_what_they_do_not_have`.
//! - A directory changes nobody who may more than whoever made its token, and than the roles
//!   it gives: `a_directory_of_ones_own_governs_nobody_who_may_more`; nor by roles that were
//!   changed by somebody who may less: `whoever_changes_what_a_directory_gives_answers_for_it`.
//! - User names are unique without regard to case, members have one directory:
//!   `a_user_name_is_given_once_without_regard_to_case`,
//!   `a_member_who_is_here_already_is_taken_over_once`.
//! - One request is one change and one event; a refused one changes nothing:
//!   `one_request_is_one_event_and_a_refused_one_changes_nothing`.
//! - Every token that is not good gets the same answer, and the refusal is recorded:
//!   `every_bad_token_gets_the_same_answer_and_is_recorded`; what is under way when a token ends
//!   changes nothing more:
//!   `a_request_under_way_changes_nothing_once_its_token_ended_or_its_directory_changed`.
//!   A token is shown once, and two of them live while one is replaced:
//!   `a_token_is_shown_once_and_two_live_while_it_is_replaced`.
//! - What a directory knows of people is sealed at rest and stands in no event:
//!   `what_a_directory_knows_of_people_cannot_be_read_from_the_disk`.
//! - Filters, patches, bulks and pages are bounded: `what_is_too_much_is_refused_soon`,
//!   `a_group_of_ten_thousand_is_read_and_changed`; requests too:
//!   `a_directory_that_asks_too_often_is_told_when_to_come_back`.
//! - Entra and Okta are understood as they speak: `entra_provisions_as_it_does_in_the_field`,
//!   `okta_provisions_as_it_does_in_the_field`.
//! - A change that somebody else made meanwhile is not overwritten by who says what they
//!   saw: `a_change_made_meanwhile_is_not_overwritten`; nor is one that was made by hand:
//!   `what_the_org_does_by_hand_makes_another_version`.
//! - A mapped role that was deleted since gives nothing, and nothing else in its place:
//!   `a_mapped_role_that_is_gone_gives_nothing_and_takes_what_its_group_gave`.
//! - As long as there is a directory, nobody becomes a member by signing in:
//!   `an_org_is_provisioned_as_long_as_it_has_a_directory`.

// The optimiser lays out a member's change and all that it awaits in one piece.
#![recursion_limit = "256"]

mod amend;
mod api;
mod bulk;
mod cast;
#[cfg(test)]
mod crowd;
mod directory;
mod discovery;
mod document;
mod door;
mod enter;
mod error;
mod events;
mod fuzz;
mod grammar;
mod group;
mod join;
mod keeper;
mod kept;
mod list;
mod mapping;
mod matching;
mod members;
mod pages;
mod pass;
mod patch;
mod person;
mod place;
mod provision;
mod query;
mod read;
mod render;
mod reply;
mod schema;
mod seen;
mod shown;
pub mod sql;
mod tag;
mod token;
mod user;
mod vouch;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use access::{Databases, Region};
use audit::Record;
use base::seal::{Mac, RootKey};
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use identity::Identity;

pub use self::api::api;
pub use self::directory::{Directory, DirectoryPatch, NewDirectory};
pub use self::door::routes;
use self::enter::Noted;
pub use self::error::Error;
pub use self::fuzz::fuzz;
use self::kept::Seals;
pub use self::kept::{DirectoryId, TokenId};
pub use self::mapping::Mapped;
pub use self::pages::pages;
use self::pass::Pass;
use self::provision::Directories;
pub use self::seen::Asked;
use self::seen::Seen;
pub use self::token::{Issued, Token};

/// What the room stands on.
#[derive(Debug)]
pub struct Needs<'a> {
    /// The databases of the regions that are served here.
    pub databases: &'a Databases,
    /// Tells the time.
    pub clock: &'a SharedClock,
    /// Where refusals are recorded.
    pub record: &'a Record,
    /// Whose members and teams these are.
    pub identity: &'a Identity,
    /// The root key of each region.
    pub roots: &'a BTreeMap<Region, RootKey>,
    /// Background work.
    pub tasks: &'a Tasks,
    /// Where this service is reached: `https://portico.example`. Not said: where a request
    /// was sent to.
    pub public_url: Option<String>,
    /// Whether it is reached over TLS, where its address is not said.
    pub https: bool,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scim(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    identity: Identity,
    macs: BTreeMap<Region, Mac>,
    seals: Seals,
    pass: Pass,
    seen: Seen,
    noted: Noted,
    public_url: Option<String>,
    https: bool,
}

impl Scim {
    /// Opens the room and starts its background work.
    pub fn open(needs: &Needs<'_>) -> io::Result<Self> {
        let macs = needs.roots.iter().map(|(region, root)| (*region, root.mac("scim/token")));
        let room = Self(Arc::new(Room {
            databases: needs.databases.clone(),
            clock: needs.clock.clone(),
            record: needs.record.clone(),
            identity: needs.identity.clone(),
            macs: macs.collect(),
            seals: Seals::new(needs.roots, needs.databases.homes())?,
            pass: Pass::default(),
            seen: Seen::default(),
            noted: Noted::default(),
            public_url: needs.public_url.clone(),
            https: needs.https,
        }));
        needs.identity.ask_of_sources(Arc::new(Directories(needs.databases.clone())));
        needs.tasks.spawn(room.clone().tend(needs.tasks.clone()));
        Ok(room)
    }

    fn now(&self) -> At {
        self.0.clock.now()
    }
}
