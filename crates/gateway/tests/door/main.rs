//! The gateway through its door, on each engine, in front of a provider on real sockets.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod answers;
mod bad_input;
mod bench;
mod budget;
mod catalogue;
mod ceilings;
mod classes;
mod ended;
mod extras;
mod faithful;
mod hedges;
mod inside;
mod misnamed;
mod region;
mod set_clock;
mod shortage;
mod stalled;
mod streams;
mod unrecorded;
mod whole;
