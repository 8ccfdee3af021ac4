//! Import and export over HTTP.

use access::Caller;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use base::http::{Json, Query};
use base::problem::Problem;
use serde::Deserialize;

use crate::{Exported, Imported, Patterns};

/// The largest file, in bytes.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// Which patterns a file is to hold.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportFilter {
    /// `published`, which is the default, or `all`.
    #[param(inline)]
    state: Option<Exported>,
}

/// The patterns as a YAML file that can be imported elsewhere.
#[utoipa::path(get, path = "/api/patterns.yaml", tag = "patterns", params(ExportFilter),
    security(("key" = ["patterns:read"])),
    responses((status = 200, content_type = "application/yaml", body = String)))]
pub(crate) async fn export(
    caller: Caller,
    State(patterns): State<Patterns>,
    Query(filter): Query<ExportFilter>,
) -> Result<impl IntoResponse, Problem> {
    let yaml = patterns.export(&caller, filter.state.unwrap_or_default()).await?;
    let headers = [
        (CONTENT_TYPE, "application/yaml"),
        (CONTENT_DISPOSITION, "attachment; filename=\"patterns.yaml\""),
    ];
    Ok((headers, yaml))
}

/// Teaches every pattern of a YAML file of at most 1 MiB, or none.
#[utoipa::path(post, path = "/api/patterns/import", tag = "patterns",
    request_body(content = String, content_type = "application/yaml"),
    security(("key" = ["patterns:create"])), responses((status = 200, body = Imported)))]
pub(crate) async fn import(
    caller: Caller,
    State(patterns): State<Patterns>,
    request: Request,
) -> Result<Json<Imported>, Problem> {
    let yaml = read_yaml(request).await?;
    Ok(Json(patterns.import(&caller, &yaml).await?))
}

async fn read_yaml(request: Request) -> Result<String, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !["application/yaml", "text/yaml"].iter().any(|yaml| kind.eq_ignore_ascii_case(yaml)) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "send the body as `content-type: application/yaml`",
        ));
    }
    let body = base::http::read(request, FILE_BYTES_MAX).await?;
    String::from_utf8(body.to_vec())
        .map_err(|_| Problem::bad_request("malformed_yaml", "the body is not UTF-8"))
}
