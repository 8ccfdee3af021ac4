//! Extractors whose refusals are [`Problem`]s, and keyset pages.

use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::problem::Problem;

/// Bytes of a JSON body on our own API at most.
pub const BODY_MAX: usize = 2 << 20;

/// JSON in and out. A refused body names its first wrong field.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(is_json) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as `content-type: application/json`",
            ));
        }
        let body = read(request, BODY_MAX).await?;
        parse(&body).map(Self)
    }
}

/// Whether a content type is JSON.
pub fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.ends_with("+json")
}

/// Bytes of a refused body that are still read and thrown away, so that a caller who
/// is still sending sees the refusal and not a broken connection.
const DRAIN_MAX: usize = 128 << 20;

/// Longest silence inside a body.
const BODY_IDLE: Duration = Duration::from_secs(30);

/// The whole body, or a problem that says why not: 413 when it is larger than `max`.
pub async fn read(request: Request, max: usize) -> Result<Bytes, Problem> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let waits = request.headers().contains_key(EXPECT);
    if declared.is_some_and(|length| length > DRAIN_MAX || (waits && length > max)) {
        return Err(too_large(max));
    }
    let mut body = request.into_body().into_data_stream();
    let mut first: Option<Bytes> = None;
    let mut whole = BytesMut::new();
    let mut size = 0_usize;
    while let Some(chunk) = timeout(BODY_IDLE, body.next()).await.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body stopped coming")
    })? {
        let chunk = chunk.map_err(|_| {
            Problem::bad_request("unreadable_body", "the body could not be read to its end")
        })?;
        size = size.saturating_add(chunk.len());
        if size > DRAIN_MAX {
            break;
        }
        if size > max {
            (first, whole) = (None, BytesMut::new());
        } else if first.is_none() && whole.is_empty() {
            first = Some(chunk);
        } else {
            if let Some(first) = first.take() {
                whole.reserve(declared.unwrap_or_default());
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&chunk);
        }
    }
    if size > max {
        return Err(too_large(max));
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

fn too_large(max: usize) -> Problem {
    let detail = format!("the body is larger than {max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// Reads JSON and names the field that is wrong.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut from = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            let field = unknown_field(&error.to_string()).unwrap_or(path);
            Problem::invalid(field, sentence(&error))
        } else {
            Problem::bad_request("malformed_json", format!("the body is not JSON: {error}"))
        }
    })?;
    from.end().map_err(|error| {
        Problem::bad_request("malformed_json", format!("the body goes on behind its end: {error}"))
    })?;
    Ok(value)
}

fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn unknown_field(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `").or(message.strip_prefix("missing field `"));
    rest?.split('`').next().map(ToOwned::to_owned)
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Path parameters; one that cannot be what the path says is "not found".
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<axum::extract::Path<T>, PathRejection> =
            axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|_| Problem::not_found())
    }
}

/// Query parameters; unknown or wrong ones are refused by name.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            let (field, detail) = text.split_once(": ").unwrap_or(("", text));
            let field = unknown_field(detail).unwrap_or_else(|| field.to_owned());
            Problem::bad_request("invalid_query", detail).param(field)
        })
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Items on a page when the caller does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Items on a page at most.
pub const PAGE_MAX: u32 = 200;

impl<T> Page<T> {
    /// A page of at most `limit` out of a list that was asked for one more than that.
    pub fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }
}

/// How many items a caller wants: 1 to [`PAGE_MAX`].
pub fn page_limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(PAGE_DEFAULT) {
        0 => Err(Problem::bad_request("invalid_query", "`limit` must be 1 to 200").param("limit")),
        more if more > PAGE_MAX => {
            Err(Problem::bad_request("invalid_query", "`limit` must be 1 to 200").param("limit"))
        }
        limit => Ok(limit),
    }
}
