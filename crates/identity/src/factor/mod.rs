//! Second factors: passkeys, an authenticator app, recovery codes; and what a session
//! that has yet to show one may do.

mod app;
mod assertion;
mod ceremony;
mod due;
mod held;
mod letters;
mod passkey;
mod recovery;
mod reset;
mod rp;
mod show;
mod sign_in;

pub use self::app::{AppSetUp, ConfirmApp};
pub use self::ceremony::Ceremony;
pub use self::held::{App, Factors, Passkey};
pub use self::passkey::{NewPasskey, PasskeyName};
pub use self::recovery::RecoveryCodes;
pub use self::show::{ShowFactor, Way};
pub use self::sign_in::PasskeySignIn;

pub(crate) use self::assertion::Assertion;
pub(crate) use self::due::{Begun, awaited, factor_required, is_confined};
pub(crate) use self::held::own_session;
pub(crate) use self::rp::RelyingParty;
