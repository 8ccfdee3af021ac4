//! The room as the gateway and as admins use it, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]
#![expect(clippy::panic, reason = "a test stops at the first surprise")]

mod bench;
mod cell;
mod changing;
mod charging;
mod doubting;
mod foreseeing;
mod late;
mod lost;
mod noting;
mod outage;
mod pages;
mod reserving;
mod restored;
mod sharing;
mod telling;
