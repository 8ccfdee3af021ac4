//! The room through its routes, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod approving;
mod asking;
mod bench;
mod ending;
mod only_way;
mod telling;
mod visiting;
