//! What is asked.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::Full;
use zeroize::Zeroizing;

use crate::fetch::Failed;
use crate::fetch::connect::Target;
use crate::secret::Secret;

/// How long a request may take as a whole, unless it says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long finding the host, connecting and TLS may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of an answer, unless the request says otherwise.
const BODY_BYTES_MAX: usize = 256 << 10;

/// One request, with its bounds.
pub struct Request {
    pub(super) url: String,
    pub(super) deadline: Duration,
    pub(super) connect_deadline: Duration,
    pub(super) body_bytes_max: usize,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    /// Some header or field was not one; said when it is sent.
    bad: bool,
}

impl Request {
    fn new(method: Method, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            deadline: DEADLINE,
            connect_deadline: CONNECT_DEADLINE,
            body_bytes_max: BODY_BYTES_MAX,
            method,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            bad: false,
        }
    }

    /// A request that something else made, a client of a store for example: its method,
    /// address, headers and body. Headers of the connection are set anew.
    pub fn of(request: http::Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let made = Self::new(head.method, &head.uri.to_string());
        Self { headers: head.headers, body, ..made }
    }

    /// Reads what is at `url`.
    pub fn get(url: &str) -> Self {
        Self::new(Method::GET, url)
    }

    /// Posts a body of this type.
    pub fn post(url: &str, kind: &str, body: impl Into<Bytes>) -> Self {
        let mut request = Self::new(Method::POST, url);
        request.body = body.into();
        request.set(CONTENT_TYPE, kind, false)
    }

    /// Posts fields as a form does.
    pub fn form(url: &str, fields: &[(&str, &str)]) -> Self {
        let mut request = Self::new(Method::POST, url);
        match serde_html_form::to_string(fields) {
            Ok(body) => request.body = Bytes::from(body),
            Err(_) => request.bad = true,
        }
        request.set(CONTENT_TYPE, "application/x-www-form-urlencoded", false)
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        self.set(name, value, false)
    }

    /// With a header that proves something.
    #[must_use]
    pub fn secret_header(self, name: HeaderName, value: &Secret) -> Self {
        self.set(name, value.reveal(), true)
    }

    /// With a name and a password (RFC 7617), as they are.
    #[must_use]
    pub fn basic(self, name: &str, password: &Secret) -> Self {
        let pair = Zeroizing::new(format!("{name}:{}", password.reveal()));
        let pair = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        self.set(AUTHORIZATION, &Zeroizing::new(format!("Basic {}", *pair)), true)
    }

    /// With a token (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        self.set(AUTHORIZATION, &Zeroizing::new(format!("Bearer {}", token.reveal())), true)
    }

    /// The answer has at most so many bytes.
    #[must_use]
    pub fn body_bytes_max(self, body_bytes_max: usize) -> Self {
        Self { body_bytes_max, ..self }
    }

    /// The whole answer must be there within this time.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    fn set(mut self, name: HeaderName, value: &str, secret: bool) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            Err(_) => self.bad = true,
        }
        self
    }

    pub(super) fn into_http(self, target: &Target) -> Result<http::Request<Full<Bytes>>, Failed> {
        let host = HeaderValue::from_str(&target.authority).map_err(|_| Failed::NotAnAddress)?;
        if self.bad {
            return Err(Failed::NotSendable);
        }
        let mut request = http::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = target.path.clone().into();
        *request.headers_mut() = self.headers;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static("portico"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        // A bomb needs somebody who unpacks it.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        Ok(request)
    }
}

/// Its address alone: fields and headers may be secret.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}
