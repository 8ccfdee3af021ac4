//! Answers in the shape of the protocol, refusals too (RFC 7644, section 3.12).

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::problem::Problem;
use serde_json::{Value, json};

use crate::Error;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Reply {
    /// With a body.
    pub(crate) fn of(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), headers: Vec::new() }
    }

    /// Without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: None, headers: Vec::new() }
    }

    /// A resource, with its address and version.
    pub(crate) fn resource(
        status: StatusCode,
        resource: Value,
        location: String,
        tag: String,
    ) -> Self {
        let headers = vec![(LOCATION, location), (ETAG, tag)];
        Self { status, body: Some(resource), headers }
    }

    /// A header of it.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The words of a refusal.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.body.as_ref()?.get("detail")?.as_str().filter(|_| !self.status.is_success())
    }

    /// A refusal.
    pub(crate) fn refused(status: StatusCode, scim_type: Option<&str>, detail: &str) -> Self {
        let parts = [
            ("schemas", Some(json!(["urn:ietf:params:scim:api:messages:2.0:Error"]))),
            ("status", Some(status.as_str().into())),
            ("scimType", scim_type.map(Value::from)),
            ("detail", Some(detail.into())),
        ];
        let known = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
        Self::of(status, Value::Object(known.collect()))
    }

    /// The one answer to every token that is not good.
    pub(crate) fn unauthorized() -> Self {
        let detail = "a token of a directory is required, and this is none that is known here";
        let mut reply = Self::refused(StatusCode::UNAUTHORIZED, None, detail);
        reply.headers.push((WWW_AUTHENTICATE, "Bearer".to_owned()));
        reply
    }

    /// Another method belongs here.
    pub(crate) fn not_allowed(methods: &str) -> Self {
        let detail = "this method is not supported here";
        let mut reply = Self::refused(StatusCode::METHOD_NOT_ALLOWED, None, detail);
        reply.headers.push((ALLOW, methods.to_owned()));
        reply
    }
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Ended) {
            return Self::unauthorized();
        }
        let scim_type = error.scim_type();
        let problem = Problem::from(error);
        // A rule about a field is a bad request here: the protocol has no 422.
        let status = match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let field = problem.errors_of_fields().first();
        let field = field
            .map(|field| format!("`{}` {}", field.pointer.trim_start_matches('/'), field.detail));
        let detail = field.as_deref().unwrap_or(problem.detail());
        let mut reply = Self::refused(status, scim_type, detail);
        let wait = problem.headers().iter().find(|(name, _)| name == RETRY_AFTER);
        let wait = wait.and_then(|(_, value)| value.to_str().ok());
        reply.headers.extend(wait.map(|secs| (RETRY_AFTER, secs.to_owned())));
        reply
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = self.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let has_body =
            self.status != StatusCode::NO_CONTENT && self.status != StatusCode::NOT_MODIFIED;
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            headers.extend(HeaderValue::from_str(&value).ok().map(|value| (name, value)));
        }
        response
    }
}
