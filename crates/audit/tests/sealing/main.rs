//! What the keys of the record are wrapped with: files and a transit engine, epochs, and what
//! is left of somebody who was erased, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod asking;
mod copies;
mod crashing;
mod house;
mod turning;
mod vault;
