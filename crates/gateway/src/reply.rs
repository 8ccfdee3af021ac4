//! The only way to release what a model said: it takes proof of a durable event.

use audit::Durable;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;

use crate::inside::Ending;
use crate::stream::Stream;

/// Names the call whose events prove the answer.
pub(crate) const RECEIPT: HeaderName = HeaderName::from_static("portico-receipt");

/// Says that the call is in the journal of the node, and comes into the record later.
const RECORD: HeaderName = HeaderName::from_static("portico-record");
/// The same within a stream: a comment in front of the receipt.
const JOURNALLED: &[u8] = b": portico-record journal\n\n";

/// An answer that may be released.
#[derive(Debug)]
pub(crate) struct Reply(Response);

impl Reply {
    /// A whole answer. Its outcome is on disk: in the record, or where its org chose so in the
    /// journal, and then the answer says it.
    pub(crate) fn whole(proof: &Durable, headers: HeaderMap, body: Bytes) -> Self {
        let mut response = Response::new(Body::from(body));
        *response.headers_mut() = headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if proof.is_journalled() {
            response.headers_mut().insert(RECORD, HeaderValue::from_static("journal"));
        }
        Self(response)
    }

    /// An answer that is still being written. The stream releases nothing before the
    /// intent is on disk, and its end not before the outcome is.
    pub(crate) fn stream(headers: HeaderMap, stream: Stream) -> Self {
        let mut response = Response::new(Body::new(stream));
        *response.headers_mut() = headers;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        Self(response)
    }
}

impl Reply {
    /// Tells whoever asked from inside this process how the call ends. It is not on the wire.
    #[must_use]
    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.0.extensions_mut().insert(ending);
        self
    }

    pub(crate) fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }
}

/// A piece of a stream that may be released.
pub(crate) fn frame(_proof: &Durable, bytes: Bytes) -> Frame<Bytes> {
    Frame::data(bytes)
}

/// The end of a stream.
pub(crate) fn last_frame(proof: &Durable, tail: Bytes) -> Frame<Bytes> {
    Frame::data(if proof.is_journalled() { [JOURNALLED, &tail].concat().into() } else { tail })
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.0
    }
}
