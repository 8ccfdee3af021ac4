//! The room through its verbs and routes, on each engine, with sinks that tests make.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod archive;
mod bench;
mod bucket;
mod chaos;
mod deciding;
mod flowing;
mod guarding;
mod hook;
mod judged;
mod kinds;
mod pages;
mod secrets;
mod syslog;
mod together;
