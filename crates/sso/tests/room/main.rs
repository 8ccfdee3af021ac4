//! The room through its routes, with identity providers that tests make, on each engine.
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod browser;
mod guarding;
mod house;
mod idp;
mod leaving;
mod managing;
mod op;
mod openid;
mod outside;
mod signing_in;
mod tending;
mod vouching;
