//! The room, as people and the gateway use it, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod answer;
mod bench;
mod cases;
mod classes;
mod drafts;
mod exchange;
mod keep;
mod list;
mod pages;
mod pages_of_one;
mod teach;
mod trial;
