//! `OpenID` Connect: this product as a relying party.
//!
//! Authorization code with PKCE, state and nonce; RP-initiated and back-channel logout.
//! Nothing here knows an org or a database: [`RelyingParty`] keeps the keys of providers
//! in memory, and every other thing is passed in, the time too.

mod algorithm;
mod authorization;
mod claims;
mod connecting;
mod discovery;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod id_token;
mod jose;
mod json;
mod key_cache;
mod key_set;
mod leaving;
mod logout_token;
mod provider;
mod refusal;
mod relying_party;
mod token_endpoint;
mod userinfo;

pub use algorithm::Algorithm;
pub use authorization::{Pending, Prompt, Returned, Started, Wish, begin};
pub use connecting::{Client, Registration};
pub use id_token::{Expected, IdToken, verify_id_token};
pub use key_set::KeySet;
pub use leaving::{Farewell, logout_url};
pub use logout_token::{LogoutToken, verify_logout_token};
pub use provider::{ClientAuthentication, Provider};
pub use refusal::Refusal;
pub use relying_party::RelyingParty;
