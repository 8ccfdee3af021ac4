//! What is held of a person, and erasing it.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Query;
use base::page::filters::percent_encoded;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;

use crate::{Ask, Error, Located, Privacy, State as Standing};

#[derive(Template)]
#[template(path = "privacy/person.html")]
struct PersonPage {
    who: String,
    located: Option<Located>,
    may_erase: bool,
    may_export: bool,
    faults: Faults,
}

/// Whom the page is about.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Who {
    /// An id or an e-mail address.
    #[serde(default)]
    person: String,
}

/// An erasure, as confirmed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EraseForm {
    person: String,
    #[serde(default)]
    sure: String,
}

impl PersonPage {
    fn address(&self) -> String {
        let id = self.located.as_ref().map_or(&self.who, |located| &located.person);
        format!("/api/privacy/export?person={}", percent_encoded(id))
    }
}

/// What is held of a person.
#[utoipa::path(get, path = "/privacy/person", tag = "console", params(Who),
    security(("key" = ["privacy:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(Who { person }): Query<Who>,
) -> Result<View, Problem> {
    page(&privacy, &caller, person, Faults::default()).await
}

/// Erases a person.
#[utoipa::path(post, path = "/privacy/person", tag = "console",
    security(("key" = ["privacy:erase"])), responses((status = 303), (status = 422)))]
pub(super) async fn erase(
    caller: Caller,
    State(privacy): State<Privacy>,
    Form(form): Form<EraseForm>,
) -> Result<Response, Problem> {
    let faults = if form.sure.is_empty() {
        Faults::field("sure", "must be ticked: an erasure cannot be taken back")
    } else {
        match privacy.erase(&caller, &Ask { person: form.person.clone() }).await {
            Ok(request) => {
                let said = match request.state {
                    Standing::Erased => "Erased. The receipt says what was destroyed.",
                    Standing::Asked | Standing::Restricted | Standing::Withdrawn => {
                        "Something blocks the erasure: it waits, and the record shows nothing \
                         of this person meanwhile."
                    }
                };
                let to = format!("/privacy/requests/{}", request.id);
                return Ok(see_other(to).said(said).into_response());
            }
            Err(error @ (Error::StillThere | Error::NoSuchPerson)) => {
                Faults::general(base::page::sentence(&error.to_string()))
            }
            Err(error) => Faults::of(error)?,
        }
    };
    let page = page(&privacy, &caller, form.person, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn page(
    privacy: &Privacy,
    caller: &Caller,
    who: String,
    faults: Faults,
) -> Result<View, Problem> {
    let located = match who.trim() {
        "" => None,
        typed => match privacy.locate(caller, typed).await {
            Ok(located) => Some(located),
            Err(Error::NoSuchPerson) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let may = |permission| caller.decide(permission, None).allowed;
    let page = PersonPage {
        who,
        located,
        may_erase: may(Permission::PrivacyErase),
        may_export: may(Permission::PrivacyExport),
        faults,
    };
    View::of("What is held of a person", &page)
}
