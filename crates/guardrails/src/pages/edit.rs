//! Making and changing a guardrail on a page, and trying it before.

use access::{Caller, Permission};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;

use super::editor::{Editor, PolicyForm};
use super::tried::Tried;
use crate::{Draft, Guardrail, GuardrailId, GuardrailPatch, Guardrails, NewGuardrail, Simulate};

/// The editor of a new guardrail.
#[utoipa::path(get, path = "/guardrails/new", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 200)))]
pub(super) async fn new(caller: Caller) -> Result<View, Problem> {
    caller.require(Permission::SettingsGuardrails)?;
    let form = PolicyForm { on: Some("yes".to_owned()), ..PolicyForm::default() };
    Editor { form, ..Editor::default() }.page()
}

/// Makes a guardrail.
#[utoipa::path(post, path = "/guardrails", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 303), (status = 422)))]
pub(super) async fn create(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Form(form): Form<PolicyForm>,
) -> Result<Response, Problem> {
    let new = NewGuardrail {
        name: form.name.clone(),
        policy: form.policy.clone(),
        on: Some(form.on.is_some()),
    };
    match guardrails.create(&caller, &new).await {
        Ok(made) => Ok(gone_on(&made)),
        Err(error) => again(&guardrails, &caller, form, None, Faults::of(error)?),
    }
}

/// The editor of a guardrail.
#[utoipa::path(get, path = "/guardrails/{id}", tag = "console",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:guardrails"])), responses((status = 200)))]
pub(super) async fn one(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
) -> Result<View, Problem> {
    caller.require(Permission::SettingsGuardrails)?;
    let one = guardrails.one(&caller, &id).await?;
    let form = PolicyForm::of(&one);
    let findings = findings(&guardrails, &caller, &form)?;
    Editor { form, of: Some(one), findings, ..Editor::default() }.page()
}

/// Changes a guardrail.
#[utoipa::path(post, path = "/guardrails/{id}", tag = "console",
    params(("id" = String, Path, description = "the guardrail")),
    security(("key" = ["settings:guardrails"])), responses((status = 303), (status = 422)))]
pub(super) async fn change(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Path(id): Path<GuardrailId>,
    Form(form): Form<PolicyForm>,
) -> Result<Response, Problem> {
    let patch = GuardrailPatch {
        name: Some(form.name.clone()),
        policy: Some(form.policy.clone()),
        on: Some(form.on.is_some()),
    };
    match guardrails.change(&caller, &id, &patch).await {
        Ok(changed) => Ok(gone_on(&changed)),
        Err(error) => {
            let faults = Faults::of(error)?;
            let held = guardrails.one(&caller, &id).await?;
            again(&guardrails, &caller, form, Some(held), faults)
        }
    }
}

/// Looks at what is being written. Nothing is kept.
#[utoipa::path(post, path = "/guardrails/check", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 200)))]
pub(super) async fn check(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Form(form): Form<PolicyForm>,
) -> Result<View, Problem> {
    let findings = findings(&guardrails, &caller, &form)?;
    let of = held(&guardrails, &caller, &form).await?;
    Editor { form, of, findings, ..Editor::default() }.page()
}

/// Tries what is being written on the events of the last seven days. Nothing is kept; the
/// look at the record is recorded.
#[utoipa::path(post, path = "/guardrails/try", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 200)))]
pub(super) async fn try_out(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Form(form): Form<PolicyForm>,
) -> Result<View, Problem> {
    let findings = findings(&guardrails, &caller, &form)?;
    let of = held(&guardrails, &caller, &form).await?;
    let what = Simulate { policies: Some(vec![form.policy.clone()]) };
    let (mut tried, mut untried) = (None, None);
    match guardrails.simulate(&caller, &what).await {
        Ok(simulation) => tried = Some(Tried::of(&guardrails, &caller, simulation).await?),
        Err(error) => {
            Faults::of(error)?;
            untried = Some("Mend the policy first; then it can be tried.".to_owned());
        }
    }
    Editor { form, of, findings, tried, untried, ..Editor::default() }.page()
}

fn findings(
    guardrails: &Guardrails,
    caller: &Caller,
    form: &PolicyForm,
) -> Result<Vec<crate::Finding>, Problem> {
    if form.policy.trim().is_empty() {
        caller.require(Permission::SettingsGuardrails)?;
        return Ok(Vec::new());
    }
    Ok(guardrails.validate(caller, &Draft { policy: form.policy.clone() })?.findings)
}

/// The guardrail that is edited, if it is not a new one.
async fn held(
    guardrails: &Guardrails,
    caller: &Caller,
    form: &PolicyForm,
) -> Result<Option<Guardrail>, Problem> {
    let Some(id) = form.guardrail.as_deref().filter(|id| !id.is_empty()) else { return Ok(None) };
    let id = id.parse::<GuardrailId>().map_err(|_| Problem::not_found())?;
    Ok(Some(guardrails.one(caller, &id).await?))
}

fn again(
    guardrails: &Guardrails,
    caller: &Caller,
    form: PolicyForm,
    of: Option<Guardrail>,
    faults: Faults,
) -> Result<Response, Problem> {
    let findings = findings(guardrails, caller, &form)?;
    let page = Editor { form, faults, of, findings, ..Editor::default() }.page()?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

fn gone_on(one: &Guardrail) -> Response {
    let now = if one.on { "It holds from now on." } else { "It does not hold: it is off." };
    see_other("/guardrails").said(format!("{} was saved. {now}", one.name)).into_response()
}
