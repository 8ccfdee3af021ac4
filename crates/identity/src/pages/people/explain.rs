//! "Why can they do that, and why can they not?"

use access::{Caller, Permission, Resource};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::Query;
use base::page::filters;
use base::page::{Faults, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::Keys;
use super::verdict::Verdict;
use super::who::Picker;
use super::words::{TOPICS, Topic, what};
use crate::subject::Owner;
use crate::{Check, Identity};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// What to explain. Everything stands in the address, so that it can be sent to somebody.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
struct Question {
    /// Whom to offer.
    find: String,
    /// Who wants it: a member, a team, a service account or a key; empty: the viewer.
    subject: String,
    /// What is wanted: `patterns:read`. Empty: nothing is explained yet.
    permission: String,
    /// On what: `pattern`, `model` or nothing.
    #[serde(rename = "resource.kind")]
    kind: String,
    /// The id of the pattern or the name of the model.
    #[serde(rename = "resource.id")]
    on: String,
}

#[derive(Template)]
#[template(path = "identity/people/access.html")]
struct AccessPage {
    question: Question,
    /// None: the viewer sees nobody else, and asks about themself.
    picker: Option<Picker>,
    verdict: Option<Verdict>,
    /// The keys of whom it is about.
    keys: Option<Keys>,
    offered: Vec<Offered>,
    faults: Faults,
}

/// The permissions of one topic, to be chosen from.
struct Offered {
    label: &'static str,
    permissions: Vec<(&'static str, &'static str)>,
}

fn offered() -> Vec<Offered> {
    let words = |permission: Permission| (permission.as_str(), what(permission));
    let of = |topic: &Topic| Offered {
        label: topic.label,
        permissions: topic.permissions().map(words).collect(),
    };
    TOPICS.iter().map(of).collect()
}

/// Why somebody may do something, or may not.
#[utoipa::path(get, path = "/access", tag = "console", params(Question),
    security(("key" = ["self"])), responses((status = 200)))]
async fn explain(
    caller: Caller,
    State(identity): State<Identity>,
    Query(question): Query<Question>,
) -> Result<View, Problem> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let check = Check {
        permission: question.permission.clone(),
        resource: given(&question.kind)
            .and_then(|kind| Some(Resource::new(&kind, &given(&question.on)?))),
        subject: given(&question.subject),
    };
    let mut faults = Faults::default();
    let mut verdict = None;
    if !question.kind.is_empty() && check.resource.is_none() {
        faults = Faults::field("resource.id", "is needed to ask about one pattern or model");
    } else if !question.permission.is_empty() {
        match Verdict::of(&identity, &caller, &check).await {
            Ok(found) => verdict = Some(found),
            Err(error) => faults = Faults::of(error)?,
        }
    }
    let picker = if caller.access.may(Permission::UsersRead) {
        let chosen = check.subject.as_deref().unwrap_or(caller.actor.id());
        Some(Picker::find(&identity, &caller, &question.find, chosen).await?)
    } else {
        None
    };
    let about = check.subject.as_deref().unwrap_or(caller.actor.id());
    let keys = if verdict.is_some() && about.parse::<Owner>().is_ok() {
        Some(Keys::of(&identity, &caller, about).await?)
    } else {
        None
    };
    let status = if faults.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = AccessPage { question, picker, verdict, keys, offered: offered(), faults };
    Ok(View::of("Explain access", &page)?.status(status))
}
