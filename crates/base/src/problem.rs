//! The one shape of an error on the wire: RFC 9457 problem details.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// What a client is told. Never holds an internal cause: that goes to the log.
///
/// Also put into the response's extensions, so that the OpenAI door can show the
/// same problem in OpenAI's shape and the record can say why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    detail: String,
    param: Option<String>,
    errors: Vec<FieldError>,
    extra: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body: `/triggers/0`.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// A problem the caller can do something about. `code` is stable and documented.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            detail: detail.into(),
            param: None,
            errors: Vec::new(),
            extra: Vec::new(),
            headers: Vec::new(),
        }))
    }

    /// The request is not understood: 400.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Understood, and refused by a rule about this field: 422.
    pub fn invalid(param: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).param(param)
    }

    /// Also the answer when the caller may not know that the thing exists.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "no such resource")
    }

    /// A fault of ours: logged here, once, with its whole chain of causes.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %Chain(cause), "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error")
    }

    /// Something this answer depends on is down: logged once, the caller may try again.
    pub fn unavailable(
        code: &'static str,
        detail: impl Into<String>,
        cause: &(dyn std::error::Error + 'static),
    ) -> Self {
        tracing::error!(error = %Chain(cause), "refused: a part that is needed is unavailable");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(1)
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Lists every field that is wrong; the first is also `param`.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        if let (None, Some(first)) = (&self.0.param, errors.first()) {
            self.0.param = Some(first.pointer.trim_start_matches('/').replace('/', "."));
        }
        self.0.errors = errors;
        self
    }

    /// Adds an extension member (RFC 9457, section 3.2).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.extra.push((name, value));
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Says after how many seconds trying again makes sense.
    #[must_use]
    pub fn retry_after(self, secs: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(secs))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What people read.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The field that is wrong, if one is.
    pub fn field(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// Every field that is wrong.
    pub fn errors_of_fields(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// An extension member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.extra.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The headers that go with it in any shape.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    fn body(&self) -> Value {
        let mut body = serde_json::json!({
            "type": format!("urn:portico:problem:{}", self.0.code),
            "title": self.0.status.canonical_reason().unwrap_or_default(),
            "status": self.0.status.as_u16(),
            "code": self.0.code,
            "detail": self.0.detail,
        });
        if let Some(members) = body.as_object_mut() {
            if let Some(param) = &self.0.param {
                members.insert("param".into(), param.as_str().into());
            }
            if !self.0.errors.is_empty() {
                members.insert("errors".into(), serde_json::json!(self.0.errors));
            }
            for (name, value) in &self.0.extra {
                members.insert((*name).into(), value.clone());
            }
        }
        body
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.detail)
    }
}

impl std::error::Error for Problem {}

/// An error and what it comes from, each once: logs as JSON show no sources by themselves.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl From<crate::db::DbError> for Problem {
    fn from(error: crate::db::DbError) -> Self {
        if error.is_away() || error.is_passing() {
            Self::unavailable("database_unavailable", "the database is not available", &error)
        } else if error.is_elsewhere() {
            Self::unavailable(
                "keys_unavailable",
                "the keys of the record are not available",
                &error,
            )
        } else if error.is_archive() {
            Self::unavailable(
                "archive_unavailable",
                "this needs older events, and their archive is not available",
                &error,
            )
        } else {
            Self::internal(&error)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, self.body().to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.0.headers.iter().cloned());
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;
    use crate::db::DbError;

    #[test]
    fn a_fault_is_logged_with_all_that_it_comes_from() {
        let cause = std::io::Error::other("the disk is full");
        let error = DbError::unreadable("body", cause);
        assert!(Chain(&error).to_string().ends_with("the disk is full"), "{}", Chain(&error));
        assert!(Chain(&error).to_string().starts_with(&error.to_string()));
    }
}
