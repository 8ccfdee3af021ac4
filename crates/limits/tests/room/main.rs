//! The room as the gateway and as admins use it, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod bench;
mod changing;
mod charging;
mod foreseeing;
mod outage;
mod pages;
mod reserving;
mod telling;
