//! A link that is shown once: an invitation, or a way to a new password.

use askama::Template;
use axum::http::StatusCode;
use base::page::View;
use base::page::filters;
use base::problem::Problem;
use base::time::At;

use crate::mail::link;
use crate::pages::address::Here;
use crate::{Invited, Member, PasswordLink};

#[derive(Template)]
#[template(path = "identity/people/link.html")]
struct LinkPage<'a> {
    title: &'a str,
    member: &'a Member,
    link: String,
    expires_at: At,
    invitation: bool,
    mailed: Option<bool>,
}

/// The link of an invitation.
pub(super) fn invitation(here: &Here, invited: &Invited) -> Result<View, Problem> {
    let title = format!("Invitation for {}", invited.member.email);
    let link = link(&here.0, "join", &invited.token);
    let (member, expires_at) = (&invited.member, invited.expires_at);
    let (invitation, mailed) = (true, invited.mailed);
    let page = LinkPage { title: &title, member, link, expires_at, invitation, mailed };
    Ok(View::of(&*title, &page)?.status(StatusCode::CREATED))
}

/// The link with which a member sets a new password.
pub(super) fn password(here: &Here, made: &PasswordLink) -> Result<View, Problem> {
    let title = format!("Password link for {}", made.member.name);
    let link = link(&here.0, "reset", &made.token);
    let (member, expires_at) = (&made.member, made.expires_at);
    let (invitation, mailed) = (false, made.mailed);
    let page = LinkPage { title: &title, member, link, expires_at, invitation, mailed };
    Ok(View::of(&*title, &page)?.status(StatusCode::CREATED))
}
