//! Sending one request to one endpoint, once.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Idle connections that are kept to one endpoint.
const IDLE_MAX: usize = 256;
/// How long an idle connection is kept.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Connections to one endpoint. HTTP/1.1, one call per connection at a time: the
/// stream limit of a shared HTTP/2 connection would make calls wait for each other.
#[derive(Debug)]
pub(crate) struct Client {
    pool: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    scheme: Scheme,
    authority: Authority,
    prefix: String,
    headers: HeaderMap,
}

/// A response whose head has arrived.
pub(crate) type Sent = Response<Incoming>;

/// Nothing came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The endpoint could not be reached, or broke off.
    #[error("the endpoint could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer began in time.
    #[error("the endpoint did not answer in time")]
    TooSlow,
}

impl Client {
    pub(crate) fn new(
        base: &Uri,
        mut headers: HeaderMap,
        connect_timeout: Duration,
    ) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect_timeout));
        let tls = base::tls::client(&[]).map_err(|error| error.to_string())?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(connector);
        let (scheme, authority) = (base.scheme().cloned(), base.authority().cloned());
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err("not a URL".to_owned());
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("portico"));
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            headers.insert(HOST, host);
        }
        let prefix = base.path().trim_end_matches('/').to_owned();
        Ok(Self { pool, scheme, authority, prefix, headers })
    }

    /// Sends `body` and waits at most `timeout` for the head of the answer.
    pub(crate) async fn post(
        &self,
        path: &PathAndQuery,
        body: Bytes,
        stream: bool,
        timeout: Duration,
    ) -> Result<Sent, Failed> {
        let target = format!("{}{}", self.prefix, path.as_str());
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|error| Failed::Unreachable(error.into()))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        let accept = if stream { "text/event-stream" } else { "application/json" };
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(accept));
        match tokio::time::timeout(timeout, self.pool.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(Failed::Unreachable(error.into())),
            Err(_) => Err(Failed::TooSlow),
        }
    }
}
