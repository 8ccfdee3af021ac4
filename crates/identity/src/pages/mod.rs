//! The console's pages of this room: one's own account, and the people of the org.

mod account;
mod address;
mod people;

pub use self::account::IDENTITY_ASSETS;

use utoipa_axum::router::OpenApiRouter;

use crate::Identity;

/// The pages of this room. Those that need nobody say so in the document: signing in,
/// joining and setting a new password.
pub fn pages(identity: Identity) -> OpenApiRouter {
    OpenApiRouter::new().merge(account::routes()).merge(people::routes()).with_state(identity)
}

/// What people call a role: the built-in ones have names of their own.
fn role_label(role: &str) -> &str {
    match role {
        "org:owner" => "Owner",
        "org:admin" => "Admin",
        "org:member" => "Member",
        "org:viewer" => "Viewer",
        custom => custom,
    }
}

/// A length of time in words: `12 hours`, `90 seconds`.
fn length(secs: i64) -> String {
    let (count, unit) = match secs {
        _ if secs > 0 && secs % 86_400 == 0 => (secs / 86_400, "day"),
        _ if secs > 0 && secs % 3600 == 0 => (secs / 3600, "hour"),
        _ if secs > 0 && secs % 60 == 0 => (secs / 60, "minute"),
        _ => (secs, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
