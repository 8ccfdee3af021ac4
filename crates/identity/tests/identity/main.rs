//! The room through its routes, behind a door such as the server has, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod house;
mod isolation;
mod keys;
mod lifecycle;
mod members;
mod narrow;
mod outage;
mod rights;
mod sessions;
mod together;
