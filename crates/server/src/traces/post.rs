//! Sends batches of spans with the HTTP and TLS that the rest of the house uses.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// Bytes of a collector's answer at most.
const ANSWER_MAX: usize = 64 << 10;

/// A client of one collector.
#[derive(Clone)]
pub(crate) struct Post {
    pool: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    header: Option<(HeaderName, HeaderValue)>,
    timeout: Duration,
    runtime: Handle,
}

impl Post {
    /// Sends on the runtime that this is called on.
    pub(crate) fn open(
        header: Option<(HeaderName, HeaderValue)>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(base::tls::client(&[])?)
            .https_or_http()
            .enable_http1()
            .build();
        let pool = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { pool, header, timeout, runtime: Handle::current() })
    }

    async fn send(self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if let Some((name, value)) = self.header {
            request.headers_mut().insert(name, value);
        }
        let response = self.pool.request(request.map(Full::new)).await?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }
}

#[async_trait]
impl HttpClient for Post {
    /// Called on the exporter's own thread, which no runtime drives.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (post, timeout) = (self.clone(), self.timeout);
        let sent = async move { tokio::time::timeout(timeout, post.send(request)).await };
        // The exporter waits for it, and the stop waits for the exporter.
        self.runtime.spawn(sent).await??
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}
