//! Transparency logs, against the specifications, other implementations and hostile bytes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod altered;
mod imagined;
mod keys;
mod large;
mod notes;
mod oracles;
mod outside;
mod small_log;
mod strangers;
mod texts;
mod witnessing;
