//! Second factors: one's own, shown in a session, and signing in with a passkey.

use access::{Caller, Origin};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use base::http::{Json, Path};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    AppSetUp, Ceremony, ConfirmApp, Identity, NewPasskey, OwnFactors, Passkey, PasskeyId,
    PasskeyName, PasskeySignIn, RecoveryCodes, ShowFactor,
};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(factors))
        .routes(routes!(begin_passkey))
        .routes(routes!(add_passkey))
        .routes(routes!(rename_passkey, remove_passkey))
        .routes(routes!(begin_app))
        .routes(routes!(add_app, remove_app))
        .routes(routes!(recovery_codes))
        .routes(routes!(begin_showing))
        .routes(routes!(show))
        .routes(routes!(begin_sign_in))
        .routes(routes!(sign_in))
}

/// What is shown once, and kept by nobody on the way.
fn once(body: impl serde::Serialize, status: StatusCode) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The caller's own second factors.
#[utoipa::path(get, path = "/api/factors", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = OwnFactors)))]
async fn factors(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Json<OwnFactors>, Problem> {
    Ok(Json(identity.factors(&caller).await?))
}

/// Begins to add a passkey. Only in a session.
#[utoipa::path(post, path = "/api/factors/passkeys/begin", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = Ceremony)))]
async fn begin_passkey(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Response, Problem> {
    Ok(once(identity.begin_passkey(&caller).await?, StatusCode::OK))
}

/// Adds the passkey that an authenticator made. Only in a session.
#[utoipa::path(post, path = "/api/factors/passkeys", tag = "identity",
    request_body = NewPasskey, security(("key" = ["self"])),
    responses((status = 201, body = Passkey)))]
async fn add_passkey(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<NewPasskey>,
) -> Result<(StatusCode, Json<Passkey>), Problem> {
    Ok((StatusCode::CREATED, Json(identity.add_passkey(&caller, &body).await?)))
}

/// Gives a passkey another name. Only in a session.
#[utoipa::path(patch, path = "/api/factors/passkeys/{id}", tag = "identity",
    request_body = PasskeyName, params(("id" = String, Path, description = "the passkey")),
    security(("key" = ["self"])), responses((status = 204)))]
async fn rename_passkey(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<PasskeyId>,
    Json(body): Json<PasskeyName>,
) -> Result<StatusCode, Problem> {
    identity.rename_passkey(&caller, &id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a passkey. Only in a session, behind a recent second factor.
#[utoipa::path(delete, path = "/api/factors/passkeys/{id}", tag = "identity",
    params(("id" = String, Path, description = "the passkey")),
    security(("key" = ["self"])), responses((status = 204)))]
async fn remove_passkey(
    caller: Caller,
    State(identity): State<Identity>,
    Path(id): Path<PasskeyId>,
) -> Result<StatusCode, Problem> {
    identity.remove_passkey(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to add an authenticator app: its secret is shown this once. Only in a session.
#[utoipa::path(post, path = "/api/factors/app/begin", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = AppSetUp)))]
async fn begin_app(caller: Caller, State(identity): State<Identity>) -> Result<Response, Problem> {
    Ok(once(identity.begin_app(&caller).await?, StatusCode::OK))
}

/// Adds the app, with its first code. Only in a session.
#[utoipa::path(post, path = "/api/factors/app", tag = "identity", request_body = ConfirmApp,
    security(("key" = ["self"])), responses((status = 204)))]
async fn add_app(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<ConfirmApp>,
) -> Result<StatusCode, Problem> {
    identity.add_app(&caller, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the app. Only in a session, behind a recent second factor.
#[utoipa::path(delete, path = "/api/factors/app", tag = "identity",
    security(("key" = ["self"])), responses((status = 204)))]
async fn remove_app(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<StatusCode, Problem> {
    identity.remove_app(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes ten recovery codes, shown this once; those before work no more. Only in a
/// session, behind a recent second factor.
#[utoipa::path(post, path = "/api/factors/recovery-codes", tag = "identity",
    security(("key" = ["self"])), responses((status = 201, body = RecoveryCodes)))]
async fn recovery_codes(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Response, Problem> {
    Ok(once(identity.make_recovery_codes(&caller).await?, StatusCode::CREATED))
}

/// Begins to show a passkey in this session.
#[utoipa::path(post, path = "/api/session/factor/begin", tag = "identity",
    security(("key" = ["self"])), responses((status = 200, body = Ceremony)))]
async fn begin_showing(
    caller: Caller,
    State(identity): State<Identity>,
) -> Result<Response, Problem> {
    Ok(once(identity.begin_showing(&caller).await?, StatusCode::OK))
}

/// Shows a second factor in this session: a code, or a passkey with its ceremony.
#[utoipa::path(post, path = "/api/session/factor", tag = "identity", request_body = ShowFactor,
    security(("key" = ["self"])), responses((status = 204)))]
async fn show(
    caller: Caller,
    State(identity): State<Identity>,
    Json(body): Json<ShowFactor>,
) -> Result<StatusCode, Problem> {
    identity.show_factor(&caller, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to sign in with a passkey.
#[utoipa::path(post, path = "/api/session/passkey/begin", tag = "identity",
    security(()), responses((status = 200, body = Ceremony)))]
async fn begin_sign_in(State(identity): State<Identity>) -> Result<Response, Problem> {
    Ok(once(identity.begin_passkey_sign_in()?, StatusCode::OK))
}

/// Signs in with a passkey; the session is in the cookie and nowhere else.
#[utoipa::path(post, path = "/api/session/passkey", tag = "identity",
    request_body = PasskeySignIn, security(()), responses((status = 201, body = Value)))]
async fn sign_in(
    State(identity): State<Identity>,
    origin: Option<Extension<Origin>>,
    Json(body): Json<PasskeySignIn>,
) -> Result<Response, Problem> {
    let origin = origin.map(|Extension(origin)| origin).unwrap_or_default();
    let signed_in = identity.sign_in_by_passkey(&body, origin).await?;
    let who = identity.whoami(&signed_in.caller).await?;
    Ok(identity.with_session(&signed_in, (StatusCode::CREATED, Json(who))))
}
