//! Posting with headers of which some are secret.

use base::fetch::{Answer, Request};
use base::time::At;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use super::answer::{failed, judge};
use super::{DEADLINE, Trouble, Wires};

/// Bytes of an answer at most: a sink has little to say.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Something to post.
pub(super) struct Post<'a> {
    pub(super) url: &'a str,
    pub(super) kind: &'static str,
    /// None of them is shown or logged.
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: String,
}

impl Post<'_> {
    pub(super) async fn ask(self, wires: &Wires) -> Result<Answer, Trouble> {
        let broken = || Trouble::later("the request holds what cannot be sent");
        let mut request = http::Request::new(Bytes::from(self.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.parse().map_err(|_| broken())?;
        let headers = request.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        for (name, value) in self.headers {
            let mut value = HeaderValue::from_str(value).map_err(|_| broken())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let request = Request::of(request).deadline(DEADLINE).body_bytes_max(ANSWER_BYTES_MAX);
        wires.fetch.send(request).await.map_err(|error| failed(&error))
    }

    pub(super) async fn send(self, wires: &Wires, now: At) -> Result<String, Trouble> {
        judge(&self.ask(wires).await?, now)
    }
}
