//! The published log: what others can verify, and what is found when somebody alters the
//! record, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod archived;
mod bucket;
mod busy;
mod crashing;
mod directory;
mod evidence;
mod house;
mod lost;
mod many;
mod one_writer;
mod others;
mod people;
mod proving;
mod publishing;
mod reading;
mod restoring;
mod shelf;
mod starting;
mod tampering;
mod tiered;
mod tiers;
mod upgraded;
mod witnessed;
