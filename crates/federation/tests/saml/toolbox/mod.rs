//! What an attacker has: an identity provider's messages, keys of their own, and our public key.
//!
//! Messages are written as text that is canonical already, so that signing them needs no
//! canonicalization: what verifies them is not tested against itself.

mod draft;
mod encrypt;
mod keys;
mod logout;
mod sign;
mod world;

pub(crate) use draft::{Draft, replace};
pub(crate) use encrypt::{Encrypt, Hash, encrypt};
pub(crate) use keys::Signer;
pub(crate) use logout::{Logout, deflate, percent};
pub(crate) use sign::{Style, sign, signature};
pub(crate) use world::{ACS, IDP, NAME, NOW, REQUEST, SLO, SP, World, at};
