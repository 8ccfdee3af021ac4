//! Where data stays: the directory from an org to its home.
//!
//! # What this room promises
//!
//! - The directory holds random ids and keyed hashes, no names:
//!   `the_directory_holds_no_name`.
//! - A short name belongs to one org of all regions: `a_short_name_is_claimed_once`.
//! - A domain is of one org of all regions: `a_domain_is_of_one_org`.
//! - A known home is answered while the directory's database is down:
//!   `a_known_home_is_answered_without_the_database`.
//! - A region is served by one living node: `two_living_nodes_never_serve_one_region`; a
//!   dead one's is taken after it was watched: `a_dead_nodes_region_is_taken`. A life that was
//!   given up keeps nobody from it: `a_node_that_gave_up_is_not_taken_for_one_that_lives`.
//!   Nodes that share it join at once, and never beside one that does not:
//!   `nodes_that_share_a_region_never_serve_it_beside_one_that_does_not`.
//! - A move of an org to another region is one conditional write after the other, and the
//!   switch happens behind a closed gate or not at all: `a_move_goes_step_by_step`.
//! - No org moves but by the order of whoever may say so in it, which is recorded:
//!   `an_owner_orders_and_the_operator_moves_under_load`, in the journeys. Its owner sees it to the
//!   signed receipt: `an_owner_orders_a_move_and_sees_it_to_its_receipt`, in a browser.
//!
//! The database of a region is chosen by `access::Databases` from the proof of a
//! permission; the endpoints of a region by `gateway`; both cannot name another.

mod api;
mod directory;
mod domain;
mod lease;
mod moves;
mod order;
mod pages;
pub mod sql;
mod told;

pub use self::api::routes;
pub use self::directory::{Directory, Error, Home};
pub use self::lease::{Candidate, InstanceId, Lease, Pulse, SHARED};
pub use self::moves::{Move, Moved, Step, UnknownStep};
pub use self::order::{Order, Regions};
pub use self::pages::pages;
