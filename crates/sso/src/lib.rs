//! Corporate sign-in: an org's connections to its identity providers, and signing in
//! through them.
//!
//! # What this room promises
//!
//! - Somebody whom their provider vouches for is let in, and becomes a member at their first
//!   sign-in, with the role and teams that their groups mean:
//!   `somebody_new_becomes_a_member_by_what_their_groups_mean`,
//!   `an_openid_provider_lets_somebody_in`.
//! - A response is accepted once: `a_response_is_accepted_once`; and in the browser alone
//!   that asked for it: `a_response_in_another_browser_signs_nobody_in`.
//! - One org's provider lets nobody into another org, even if both have the same one:
//!   `a_response_for_one_org_opens_no_other`.
//! - Why a sign-in was refused stands in the record and nowhere else:
//!   `every_refusal_looks_the_same_and_the_record_says_why`.
//! - Whoever was suspended or removed does not come back by signing in:
//!   `whoever_was_suspended_or_removed_does_not_come_back`; once they are invited again, they do:
//!   `whoever_was_removed_and_invited_again_comes_in_through_the_provider_as_before`.
//! - No mapping makes an owner, and an owner is not recognised by an address:
//!   `an_owner_is_not_recognised_by_an_address_and_connects_while_signed_in`; nobody lets a
//!   provider give what they could not give themselves:
//!   `nobody_promises_a_role_that_they_could_not_give`.
//! - Where a directory provisions members, nobody becomes one by signing in, and nobody's
//!   role follows the provider: `nobody_new_is_let_in_where_a_directory_provisions_members`.
//! - A mapped role that was deleted since lets nobody in by it, with no other in its place:
//!   `a_mapped_role_that_is_gone_lets_nobody_in_by_it_and_the_page_says_so`.
//! - Connecting takes no other way in: owners behind the glass keep theirs:
//!   `an_owner_behind_the_glass_connects_and_still_comes_in_without_the_provider`.
//! - Whoever connects a provider of their own cannot become somebody by it who may more than
//!   they, nor give anybody more: `an_admin_does_not_become_an_owner_by_a_provider_of_their_own`,
//!   `what_a_setup_link_connected_opens_no_account_until_it_is_confirmed`; the same holds for
//!   whoever lets more of it be believed:
//!   `whoever_lets_more_of_a_provider_be_believed_answers_for_it_too`, and for what groups mean:
//!   `an_admin_demotes_nobody_who_may_more_by_what_groups_mean`.
//! - A key that somebody found does not become a way to sign in:
//!   `nobody_connects_themselves_with_a_key`; a key bound to models, addresses or a time lets
//!   nobody in: `a_key_bound_to_models_addresses_or_a_time_connects_no_provider`.
//! - A connection that is switched off lets nobody in:
//!   `a_connection_that_is_off_lets_nobody_in`; and none is switched on that nobody came
//!   through in a test: `a_connection_is_tested_before_it_is_switched_on`.
//! - A session ends when the provider says that its own does:
//!   `a_session_ends_when_the_provider_says_and_no_later_than_the_organization_does`.
//! - Signing out at either end signs out at the other:
//!   `signing_out_here_signs_out_there_and_the_other_way_round`,
//!   `a_provider_says_in_the_back_that_somebody_left`.
//! - Metadata that cannot be read, or that is of another provider, changes nothing:
//!   `metadata_that_cannot_be_read_leaves_the_last_good_in_place`; certificates that expire
//!   are told of before: `certificates_that_expire_are_told_of_before`.
//! - An answer that nobody asked for is taken only where that is switched on, and never
//!   without a click: `an_answer_that_nobody_asked_for_needs_the_switch_and_a_click`.
//! - Secrets are sealed at rest: `no_secret_of_a_connection_can_be_read_from_the_disk`.

mod accept;
mod api;
mod browser;
mod captured;
mod connection;
mod desk;
mod door;
mod error;
mod events;
mod finish;
mod flow;
mod guide;
mod handle;
mod keeper;
mod keys;
mod leave;
mod left;
mod manage;
mod mapping;
mod pages;
mod person;
mod policy;
mod provider;
mod refused;
mod saml;
mod seals;
pub mod sql;
mod start;
mod tend;
mod turnstile;
mod vouch;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use access::{Databases, Region};
use audit::Record;
use base::fetch::Fetch;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use federation::oidc::RelyingParty;
use identity::{FindOrg, Identity};

pub use self::api::routes;
pub use self::captured::{Captured, Preview, Previewed};
pub use self::connection::{Connection, ConnectionState, Kind};
pub use self::error::Error;
pub use self::guide::Guide;
pub use self::handle::{ConnectionId, Handle, NotAHandle};
pub use self::manage::{ChangeConnection, NewConnection};
pub use self::mapping::{Mapped, Mapping, Rule};
pub use self::pages::{SSO_ASSETS, pages};
pub use self::policy::Policy;
pub use self::provider::ProviderSource;
pub use self::refused::Refused;
use self::seals::Seals;
use self::turnstile::Turnstile;

/// What the operator decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people reach this Portico: `https://portico.example`. What identity providers
    /// are told, so it must not follow from what a request says.
    pub public_url: String,
    /// Browsers send our cookies over TLS only.
    pub cookie_secure: bool,
}

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Where changes and refusals are recorded.
    pub record: Record,
    /// Who makes members and sessions.
    pub identity: Identity,
    /// Finds orgs by name.
    pub find_org: Arc<dyn FindOrg>,
    /// Asks addresses that admins gave.
    pub fetch: Fetch,
    /// The root key of each region.
    pub roots: BTreeMap<Region, RootKey>,
    /// Background work.
    pub tasks: Tasks,
    /// What the operator decides.
    pub config: Config,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sso(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    identity: Identity,
    find_org: Arc<dyn FindOrg>,
    fetch: Fetch,
    relying: RelyingParty,
    seals: Seals,
    turnstile: Turnstile,
    tasks: Tasks,
    config: Config,
}

impl Sso {
    /// Opens the room and starts its background work.
    pub fn open(needs: Needs) -> io::Result<Self> {
        let public_url = needs.config.public_url.trim_end_matches('/').to_owned();
        let sso = Self(Arc::new(Room {
            relying: RelyingParty::new(needs.fetch.clone()),
            seals: Seals::new(&needs.roots, needs.databases.homes())?,
            databases: needs.databases,
            turnstile: Turnstile::default(),
            clock: needs.clock,
            record: needs.record,
            identity: needs.identity,
            find_org: needs.find_org,
            fetch: needs.fetch,
            tasks: needs.tasks.clone(),
            config: Config { public_url, ..needs.config },
        }));
        needs.tasks.spawn(sso.clone().tend());
        Ok(sso)
    }

    fn now(&self) -> At {
        self.0.clock.now()
    }
}
