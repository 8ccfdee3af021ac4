//! The one client for addresses that admins give: metadata and keys of identity providers,
//! their token endpoints, and what an org's record flows to.
//!
//! An admin of an org is not the operator: what they type must not reach the operator's
//! own network. So `https:` alone, to public addresses alone, unless the operator allows
//! more; the address that was checked is the one that is connected to, so a name that
//! resolves differently a moment later gains nothing; no redirect is followed, no proxy
//! and no cookie is known, and everything has a bound.

mod address;
mod connect;
mod failed;
mod request;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;

pub use failed::Failed;
pub use request::Request;

use crate::fetch::connect::{Stream, Target};
use crate::shares::{Place, Shares};

/// Requests at once; more wait, within their deadline.
const AT_ONCE_MAX: usize = 64;
/// Those of them that are for one.
const EACH_AT_ONCE_MAX: usize = 16;
/// Those of one that wait.
const WAITING_MAX: usize = 256;
/// Bytes of the head of an answer at most, and as many again if they come at once.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What the operator allows.
#[derive(Debug, Clone, Default)]
pub struct FetchConfig {
    /// Whether private, loopback and other special addresses may be asked.
    pub private_addresses: bool,
    /// Whether `http:` may be asked.
    pub plain_http: bool,
    /// Certificate authorities that are trusted beside the public ones.
    pub extra_root_certificates: Vec<CertificateDer<'static>>,
}

/// Asks addresses that admins gave. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetch {
    inner: Arc<Inner>,
    /// On whose behalf: of all places, nobody has more than a share.
    whose: Option<Arc<str>>,
}

#[derive(Debug)]
struct Inner {
    private_addresses: bool,
    plain_http: bool,
    tls: Arc<ClientConfig>,
    at_once: Shares,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status; redirects are not followed.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Fetch {
    /// A client within what the operator allows. An extra certificate that cannot be
    /// read is an error.
    pub fn new(config: FetchConfig) -> Result<Self, rustls::Error> {
        let FetchConfig { private_addresses, plain_http, extra_root_certificates } = config;
        let tls = Arc::new(crate::tls::client(&extra_root_certificates)?);
        let at_once = Shares::new(AT_ONCE_MAX, EACH_AT_ONCE_MAX, WAITING_MAX);
        let inner = Inner { private_addresses, plain_http, tls, at_once };
        Ok(Self { inner: Arc::new(inner), whose: None })
    }

    /// The same client, on behalf of somebody whose slow addresses keep nobody else waiting.
    #[must_use]
    pub fn on_behalf_of(&self, whose: &str) -> Self {
        Self { inner: self.inner.clone(), whose: Some(whose.into()) }
    }

    /// Whether this is an address that could be asked: for checking it when it is typed.
    /// What its host resolves to is checked each time it is asked.
    pub fn check(&self, url: &str) -> Result<(), Failed> {
        Target::read(url, self.inner.plain_http).map(drop)
    }

    /// Asks, and waits for the whole answer.
    pub async fn send(&self, request: Request) -> Result<Answer, Failed> {
        let target = Target::read(&request.url, self.inner.plain_http)?;
        match tokio::time::timeout(request.deadline, self.ask(&target, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failed::TooSlow(target.host)),
        }
    }

    async fn ask(&self, target: &Target, request: Request) -> Result<Answer, Failed> {
        let _place = self.place(target).await?;
        let (body_bytes_max, connect) = (request.body_bytes_max, request.connect_deadline);
        let request = request.into_http(target)?;
        match self.connect(target, connect).await? {
            Stream::Plain(stream) => exchange(target, stream, request, body_bytes_max).await,
            Stream::Tls(stream) => exchange(target, *stream, request, body_bytes_max).await,
        }
    }

    async fn place(&self, target: &Target) -> Result<Place, Failed> {
        let place = self.inner.at_once.place(self.whose.as_deref()).await;
        place.ok_or_else(|| Failed::TooSlow(target.host.clone()))
    }

    async fn connect(&self, target: &Target, within: Duration) -> Result<Stream, Failed> {
        let inner = &self.inner;
        let connecting = connect::connect(target, &inner.tls, inner.private_addresses);
        match tokio::time::timeout(within, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(Failed::Unreachable(target.host.clone())),
        }
    }
}

/// One request on a connection of its own, which ends with it.
async fn exchange<S>(
    target: &Target,
    stream: S,
    request: http::Request<Full<Bytes>>,
    body_bytes_max: usize,
) -> Result<Answer, Failed>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin,
{
    let broken = || Failed::Broken(target.host.clone());
    let stream = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(stream)
        .await
        .map_err(|_| broken())?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(|_| broken())?;
        let (head, body) = response.into_parts();
        if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Failed::Encoded(target.host.clone()));
        }
        let body = match Limited::new(body, body_bytes_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Err(Failed::TooLarge(target.host.clone()));
            }
            Err(_) => return Err(broken()),
        };
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    // The connection moves only while it is polled; it may end before the answer was read.
    let driving = async {
        drop(connection.await);
        std::future::pending().await
    };
    tokio::select! {
        biased;
        answer = asking => answer,
        never = driving => never,
    }
}
