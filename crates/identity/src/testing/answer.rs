//! What is asked at the door, and what comes back.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use serde_json::Value;
use tower::ServiceExt as _;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// What these routes say to a request.
    pub async fn of(routes: Router, request: Request<Body>) -> Self {
        let response = routes.oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Self { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json().get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The cookie of the session that it begins, as a browser sends it back.
    pub fn cookie(&self) -> String {
        cookie(&self.headers)
    }

    /// Where the browser is sent.
    pub fn location(&self) -> String {
        let to = self.headers.get(header::LOCATION).or_else(|| self.headers.get(header::REFRESH));
        assert!(to.is_some(), "{} leads nowhere: {}", self.status, self.text);
        let to = to.and_then(|to| to.to_str().ok()).expect("text");
        to.strip_prefix("0;url=").unwrap_or(to).to_owned()
    }
}

pub(super) fn cookie(headers: &HeaderMap) -> String {
    let all = headers.get_all(header::SET_COOKIE).iter();
    let mut pairs = all.filter_map(|set| set.to_str().ok()?.split(';').next());
    pairs.find(|pair| pair.contains("portico_session=")).expect("a session").to_owned()
}

/// The header with which somebody shows who they are: a cookie has a name and a value.
pub fn shown(who: &str) -> (&'static str, String) {
    if who.contains('=') {
        ("cookie", who.to_owned())
    } else {
        ("authorization", format!("Bearer {}", who.trim_start_matches("Bearer ")))
    }
}

/// A request. Null sends no body, a text a form, all else JSON.
pub fn request<V: AsRef<str>>(
    method: &str,
    path: &str,
    headers: &[(&str, V)],
    body: Value,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value.as_ref());
    }
    let request = match body {
        Value::Null => request.body(Body::empty()),
        Value::String(form) => request
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into()),
        body => {
            request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into())
        }
    };
    request.expect("a request")
}
