//! One's own account: signing in and out, keys, and the settings of the org.

mod device;
mod door;
mod keys;
mod links;
mod me;
mod settings;
mod snippets;

use base::page::Faults;
use base::secret::Secret;
use utoipa_axum::router::OpenApiRouter;

use crate::Identity;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .merge(door::routes())
        .merge(links::routes())
        .merge(me::routes())
        .merge(keys::routes())
        .merge(settings::routes())
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
