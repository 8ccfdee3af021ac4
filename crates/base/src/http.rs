//! Extractors whose refusals are [`Problem`]s, and keyset pages.

mod body;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::body::read;
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

/// Reads JSON and names the field that is wrong.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    refuse_nul(body)?;
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

/// What is said about the one character that no database keeps in a text.
pub(crate) const NUL: &str = "must not contain the character NUL";

/// NUL is valid in JSON and in no text of PostgreSQL. Few bodies name it at all.
fn refuse_nul(body: &[u8]) -> Result<(), Problem> {
    if !body.windows(6).any(|bytes| bytes == br"\u0000") {
        return Ok(());
    }
    let value = serde_json::from_slice::<Value>(body).map_err(|error| {
        Problem::bad_request("malformed_json", format!("the body is not JSON: {error}"))
    })?;
    match nul_in(&value) {
        Some(field) => Err(Problem::invalid(field, NUL)),
        None => Ok(()),
    }
}

/// Where a NUL stands, as `triggers[0]`.
fn nul_in(value: &Value) -> Option<String> {
    let join = |first: String, rest: String| match rest.as_bytes().first() {
        None | Some(b'[') => first + &rest,
        Some(_) => format!("{first}.{rest}"),
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .find_map(|(place, value)| nul_in(value).map(|rest| join(format!("[{place}]"), rest))),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(name.replace('\0', ""));
            }
            nul_in(value).map(|rest| join(name.clone(), rest))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether something percent-encoded holds a NUL. An escape is never part of another.
fn names_nul(encoded: &str) -> bool {
    encoded.contains("%00")
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
        if names_nul(parts.uri.path()) {
            return Err(Problem::not_found());
        }
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
        let mut pairs = parts.uri.query().unwrap_or_default().split('&');
        if let Some(pair) = pairs.find(|pair| names_nul(pair)) {
            let name = pair.split('=').next().unwrap_or_default().replace("%00", "");
            return Err(Problem::bad_request("invalid_query", NUL).param(name));
        }
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

/// Which page of a list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Items on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn field(body: &str) -> Option<String> {
        let problem = parse::<Value>(body.as_bytes()).err()?;
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
        problem.field().map(ToOwned::to_owned)
    }

    #[test]
    fn a_nul_in_a_body_is_refused_and_its_field_named() {
        for (body, named) in [
            (r#"{"email": "a\u0000@b.c"}"#, Some("email")),
            (r#"{"a": {"b": ["x", {"c": "\\\u0000"}]}}"#, Some("a.b[1].c")),
            (r#"["\u0000"]"#, Some("[0]")),
            (r#"{"na\u0000me": 1}"#, Some("name")),
            (r#""\u0000""#, Some("")),
            (r#"{"text": "a regular \\u0000 expression"}"#, None),
            (r#"{"text": "\u00000", "n": "\u0001"}"#, Some("text")),
            (r#"{"text": "two\nlines\tand \u0001"}"#, None),
        ] {
            assert_eq!(field(body).as_deref(), named, "{body}");
        }
        let broken = parse::<Value>(br#"{"a": "\u0000""#).unwrap_err();
        assert_eq!(broken.code(), "malformed_json");
    }

    async fn asked(uri: &str) -> Problem {
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let query =
            Query::<std::collections::HashMap<String, String>>::from_request_parts(&mut parts, &());
        query.await.map(|_| ()).expect_err(uri)
    }

    #[tokio::test]
    async fn a_nul_in_a_query_is_refused_and_its_parameter_named() {
        for (uri, named) in [
            ("/api/events?limit=1&user=%00", "user"),
            ("/x?after=a%25%00", "after"),
            ("/x?%00=1", ""),
        ] {
            let problem = asked(uri).await;
            assert_eq!((problem.status(), problem.field()), (StatusCode::BAD_REQUEST, Some(named)));
        }
        let (mut parts, ()) = Request::builder().uri("/x?a=%2500").body(()).unwrap().into_parts();
        let query =
            Query::<std::collections::HashMap<String, String>>::from_request_parts(&mut parts, &());
        assert_eq!(query.await.unwrap().0["a"], "%00");
    }

    #[tokio::test]
    async fn nothing_is_found_under_a_nul_in_a_path() {
        let uri = "/api/roles/a%00";
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let path = Path::<String>::from_request_parts(&mut parts, &()).await;
        assert_eq!(path.unwrap_err().status(), StatusCode::NOT_FOUND);
    }
}
