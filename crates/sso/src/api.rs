//! Connections over HTTP.

use access::Caller;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::provider::METADATA_BYTES_MAX;
use crate::{
    ChangeConnection, Connection, ConnectionId, NewConnection, Preview, Previewed, ProviderSource,
    Sso,
};

/// The routes of this room under `/api`.
pub fn routes(sso: Sso) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, remove))
        .routes(routes!(upload))
        .routes(routes!(source))
        .routes(routes!(refresh))
        .routes(routes!(rotate, retire))
        .routes(routes!(preview))
        .routes(routes!(test))
        .routes(routes!(vouch))
        .routes(routes!(activate))
        .routes(routes!(deactivate))
        .with_state(sso)
}

/// Where a provider describes itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Source {
    /// The address of its SAML metadata, or its issuer.
    source: String,
}

/// A test sign-in that has begun.
#[derive(Debug, Serialize, ToSchema)]
struct TestBegun {
    /// Where it goes on.
    path: String,
}

/// The connections of the org.
#[utoipa::path(get, path = "/api/connections", tag = "sso", params(Paging),
    security(("key" = ["users:connections"])), responses((status = 200, body = Page<Connection>)))]
async fn list(
    caller: Caller,
    State(sso): State<Sso>,
    Query(page): Query<Paging>,
) -> Result<Json<Page<Connection>>, Problem> {
    Ok(Json(sso.list(&caller, page.after.as_deref(), page.limit).await?))
}

/// Makes a connection to an identity provider. Nobody signs in through it yet.
#[utoipa::path(post, path = "/api/connections", tag = "sso", request_body = NewConnection,
    security(("key" = ["users:connections"])), responses((status = 201, body = Connection)))]
async fn create(
    caller: Caller,
    State(sso): State<Sso>,
    Json(body): Json<NewConnection>,
) -> Result<impl IntoResponse, Problem> {
    let connection = sso.create(&caller, body).await?;
    let location = [(LOCATION, format!("/api/connections/{}", connection.id))];
    Ok((StatusCode::CREATED, location, Json(connection)))
}

/// One connection.
#[utoipa::path(get, path = "/api/connections/{id}", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn one(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.get(&caller, &id).await?))
}

/// Changes a connection: its name, how a sign-in goes, what attributes mean.
#[utoipa::path(patch, path = "/api/connections/{id}", tag = "sso",
    request_body = ChangeConnection, params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn change(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Json(body): Json<ChangeConnection>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.change(&caller, &id, body).await?))
}

/// Removes a connection that is not active. Members stay, and are not known by it any more.
#[utoipa::path(delete, path = "/api/connections/{id}", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<StatusCode, Problem> {
    sso.remove(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Uploads the provider's SAML metadata: XML of at most 256 KiB.
#[utoipa::path(put, path = "/api/connections/{id}/metadata", tag = "sso",
    request_body(content = String, content_type = "application/samlmetadata+xml"),
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn upload(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    request: Request,
) -> Result<Json<Connection>, Problem> {
    let xml = base::http::read(request, METADATA_BYTES_MAX).await?;
    let source = ProviderSource::Metadata(xml.to_vec());
    Ok(Json(sso.set_provider(&caller, &id, source).await?))
}

/// Says where the provider describes itself; from then on it is read each hour.
#[utoipa::path(put, path = "/api/connections/{id}/source", tag = "sso", request_body = Source,
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn source(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Json(body): Json<Source>,
) -> Result<Json<Connection>, Problem> {
    let source = ProviderSource::Address(body.source);
    Ok(Json(sso.set_provider(&caller, &id, source).await?))
}

/// Reads the provider again, now.
#[utoipa::path(post, path = "/api/connections/{id}/refresh", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn refresh(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.refresh(&caller, &id).await?))
}

/// Makes a new key of our own, which signs from now on. The one before still opens.
#[utoipa::path(post, path = "/api/connections/{id}/keys", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn rotate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.rotate_key(&caller, &id).await?))
}

/// Gives the older key up, once the provider has our new metadata.
#[utoipa::path(delete, path = "/api/connections/{id}/keys", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn retire(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.retire_key(&caller, &id).await?))
}

/// What a mapping makes of the last test sign-in. Nothing is changed.
#[utoipa::path(post, path = "/api/connections/{id}/preview", tag = "sso", request_body = Preview,
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Previewed)))]
async fn preview(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    Json(body): Json<Preview>,
) -> Result<Json<Previewed>, Problem> {
    Ok(Json(sso.preview(&caller, &id, body).await?))
}

/// Begins a test sign-in. It goes on at `path`, in the browser that keeps the cookie of this
/// answer, within ten minutes.
#[utoipa::path(post, path = "/api/connections/{id}/test", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = TestBegun)))]
async fn test(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let begun = sso.begin_test(&caller, &id, &headers).await?;
    let mut response = Json(TestBegun { path: begun.path }).into_response();
    sso.mark(&begun.browser, &mut response);
    Ok(response)
}

/// Answers for the provider: it lets in all who may no more than the caller.
#[utoipa::path(post, path = "/api/connections/{id}/vouch", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn vouch(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.vouch(&caller, &id).await?))
}

/// Lets people sign in through a connection that was tested.
#[utoipa::path(post, path = "/api/connections/{id}/activate", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn activate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.activate(&caller, &id).await?))
}

/// Lets nobody sign in through a connection any more. Sessions that there are go on.
#[utoipa::path(post, path = "/api/connections/{id}/deactivate", tag = "sso",
    params(("id" = String, Path, description = "the connection")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Connection)))]
async fn deactivate(
    caller: Caller,
    State(sso): State<Sso>,
    Path(id): Path<ConnectionId>,
) -> Result<Json<Connection>, Problem> {
    Ok(Json(sso.deactivate(&caller, &id).await?))
}
