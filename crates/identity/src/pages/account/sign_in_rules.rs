//! How people of the org sign in: second factors, single sign-on, and who gets in when
//! that fails.

use access::{Caller, MemberId, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Enforcement, Error, Factors, Identity, Settings, SettingsPatch};

const HERE: &str = "/settings/sign-in";

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(page, change))
        .routes(routes!(enforce))
        .routes(routes!(break_glass))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FactorsForm {
    factors: Factors,
    /// Present: ticked.
    also_sso: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct EnforceForm {
    on: bool,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct GlassForm {
    member: String,
    on: bool,
}

#[derive(Debug, Template)]
#[template(path = "identity/settings-sign-in.html")]
struct SignInRulesPage {
    settings: Settings,
    /// Absent for those who may not see members.
    enforcement: Option<Enforcement>,
    may_change: bool,
    may_connect: bool,
    faults: Faults,
}

impl SignInRulesPage {
    fn required(&self) -> bool {
        self.settings.factors == Factors::Required
    }
}

/// Second factors and single sign-on.
#[utoipa::path(get, path = "/settings/sign-in", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
async fn page(caller: Caller, State(identity): State<Identity>) -> Result<View, Problem> {
    rules_page(&identity, &caller, Faults::default()).await
}

async fn rules_page(identity: &Identity, caller: &Caller, faults: Faults) -> Result<View, Problem> {
    let enforcement = if caller.access.may(Permission::UsersRead) {
        Some(identity.enforcement(caller).await?)
    } else {
        None
    };
    let page = SignInRulesPage {
        settings: identity.settings(caller).await?,
        enforcement,
        may_change: caller.access.may(Permission::SettingsUpdate),
        may_connect: caller.access.may(Permission::UsersConnections),
        faults,
    };
    View::of("Sign-in rules", &page)
}

async fn done<T>(
    identity: &Identity,
    caller: &Caller,
    ended: Result<T, Error>,
    said: &str,
) -> Result<Response, Problem> {
    let Err(error) = ended else { return Ok(see_other(HERE).said(said).into_response()) };
    let page = rules_page(identity, caller, Faults::of(error)?).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

/// Changes whether members must have a second factor.
#[utoipa::path(post, path = "/settings/sign-in", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303), (status = 422)))]
async fn change(
    caller: Caller,
    State(identity): State<Identity>,
    Form(form): Form<FactorsForm>,
) -> Result<Response, Problem> {
    let patch = SettingsPatch {
        factors: Some(form.factors),
        factors_also_sso: Some(form.also_sso.is_some()),
        ..SettingsPatch::default()
    };
    let ended = identity.change_settings(&caller, &patch).await;
    let said = "The rules were changed. They hold from now on, also for sessions that run.";
    done(&identity, &caller, ended, said).await
}

/// Makes identity providers the only way in, or not any more.
#[utoipa::path(post, path = "/settings/sign-in/enforce", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn enforce(
    caller: Caller,
    State(identity): State<Identity>,
    Form(EnforceForm { on }): Form<EnforceForm>,
) -> Result<Response, Problem> {
    let ended = identity.enforce_sso(&caller, on).await;
    let said = if on {
        "Single sign-on is the only way in now. Sessions that began otherwise have ended."
    } else {
        "Single sign-on is not enforced any more: passwords and passkeys let in again."
    };
    done(&identity, &caller, ended, said).await
}

/// Marks an owner to get in when identity providers fail, or not any more.
#[utoipa::path(post, path = "/settings/sign-in/break-glass", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn break_glass(
    caller: Caller,
    State(identity): State<Identity>,
    Form(GlassForm { member, on }): Form<GlassForm>,
) -> Result<Response, Problem> {
    let id: MemberId = member.parse().map_err(|_| Problem::not_found())?;
    let ended = identity.set_break_glass(&caller, &id, on).await;
    let said = if on { "The owner was marked." } else { "The mark was taken back." };
    done(&identity, &caller, ended, said).await
}
