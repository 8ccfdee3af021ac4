//! The room through its routes, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod applying;
mod bench;
mod deciding;
mod evidence;
mod many;
