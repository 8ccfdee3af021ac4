//! SAML under attack, and as honest identity providers speak it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod attacks;
mod corpus;
mod cost;
mod foreign;
mod logout;
mod mutants;
mod mutation;
mod requests;
mod responses;
mod toolbox;
