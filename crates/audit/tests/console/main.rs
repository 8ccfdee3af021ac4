//! What the console needs of the record, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod explorer;
mod house;
mod keys;
mod pages;
mod proofs;
mod tail;
mod views;
mod words;
