//! Usage over HTTP.

use access::Caller;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base::http::{Json, Path, Query};
use base::problem::Problem;
use futures_util::stream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Dimension, Error, Ranking, RankingFilter, Series, SeriesFilter, Usage, export};

/// The routes of this room.
pub fn routes(usage: Usage) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(series))
        .routes(routes!(by))
        .routes(routes!(table))
        .with_state(usage)
}

/// What was used over time, and in the period before. Whoever lacks `settings:read` sees
/// what they used themselves.
#[utoipa::path(get, path = "/api/usage/series", tag = "usage", params(SeriesFilter),
    security(("key" = ["self"])), responses((status = 200, body = Series)))]
async fn series(
    caller: Caller,
    State(usage): State<Usage>,
    Query(filter): Query<SeriesFilter>,
) -> Result<Json<Series>, Problem> {
    Ok(Json(usage.series(&caller, &filter).await?))
}

/// What was used, told apart by model, team, member or key: the largest, and all others.
#[utoipa::path(get, path = "/api/usage/by/{dimension}", tag = "usage",
    params(("dimension" = Dimension, Path, description = "`model`, `team`, `member` or `key`"),
        RankingFilter),
    security(("key" = ["self"])), responses((status = 200, body = Ranking)))]
async fn by(
    caller: Caller,
    State(usage): State<Usage>,
    Path(dimension): Path<Dimension>,
    Query(filter): Query<RankingFilter>,
) -> Result<Json<Ranking>, Problem> {
    Ok(Json(usage.by(&caller, &filter, dimension).await?))
}

/// A row for each hour or day, member, key, model and set of teams, for spreadsheets. The header
/// `portico-until` says until when it is complete, if later calls are still being added up.
#[utoipa::path(get, path = "/api/usage.csv", tag = "usage", params(SeriesFilter),
    security(("key" = ["self"])),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn table(
    caller: Caller,
    State(usage): State<Usage>,
    Query(filter): Query<SeriesFilter>,
) -> Result<Response, Problem> {
    let (checked, until) = usage.export(&caller, &filter).await?;
    let start = checked.start();
    let rows = stream::try_unfold(Some(start), move |after| {
        let (usage, caller, checked) = (usage.clone(), caller.clone(), checked.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            let life = &caller.standing.life;
            let page = life.during(usage.export_page(&caller, &checked, after)).await??;
            Ok::<_, Error>(page.map(|(text, last)| (Bytes::from(text), Some(last))))
        }
    });
    let head = stream::once(async { Ok(Bytes::from_static(export::HEAD.as_bytes())) });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""),
    ];
    let body = Body::from_stream(futures_util::StreamExt::chain(head, rows));
    let until = until.map(|until| [("portico-until", until.to_string())]);
    Ok((headers, until, body).into_response())
}
