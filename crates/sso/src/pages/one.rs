//! One connection: its steps, what the provider is told, what it says, and what that means.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, View, filters};
use base::problem::Problem;
use base::time::At;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::rules::Teams;
use super::settings::{MappingForm, PolicyForm, ProviderForm};
use crate::captured::{Previewed, previewed};
use crate::{Connection, ConnectionId, ConnectionState, Error, Kind, Mapping, Sso, vouch};

/// Days before a certificate ends in which the page says so.
const SOON_DAYS: i64 = 30;
/// Seconds of a day.
const DAY_SECS: i64 = 86_400;

pub(super) fn routes() -> OpenApiRouter<Sso> {
    OpenApiRouter::new().routes(routes!(one))
}

/// What was typed, if it is shown again.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) provider: Option<ProviderForm>,
    pub(super) mapping: Option<MappingForm>,
    /// Shown, and tried on the last test.
    pub(super) tried: Option<Mapping>,
    pub(super) policy: Option<PolicyForm>,
    pub(super) faults: Faults,
}

/// A certificate and its end.
#[derive(Debug)]
struct Ends {
    at: At,
    soon: bool,
}

#[derive(Debug, Template)]
#[template(path = "sso/connection.html")]
struct OnePage {
    it: Connection,
    theirs: Vec<Ends>,
    ours: Vec<Ends>,
    provider: ProviderForm,
    mapping: MappingForm,
    policy: PolicyForm,
    test: Option<Previewed>,
    /// Teams of the preview, by name.
    teams: Vec<String>,
    /// Roles that the mapping should give, and that are none any more.
    gone: Vec<String>,
    /// A directory says who is a member, so the provider does not.
    provisioned: bool,
    /// The caller may more than those who answer for the provider.
    may_vouch: bool,
    faults: Faults,
}

/// One connection.
#[utoipa::path(get, path = "/connections/{id}", tag = "console",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn one(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<View, Problem> {
    Ok(shown(&sso, &caller, &id, Typed::default()).await?)
}

/// The page again, with what was typed and what was wrong with it.
pub(super) async fn again(
    sso: &Sso,
    caller: &Caller,
    id: &ConnectionId,
    error: Error,
    typed: Typed,
) -> Result<Response, Problem> {
    let typed = Typed { faults: Faults::of(error)?, ..typed };
    let page = shown(sso, caller, id, typed).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

pub(super) async fn shown(
    sso: &Sso,
    caller: &Caller,
    id: &ConnectionId,
    typed: Typed,
) -> Result<View, Error> {
    let scope = caller.require(Permission::UsersConnections)?;
    let known = sso.one(&scope, id).await?;
    let it = sso.shown(&scope, &known);
    let names = Teams::read(sso, &scope).await?;
    let tried = typed.tried.as_ref().unwrap_or(&known.mapping);
    let captured = sso.captured(&scope, id).await?;
    if captured.is_some() {
        sso.note_read(caller, id).await?;
    }
    let test = captured.map(|captured| previewed(tried, captured));
    let mapped = test.as_ref().and_then(|test| test.mapped.as_ref());
    let teams = mapped.map(|mapped| mapped.teams.iter().map(|team| names.name(team)).collect());
    let roles = known.mapping.roles().into_iter().map(|(_, role)| role).collect();
    let gone = sso.0.identity.missing_roles(&scope, &roles).await?;
    let provisioned = sso.0.identity.is_provisioned(&scope).await?;
    let now = sso.now();
    let ends = |at: At| Ends { at, soon: at.as_second() - now.as_second() < SOON_DAYS * DAY_SECS };
    let theirs = it.provider.iter().flat_map(|provider| &provider.certificates_expire_at);
    let page = OnePage {
        theirs: theirs.copied().map(ends).collect(),
        ours: it.ours.keys_expire_at.iter().copied().map(ends).collect(),
        provider: typed.provider.unwrap_or_else(|| ProviderForm::of(&it)),
        mapping: typed.mapping.unwrap_or_else(|| MappingForm::of(&it.mapping, &names)),
        policy: typed.policy.unwrap_or_else(|| PolicyForm::of(&it.policy)),
        test,
        teams: teams.unwrap_or_default(),
        gone,
        provisioned,
        may_vouch: !known.vouched.covers(vouch::by(caller)),
        faults: typed.faults,
        it,
    };
    View::of(page.it.name.clone(), &page).map_err(Error::Problem)
}
