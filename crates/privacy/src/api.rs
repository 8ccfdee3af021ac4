//! Privacy over HTTP.

use access::Caller;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Paging, Path, Query};
use base::problem::Problem;
use base::shares::Place;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Ask, Export, Hold, HoldId, Located, NewHold, Privacy, Receipt, Request, RequestId, Retention,
    SetRetention, State as Standing,
};

/// The routes of this room.
pub fn routes(privacy: Privacy) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(locate))
        .routes(routes!(export))
        .routes(routes!(export_own))
        .routes(routes!(list, erase))
        .routes(routes!(one, withdraw))
        .routes(routes!(receipt))
        .routes(routes!(holds, place_hold))
        .routes(routes!(lift_hold))
        .routes(routes!(retention, set_retention))
        .with_state(privacy)
}

/// Who is meant.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Who {
    /// An id (`mem_…`, `stp_…`) or an e-mail address.
    person: String,
}

/// What is held of a person, by store: what an erasure would do.
#[utoipa::path(get, path = "/api/privacy/person", tag = "privacy", params(Who),
    security(("key" = ["privacy:read"])), responses((status = 200, body = Located)))]
async fn locate(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(who): Query<Who>,
) -> Result<Json<Located>, Problem> {
    Ok(Json(privacy.locate(&caller, &who.person).await?))
}

/// Everything that is held of a person, for whoever answers their request.
#[utoipa::path(get, path = "/api/privacy/export", tag = "privacy", params(Who),
    security(("key" = ["privacy:export"])), responses((status = 200, body = String)))]
async fn export(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(who): Query<Who>,
) -> Result<Response, Problem> {
    file(privacy.export(&caller, &who.person).await?)
}

/// Everything that is held of the caller.
#[utoipa::path(get, path = "/api/me/export", tag = "privacy",
    security(("key" = ["self"])), responses((status = 200, body = String)))]
async fn export_own(caller: Caller, State(privacy): State<Privacy>) -> Result<Response, Problem> {
    file(privacy.export_own(&caller).await?)
}

/// The erasures of the org, newest first.
#[utoipa::path(get, path = "/api/privacy/requests", tag = "privacy", params(Paging),
    security(("key" = ["privacy:read"])), responses((status = 200, body = Page<Request>)))]
async fn list(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Request>>, Problem> {
    Ok(Json(privacy.requests(&caller, &paging).await?))
}

/// Erases a person who is no member any more: 201 when it is done; 202 when something blocks
/// it, and it waits.
#[utoipa::path(post, path = "/api/privacy/requests", tag = "privacy", request_body = Ask,
    security(("key" = ["privacy:erase"])),
    responses((status = 201, body = Request), (status = 202, body = Request)))]
async fn erase(
    caller: Caller,
    State(privacy): State<Privacy>,
    Json(ask): Json<Ask>,
) -> Result<impl IntoResponse, Problem> {
    let request = privacy.erase(&caller, &ask).await?;
    let location = [(LOCATION, format!("/api/privacy/requests/{}", request.id))];
    Ok((status_of(request.state), location, Json(request)))
}

/// One erasure.
#[utoipa::path(get, path = "/api/privacy/requests/{id}", tag = "privacy",
    params(("id" = String, Path, description = "the erasure")),
    security(("key" = ["privacy:read"])), responses((status = 200, body = Request)))]
async fn one(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<RequestId>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(privacy.request(&caller, &id).await?))
}

/// Takes an erasure back that waits.
#[utoipa::path(delete, path = "/api/privacy/requests/{id}", tag = "privacy",
    params(("id" = String, Path, description = "the erasure")),
    security(("key" = ["privacy:erase"])), responses((status = 200, body = Request)))]
async fn withdraw(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<RequestId>,
) -> Result<Json<Request>, Problem> {
    Ok(Json(privacy.withdraw(&caller, &id).await?))
}

/// The signed receipt of an erasure: JSON, or the note itself as `text/plain`.
#[utoipa::path(get, path = "/api/privacy/requests/{id}/receipt", tag = "privacy",
    params(("id" = String, Path, description = "the erasure")),
    security(("key" = ["privacy:read"])), responses((status = 200, body = Receipt)))]
async fn receipt(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<RequestId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let receipt = privacy.receipt(&caller, &id).await?;
    Ok(written(receipt, wants_text(&headers)))
}

/// The legal holds of the org, newest first.
#[utoipa::path(get, path = "/api/privacy/holds", tag = "privacy", params(Paging),
    security(("key" = ["privacy:read"])), responses((status = 200, body = Page<Hold>)))]
async fn holds(
    caller: Caller,
    State(privacy): State<Privacy>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Hold>>, Problem> {
    Ok(Json(privacy.holds(&caller, &paging).await?))
}

/// Places a legal hold on a person or on everybody.
#[utoipa::path(post, path = "/api/privacy/holds", tag = "privacy", request_body = NewHold,
    security(("key" = ["privacy:hold"])), responses((status = 201, body = Hold)))]
async fn place_hold(
    caller: Caller,
    State(privacy): State<Privacy>,
    Json(new): Json<NewHold>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(privacy.place_hold(&caller, &new).await?)))
}

/// Lifts a legal hold.
#[utoipa::path(delete, path = "/api/privacy/holds/{id}", tag = "privacy",
    params(("id" = String, Path, description = "the hold")),
    security(("key" = ["privacy:hold"])), responses((status = 200, body = Hold)))]
async fn lift_hold(
    caller: Caller,
    State(privacy): State<Privacy>,
    Path(id): Path<HoldId>,
) -> Result<Json<Hold>, Problem> {
    Ok(Json(privacy.lift_hold(&caller, &id).await?))
}

/// How long values must be kept.
#[utoipa::path(get, path = "/api/privacy/retention", tag = "privacy",
    security(("key" = ["privacy:read"])), responses((status = 200, body = Retention)))]
async fn retention(
    caller: Caller,
    State(privacy): State<Privacy>,
) -> Result<Json<Retention>, Problem> {
    Ok(Json(privacy.retention(&caller).await?))
}

/// Sets how long values must be kept.
#[utoipa::path(put, path = "/api/privacy/retention", tag = "privacy",
    request_body = SetRetention, security(("key" = ["privacy:hold"])),
    responses((status = 200, body = Retention)))]
async fn set_retention(
    caller: Caller,
    State(privacy): State<Privacy>,
    Json(set): Json<SetRetention>,
) -> Result<Json<Retention>, Problem> {
    Ok(Json(privacy.set_retention(&caller, &set).await?))
}

const fn status_of(state: Standing) -> StatusCode {
    match state {
        Standing::Erased => StatusCode::CREATED,
        Standing::Asked | Standing::Restricted | Standing::Withdrawn => StatusCode::ACCEPTED,
    }
}

/// An export on its way: its place is free when its last byte is gone.
struct OnItsWay(Vec<u8>, #[expect(dead_code, reason = "held")] Place);

impl AsRef<[u8]> for OnItsWay {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// As a file to be kept.
fn file(export: Export) -> Result<Response, Problem> {
    let name = format!("attachment; filename=\"{}.json\"", export.person.id);
    let json = serde_json::to_vec(&export).map_err(|error| Problem::internal(&error))?;
    let body = Bytes::from_owner(OnItsWay(json, export.place));
    let headers = [(CONTENT_DISPOSITION, name), (CONTENT_TYPE, "application/json".to_owned())];
    Ok((headers, body).into_response())
}

/// Whether somebody names `text/plain` and likes JSON, if they name it, less.
fn wants_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut text, mut json) = (0.0, 0.0);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0_f32));
        match kind.as_str() {
            "text/plain" => text = weight,
            "application/json" => json = weight,
            _ => {}
        }
    }
    text > json
}

fn written(receipt: Receipt, plain: bool) -> Response {
    let vary = [(VARY, "accept")];
    if plain {
        let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
        return (vary, kind, receipt.note).into_response();
    }
    (vary, Json(receipt)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn whoever_names_text_gets_text_unless_they_like_json_as_much() {
        for (accept, text) in [
            ("text/plain", true),
            ("text/plain, */*", true),
            ("Text/Plain; charset=utf-8, */*;q=0.1", true),
            ("application/json;q=0.5, text/plain", true),
            ("text/plain;q=0", false),
            ("text/plain;q=0.5, application/json", false),
            ("application/json, text/plain, */*", false),
            ("*/*", false),
            ("text/html", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(wants_text(&headers), text, "{accept}");
        }
        assert!(!wants_text(&HeaderMap::new()));
    }
}
