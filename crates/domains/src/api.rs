//! Domains over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use base::http::{Json, Path};
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Claim, Domain, DomainName, Domains, Error};

/// The room's routes.
pub fn routes(domains: Domains) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, claim))
        .routes(routes!(get, remove))
        .routes(routes!(check))
        .with_state(domains)
}

/// The domains of an org.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DomainList {
    items: Vec<Domain>,
}

/// The domain of a path. What is none is none of the org's.
pub(crate) fn named(text: &str) -> Result<DomainName, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// The domains that the org claims, with the record that proves each.
#[utoipa::path(get, path = "/api/domains", tag = "domains",
    security(("key" = ["users:connections"])), responses((status = 200, body = DomainList)))]
async fn list(caller: Caller, State(domains): State<Domains>) -> Result<Json<DomainList>, Problem> {
    Ok(Json(DomainList { items: domains.list(&caller).await? }))
}

/// Claims a domain.
#[utoipa::path(post, path = "/api/domains", tag = "domains", request_body = Claim,
    security(("key" = ["users:connections"])),
    responses((status = 201, body = Domain), (status = 422)))]
async fn claim(
    caller: Caller,
    State(domains): State<Domains>,
    Json(body): Json<Claim>,
) -> Result<(StatusCode, Json<Domain>), Problem> {
    Ok((StatusCode::CREATED, Json(domains.claim(&caller, &body).await?)))
}

/// One domain.
#[utoipa::path(get, path = "/api/domains/{domain}", tag = "domains",
    params(("domain" = String, Path, description = "the domain")),
    security(("key" = ["users:connections"])), responses((status = 200, body = Domain)))]
async fn get(
    caller: Caller,
    State(domains): State<Domains>,
    Path(domain): Path<String>,
) -> Result<Json<Domain>, Problem> {
    Ok(Json(domains.get(&caller, &named(&domain)?).await?))
}

/// Gives a domain up.
#[utoipa::path(delete, path = "/api/domains/{domain}", tag = "domains",
    params(("domain" = String, Path, description = "the domain")),
    security(("key" = ["users:connections"])), responses((status = 204)))]
async fn remove(
    caller: Caller,
    State(domains): State<Domains>,
    Path(domain): Path<String>,
) -> Result<StatusCode, Problem> {
    domains.remove(&caller, &named(&domain)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks for the record now.
#[utoipa::path(post, path = "/api/domains/{domain}/check", tag = "domains",
    params(("domain" = String, Path, description = "the domain")),
    security(("key" = ["users:connections"])),
    responses((status = 200, body = Domain), (status = 409)))]
async fn check(
    caller: Caller,
    State(domains): State<Domains>,
    Path(domain): Path<String>,
) -> Result<Json<Domain>, Problem> {
    Ok(Json(domains.check(&caller, &named(&domain)?).await?))
}
