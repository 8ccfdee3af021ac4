//! One's own account: signing in and out, keys, and the settings of the org.

pub(super) mod app;
mod confirm;
pub(super) mod device;
mod door;
mod factors;
mod keys;
mod links;
mod me;
mod settings;
mod setup;
mod sign_in_rules;
mod snippets;

use access::Caller;
use base::page::filters::percent_encoded;
use base::page::{Asset, Faults};
use base::secret::Secret;
use utoipa_axum::router::OpenApiRouter;

use crate::Identity;
use crate::factor::is_confined;

/// Talks to the browser's authenticators. Codes work without it.
static PASSKEY_JS: Asset =
    Asset::script("passkey.js", include_bytes!("../../../assets/passkey.js"));
/// What the pages of this room need.
pub static IDENTITY_ASSETS: &[&Asset] = &[&PASSKEY_JS];

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .merge(door::routes())
        .merge(links::routes())
        .merge(me::routes())
        .merge(keys::routes())
        .merge(settings::routes())
        .merge(setup::routes())
        .merge(sign_in_rules::routes())
        .merge(confirm::routes())
        .merge(factors::routes())
        .merge(app::routes())
}

/// An address with the page to go on to; the start needs no saying.
fn with_next(path: &str, next: &str) -> String {
    if next == "/" { path.to_owned() } else { format!("{path}?next={}", percent_encoded(next)) }
}

/// Where somebody goes on to who just signed in: by way of their second factor, if they
/// have yet to show or to set one.
fn onwards(caller: &Caller, next: &str) -> String {
    if is_confined(caller) { with_next("/account/confirm", next) } else { next.to_owned() }
}

/// Where one signs in with an identity provider.
fn elsewhere(identity: &Identity, next: &str) -> Option<String> {
    identity.0.config.sso_page.map(|page| with_next(page, next))
}

/// Whether a new password was typed twice alike: nobody sees what they type.
fn alike(password: &Secret, again: &Secret) -> Result<(), Faults> {
    if password.reveal() == again.reveal() {
        return Ok(());
    }
    Err(Faults::field("again", "must be the same as the new password"))
}

/// The lines of a text area; none when nothing stands there.
fn lines(text: &str) -> Option<Vec<String>> {
    let lines: Vec<_> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    (!lines.is_empty()).then_some(lines)
}
