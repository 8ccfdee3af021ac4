//! The room through its verbs and routes, on each engine, with a DNS of its own.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod bench;
mod dns;
mod proving;
mod seeing;
