//! The room through its routes and through identification, on each engine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod bounds;
mod classes;
mod house;
mod narrow;
mod nodes;
mod pages;
mod simulate;
mod write;
