//! HTTP for `object_store`, by the TLS and the cryptography of the whole house: its own
//! client would bring a second one, and certificates of the operating system.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect};
use hyper_util::rt::TokioExecutor;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};

use crate::publish::store::FILE_BYTES_MAX;

/// How long one request may take as a whole: files are small.
const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of an answer at most: a file, or a page of a list of a thousand names.
const ANSWER_BYTES_MAX: usize = 2 * FILE_BYTES_MAX;

/// A pool of connections.
#[derive(Clone)]
pub(super) struct Wire(Client<HttpsConnector<connect::HttpConnector>, Full<Bytes>>);

impl Wire {
    pub(super) fn new(tls: rustls::ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let answer = self.0.request(http::Request::from_parts(head, Full::new(body))).await;
        let answer = answer.map_err(|cause| {
            let connecting = cause.is_connect();
            let kind = if connecting { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
            HttpError::new(kind, cause)
        })?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|cause| HttpError::new_boxed(HttpErrorKind::Interrupted, cause))?;
        Ok(HttpResponse::from_parts(head, body.to_bytes().into()))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let sent = tokio::time::timeout(DEADLINE, self.send(request)).await;
        sent.map_err(|cause| HttpError::new(HttpErrorKind::Timeout, cause))?
    }
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
