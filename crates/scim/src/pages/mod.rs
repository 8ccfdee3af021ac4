//! The console's pages of this room.

mod change;
mod here;
mod list;
mod one;
mod typed;

use access::Caller;
use askama::Template;
use base::page::View;
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;

use self::here::Here;
use crate::{Directory, Error, Issued, Scim};

/// The pages of this room.
pub fn pages(scim: Scim) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(list::routes())
        .merge(one::routes())
        .merge(change::routes())
        .with_state(scim)
}

/// Custom roles that are read for a form at most; the first by name.
const ROLES_MAX: u32 = 200;

/// A role in a form.
#[derive(Debug, Clone)]
struct Offer {
    name: String,
    label: String,
    chosen: bool,
}

/// The roles that a caller can let a directory give.
async fn offers(scim: &Scim, caller: &Caller, chosen: &str) -> Result<Vec<Offer>, Error> {
    // Whoever connects directories may choose among roles without seeing the members.
    let node = Caller::node(caller.org.clone(), caller.region, "scim");
    let roles = scim.0.identity.roles(&node, None, Some(ROLES_MAX)).await?.items;
    let own = caller.access.wide();
    let giveable = roles.into_iter().filter(|role| {
        let permissions = role.permissions.iter().map(String::as_str);
        let permits = access::PermissionSet::parse(permissions);
        role.name != crate::mapping::OWNER && permits.is_ok_and(|permits| own.covers(permits))
    });
    let offer = |role: identity::Role| Offer {
        label: role_label(&role.name).to_owned(),
        chosen: role.name == chosen,
        name: role.name,
    };
    let mut offers: Vec<Offer> = giveable.map(offer).collect();
    // What holds now stays chosen, also where it could not be chosen anew: saving the form
    // for its name must not change it.
    if !chosen.is_empty() && !offers.iter().any(|offer| offer.chosen) {
        let label = format!("{} (as it is)", role_label(chosen));
        offers.push(Offer { name: chosen.to_owned(), label, chosen: true });
    }
    Ok(offers)
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

/// A token that was made: shown this once.
#[derive(Debug, Template)]
#[template(path = "scim/token-made.html")]
struct TokenPage<'a> {
    directory: &'a Directory,
    secret: &'a str,
    base_url: String,
    first: bool,
}

fn token_page(
    directory: &Directory,
    issued: &Issued,
    here: &Here,
    first: bool,
) -> Result<View, Problem> {
    let page = TokenPage {
        directory,
        secret: issued.secret.reveal(),
        base_url: format!("{}/scim/v2", here.0),
        first,
    };
    View::of("Token of the directory", &page)
}
