//! The room as programs and people use it, on each engine.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod adding;
mod bench;
mod exporting;
mod forgetting;
mod looking;
mod seeing;
