//! SAML 2.0, the side of the service provider, strictly.
//!
//! One tree (`xml`), one verifier on it (`signature`), all cryptography from aws-lc. What is
//! verified is the element that is read; what is not understood is refused. Why it is our own:
//! `docs/decisions/0019-saml.md`.

mod authn;
mod base64;
mod binding;
mod certificate;
mod code;
mod envelope;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod id;
mod instant;
mod keypair;
mod logout;
mod metadata;
mod policy;
mod provider;
mod query;
mod refusal;
mod response;
mod signature;
mod uris;
mod xml;

pub use binding::{Binding, Delivery, Incoming, MESSAGE_BYTES_MAX, Outgoing};
pub use certificate::Certificate;
pub use envelope::AGE_MAX;
pub use keypair::Keypair;
pub use logout::{LogoutOutcome, LogoutRequest, LogoutSubject};
pub use metadata::METADATA_BYTES_MAX;
pub use policy::{CLOCK_SKEW_SECS_MAX, Policy};
pub use provider::{IdentityProvider, ServiceProvider};
pub use refusal::{Encryption, Metadata, Refusal, Signature, Status, Xml};
pub use response::Assertion;
