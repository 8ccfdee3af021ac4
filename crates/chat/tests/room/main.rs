//! The room, as members and their browsers use it, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod answers;
mod at_once;
mod bench;
mod expire;
mod holding;
mod keep;
mod pages;
mod refusals;
mod search;
mod streams;
