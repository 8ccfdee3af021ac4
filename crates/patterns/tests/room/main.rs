//! The room, as people and the gateway use it, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod answer;
mod bench;
mod exchange;
mod keep;
mod list;
mod teach;
mod trial;
