//! Whether cells keep what is theirs: planted, probed, looked for, signed.
//!
//! It runs beside a deployment and is no part of one. It reaches cells through their doors, as
//! any client does, and reads their stores with what an operator has.
//!
//! # What this room promises
//!
//! - A canary is found however it is written, packed three times at most, and wherever a store
//!   cuts it: `a_canary_is_found_in_whatever_form_and_wherever_it_is_cut`.
//! - What is not there is not found: `chance_and_other_words_are_no_canary`.
//! - Bytes of strangers never stop it, and take memory of a fixed size:
//!   `bytes_of_strangers_are_looked_through_to_their_end`, `a_bomb_is_cut_off_and_counted`.
//! - Every combination of route, method and credential has its turn:
//!   `every_combination_has_its_turn_before_any_comes_again`.
//! - One database under two names is told: `one_database_under_two_names_is_told`.
//! - A store that shows nothing of its own cell, and a directory without an organization, pass for
//!   none: `a_store_that_shows_nothing_of_its_cell_is_told`,
//!   `a_directory_that_names_no_organization_is_not_taken_for_one`.
//! - A deployment that keeps what is theirs is attested, and one that leaks is caught:
//!   `cells_keep_what_is_theirs_and_a_cell_that_leaks_is_caught`.

mod apart;
pub mod canary;
mod control;
mod directory;
mod document;
mod error;
mod found;
pub mod plan;
mod plant;
mod probe;
mod run;
pub mod scan;
mod statement;
pub mod stores;
mod wire;

pub use self::apart::Apart;
pub use self::control::Control;
pub use self::directory::Between;
pub use self::error::Error;
pub use self::plan::Plan;
pub use self::probe::Probes;
pub use self::run::{Attested, Options, attest};
pub use self::statement::KIND;
