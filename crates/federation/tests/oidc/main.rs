//! `OpenID` Connect against a provider on real sockets, with keys made here.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod certified;
mod fake;
mod forged_id_tokens;
mod forged_logout_tokens;
mod mutated;
mod rotation;
mod signer;
mod signing_in;
mod typed_issuers;
