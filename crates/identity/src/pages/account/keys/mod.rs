//! Keys: one's own, and with the right to it those of the org.

mod list;
mod new;
mod one;

use access::{Caller, Permission};
use askama::Template;
use base::page::View;
use base::problem::Problem;
use base::time::At;
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;

use super::snippets::Snippets;
use crate::pages::address::Here;
use crate::pages::role_label;
use crate::subject::Owner;
use crate::{Error, Identity, IssuedKey, Key};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().merge(list::routes()).merge(new::routes()).merge(one::routes())
}

/// A key that ends within this many days is marked.
const SOON_DAYS: i64 = 3;

/// Whether a key works, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    label: &'static str,
    /// How the badge looks.
    class: &'static str,
    live: bool,
}

impl Standing {
    fn of(key: &Key, now: At) -> Self {
        let soon = now + SignedDuration::from_hours(24 * SOON_DAYS);
        let (label, class, live) = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => ("Revoked", "bad", false),
            (None, Some(ends)) if ends <= now => ("Expired", "", false),
            (None, Some(ends)) if ends <= soon => ("Ends soon", "warn", true),
            (None, Some(_) | None) => ("Active", "ok", true),
        };
        Self { label, class, live }
    }
}

/// What a key is held to, in a few words each.
fn narrowed(key: &Key) -> Vec<String> {
    let some = |list: &Option<Vec<String>>, what: &str| {
        let list = list.as_ref()?;
        let first = list.first()?;
        Some(match list.len() {
            1 => format!("{what} {first}"),
            many => format!("{what} {first} and {} more", many - 1),
        })
    };
    let roles = key.roles.as_ref().map(|roles| {
        let labels: Vec<_> = roles.iter().map(|role| role_label(role).to_owned()).collect();
        labels
    });
    [some(&roles, "role"), some(&key.models, "model"), some(&key.addresses, "from")]
        .into_iter()
        .flatten()
        .collect()
}

fn is_mine(caller: &Caller, key: &Key) -> bool {
    Owner::of(&caller.actor).is_some_and(|owner| owner.as_str() == key.owner)
}

/// Whether the caller sees keys of others.
fn sees_others(caller: &Caller) -> bool {
    caller.access.may(Permission::UsersRead)
}

/// Whether the caller governs keys of others.
fn governs_others(caller: &Caller) -> bool {
    caller.access.may(Permission::UsersKeys)
}

/// What the owner of a key is called.
async fn owner_name(identity: &Identity, caller: &Caller, key: &Key) -> Result<String, Error> {
    let names = identity.names(caller, &[&key.owner]).await?;
    Ok(names.get(&key.owner).unwrap_or(&key.owner).clone())
}

/// A key that was made: shown this once.
#[derive(Debug, Template)]
#[template(path = "identity/key-made.html")]
struct MadePage<'a> {
    key: &'a Key,
    owner_name: String,
    mine: bool,
    replaces: bool,
    secret: &'a str,
    base_url: &'a str,
    snippets: Snippets,
}

async fn made(
    identity: &Identity,
    caller: &Caller,
    here: &Here,
    issued: &IssuedKey,
) -> Result<View, Problem> {
    let base_url = format!("{}/v1", here.0);
    let secret = issued.secret.reveal();
    let page = MadePage {
        key: &issued.key,
        owner_name: owner_name(identity, caller, &issued.key).await?,
        mine: is_mine(caller, &issued.key),
        replaces: issued.key.replaces.is_some(),
        secret,
        base_url: &base_url,
        snippets: Snippets::of(&base_url, secret),
    };
    View::of("Your new key", &page)
}
