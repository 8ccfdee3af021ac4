//! All guardrails of the org, and the time zone that they are read in.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::bounds::POLICIES_MAX;
use crate::{GuardrailId, GuardrailPatch, Guardrails, Overview, Zone};

#[derive(Template)]
#[template(path = "guardrails/list.html")]
struct ListPage {
    all: Overview,
    most: usize,
    zone: String,
    may_write: bool,
    faults: Faults,
}

/// The time zone, as typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ZoneForm {
    zone: String,
}

/// On or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StateForm {
    state: String,
}

/// All guardrails of the org.
#[utoipa::path(get, path = "/guardrails", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(guardrails): State<Guardrails>,
) -> Result<View, Problem> {
    page(&guardrails, &caller, None, Faults::default()).await
}

/// Sets the time zone in which hours and days are read.
#[utoipa::path(post, path = "/guardrails/zone", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 303), (status = 422)))]
pub(super) async fn zone(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Form(form): Form<ZoneForm>,
) -> Result<Response, Problem> {
    match guardrails.set_zone(&caller, &Zone { zone: form.zone.clone() }).await {
        Ok(set) => {
            let said = format!("Hours and days are read in {} from now on.", set.zone);
            Ok(see_other("/guardrails").said(said).into_response())
        }
        Err(error) => again(&guardrails, &caller, Some(form.zone), Faults::of(error)?).await,
    }
}

/// Switches a guardrail on or off.
#[utoipa::path(post, path = "/guardrails/{id}/state", tag = "console",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:guardrails"])), responses((status = 303), (status = 422)))]
pub(super) async fn state(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
    Form(form): Form<StateForm>,
) -> Result<Response, Problem> {
    let patch = GuardrailPatch { on: Some(form.state == "on"), ..GuardrailPatch::default() };
    match guardrails.change(&caller, &id, &patch).await {
        Ok(one) => {
            let now = if one.on { "holds from now on" } else { "holds no more" };
            Ok(see_other("/guardrails").said(format!("{} {now}.", one.name)).into_response())
        }
        Err(error) => again(&guardrails, &caller, None, Faults::of(error)?).await,
    }
}

/// Removes a guardrail.
#[utoipa::path(post, path = "/guardrails/{id}/remove", tag = "console",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:guardrails"])), responses((status = 303)))]
pub(super) async fn remove(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
) -> Result<Response, Problem> {
    guardrails.remove(&caller, &id).await?;
    Ok(see_other("/guardrails").said("The guardrail was removed.").into_response())
}

async fn again(
    guardrails: &Guardrails,
    caller: &Caller,
    typed: Option<String>,
    faults: Faults,
) -> Result<Response, Problem> {
    let page = page(guardrails, caller, typed, faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn page(
    guardrails: &Guardrails,
    caller: &Caller,
    typed: Option<String>,
    faults: Faults,
) -> Result<View, Problem> {
    let all = guardrails.all(caller).await?;
    let zone = typed.unwrap_or_else(|| all.zone.clone());
    let may_write = caller.access.may(Permission::SettingsGuardrails);
    View::of("Guardrails", &ListPage { all, most: POLICIES_MAX, zone, may_write, faults })
}
