//! The room through its routes, behind a door such as the server has, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod above;
mod browser;
mod factors;
mod guarded;
mod hearers;
mod house;
mod isolation;
mod keys;
mod lifecycle;
mod links;
mod lives;
mod mail;
mod members;
mod names;
mod narrow;
mod outage;
mod pages_access;
mod pages_door;
mod pages_keys;
mod pages_members;
mod pages_sessions;
mod pages_settings;
mod pages_teams;
mod reset;
mod rights;
mod sessions;
mod settings;
mod setup;
mod together;
mod under_way;
