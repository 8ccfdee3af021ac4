//! Domains in the console.

use access::Caller;
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::filters;
use base::page::{Faults, Form, View, see_other};
use base::problem::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::named;
use crate::domain::DomainState;
use crate::{Claim, Domain, Domains, Error};

/// The room's pages.
pub fn pages(domains: Domains) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, claim))
        .routes(routes!(check))
        .routes(routes!(remove))
        .with_state(domains)
}

#[derive(Template)]
#[template(path = "domains/list.html")]
struct ListPage {
    rows: Vec<Domain>,
    form: Claim,
    faults: Faults,
}

/// The domains that the org claims.
#[utoipa::path(get, path = "/domains", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 200)))]
async fn list(caller: Caller, State(domains): State<Domains>) -> Result<View, Problem> {
    show(&domains, &caller, Claim::default(), Faults::default()).await
}

/// Claims a domain.
#[utoipa::path(post, path = "/domains", tag = "console",
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn claim(
    caller: Caller,
    State(domains): State<Domains>,
    Form(form): Form<Claim>,
) -> Result<Response, Problem> {
    match domains.claim(&caller, &form).await {
        Ok(domain) => {
            let said = format!("Now add the record for {}.", domain.domain);
            Ok(see_other("/domains").said(said).into_response())
        }
        Err(error) => again(&domains, &caller, form, error).await,
    }
}

/// Looks for the record of a domain now.
#[utoipa::path(post, path = "/domains/{domain}/check", tag = "console",
    params(("domain" = String, Path, description = "the domain")),
    security(("key" = ["users:connections"])), responses((status = 303), (status = 422)))]
async fn check(
    caller: Caller,
    State(domains): State<Domains>,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    match domains.check(&caller, &named(&domain)?).await {
        Ok(domain) => {
            let said = format!("{} is verified.", domain.domain);
            Ok(see_other("/domains").said(said).into_response())
        }
        Err(error) => again(&domains, &caller, Claim::default(), error).await,
    }
}

/// Gives a domain up.
#[utoipa::path(post, path = "/domains/{domain}/remove", tag = "console",
    params(("domain" = String, Path, description = "the domain")),
    security(("key" = ["users:connections"])), responses((status = 303)))]
async fn remove(
    caller: Caller,
    State(domains): State<Domains>,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    domains.remove(&caller, &named(&domain)?).await?;
    Ok(see_other("/domains").said(format!("{domain} was given up.")).into_response())
}

async fn again(
    domains: &Domains,
    caller: &Caller,
    form: Claim,
    error: Error,
) -> Result<Response, Problem> {
    let page = show(domains, caller, form, Faults::of(error)?).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn show(
    domains: &Domains,
    caller: &Caller,
    form: Claim,
    faults: Faults,
) -> Result<View, Problem> {
    let rows = domains.list(caller).await?;
    View::of("Domains", &ListPage { rows, form, faults })
}
