//! The room, as identity providers and administrators use it, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod bounds;
mod bulk;
mod deprovision;
mod directories;
mod entra;
mod groups;
mod house;
mod judge;
mod okta;
mod pages;
mod roles;
mod search;
mod tokens;
mod users;
mod vouched;
mod walls;
