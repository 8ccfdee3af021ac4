//! Access reviews over HTTP.

use access::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use base::http::{Json, Page, Path, Query};
use base::problem::Problem;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Campaign, CampaignId, Campaigns, Decide, Decided, Export, Item, Items, NewCampaign, Progress,
    Reviews,
};

/// The routes of this room.
pub fn routes(reviews: Reviews) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, begin))
        .routes(routes!(one))
        .routes(routes!(items))
        .routes(routes!(decide))
        .routes(routes!(sign_off))
        .routes(routes!(reopen))
        .routes(routes!(cancel))
        .routes(routes!(export))
        .with_state(reviews)
}

/// A campaign, and how far it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Whole {
    #[serde(flatten)]
    campaign: Campaign,
    progress: Progress,
}

/// The access reviews of the org, newest first.
#[utoipa::path(get, path = "/api/reviews", tag = "reviews", params(Campaigns),
    security(("key" = ["users:review"])), responses((status = 200, body = Page<Campaign>)))]
async fn list(
    caller: Caller,
    State(reviews): State<Reviews>,
    Query(campaigns): Query<Campaigns>,
) -> Result<Json<Page<Campaign>>, Problem> {
    Ok(Json(reviews.campaigns(&caller, &campaigns).await?))
}

/// Begins an access review: takes down everything that gives access at this moment.
#[utoipa::path(post, path = "/api/reviews", tag = "reviews", request_body = NewCampaign,
    security(("key" = ["users:review"])), responses((status = 201, body = Campaign)))]
async fn begin(
    caller: Caller,
    State(reviews): State<Reviews>,
    Json(body): Json<NewCampaign>,
) -> Result<impl IntoResponse, Problem> {
    let campaign = reviews.begin(&caller, &body).await?;
    let location = [(LOCATION, format!("/api/reviews/{}", campaign.id))];
    Ok((StatusCode::CREATED, location, Json(campaign)))
}

/// One access review, and how far it is.
#[utoipa::path(get, path = "/api/reviews/{id}", tag = "reviews",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = Whole)))]
async fn one(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Whole>, Problem> {
    let campaign = reviews.campaign(&caller, &id).await?;
    let progress = reviews.progress(&caller, &id).await?;
    Ok(Json(Whole { campaign, progress }))
}

/// What an access review looks at.
#[utoipa::path(get, path = "/api/reviews/{id}/items", tag = "reviews",
    params(Items, ("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = Page<Item>)))]
async fn items(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
    Query(items): Query<Items>,
) -> Result<Json<Page<Item>>, Problem> {
    Ok(Json(reviews.items(&caller, &id, &items).await?))
}

/// Decides about some items, or about everything undecided that matches.
#[utoipa::path(post, path = "/api/reviews/{id}/decisions", tag = "reviews",
    request_body = Decide, params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = Decided)))]
async fn decide(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
    Json(body): Json<Decide>,
) -> Result<Json<Decided>, Problem> {
    Ok(Json(reviews.decide(&caller, &id, &body).await?))
}

/// Signs an access review off; with the last signature what was decided is done. What a
/// crash cut off goes on by signing off again.
#[utoipa::path(post, path = "/api/reviews/{id}/sign-off", tag = "reviews",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 202, body = Campaign)))]
async fn sign_off(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(reviews.sign_off(&caller, &id).await?)))
}

/// Opens an access review again that one of two has signed.
#[utoipa::path(post, path = "/api/reviews/{id}/reopen", tag = "reviews",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = Campaign)))]
async fn reopen(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Campaign>, Problem> {
    Ok(Json(reviews.reopen(&caller, &id).await?))
}

/// Gives an access review up; nothing is taken back.
#[utoipa::path(post, path = "/api/reviews/{id}/cancel", tag = "reviews",
    params(("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = Campaign)))]
async fn cancel(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
) -> Result<Json<Campaign>, Problem> {
    Ok(Json(reviews.cancel(&caller, &id).await?))
}

/// An access review as evidence: every item, decision, result, and their events.
#[utoipa::path(get, path = "/api/reviews/{id}/export", tag = "reviews",
    params(Export, ("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200, body = String)))]
async fn export(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
    Query(export): Query<Export>,
) -> Result<Response, Problem> {
    Ok(reviews.export(&caller, &id, export).await?)
}
