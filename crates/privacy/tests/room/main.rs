//! The room through its routes, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod bench;
mod erasing;
mod holding;
mod looking;
mod quoting;
mod searching;
mod sweeping;
