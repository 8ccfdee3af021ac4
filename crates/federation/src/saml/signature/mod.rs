//! XML signatures as SAML uses them, and signatures of redirects.

mod algorithm;
mod sign;
mod verify;

pub(crate) use algorithm::verify_bytes;
pub(crate) use sign::{sign_element, sign_query};
pub(crate) use verify::{is_signature, verify};
