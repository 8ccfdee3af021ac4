//! Asking Vault or `OpenBao`, and understanding how it refuses.

use std::path::Path;
use std::time::Duration;

use base::fetch::{Answer, Failed, Fetch, Request};
use base::secret::Secret;
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{KmsError, KmsToken};

/// Bytes of an answer at most: the state of a key with some thousand versions.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Bytes of a file with a token at most.
const TOKEN_BYTES_MAX: u64 = 8 << 10;
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// An agent in between may demand it, so that no browser is led to ask.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
/// How both say that a version is below `min_decryption_version`.
const TOO_OLD: &str = "too old";

/// A way to one mount.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) fetch: Fetch,
    /// `https://…/v1/transit`.
    pub(super) base: String,
    pub(super) namespace: Option<String>,
    pub(super) token: KmsToken,
    pub(super) deadline: Duration,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

#[derive(Deserialize, Default)]
struct Faults {
    #[serde(default)]
    errors: Vec<String>,
}

impl Ask {
    /// Reads what is at this path.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, KmsError> {
        let answer = self.send(path, Request::get(&self.url(path))).await?;
        understood(path, &answer)
    }

    /// Posts, and reads what comes of it.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, KmsError> {
        let answer = self.posted(path, body).await?;
        understood(path, &answer)
    }

    /// Posts, and is content with any success: versions differ in what they answer.
    pub(super) async fn tell(&self, path: &str, body: &serde_json::Value) -> Result<(), KmsError> {
        self.posted(path, body).await.map(drop)
    }

    async fn posted(&self, path: &str, body: &serde_json::Value) -> Result<Answer, KmsError> {
        let request = Request::post(&self.url(path), "application/json", body.to_string());
        self.send(path, request).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    async fn send(&self, path: &str, request: Request) -> Result<Answer, KmsError> {
        let mut request = request
            .bearer(&self.token()?)
            .header(REQUEST, "true")
            .body_bytes_max(ANSWER_BYTES_MAX)
            .deadline(self.deadline);
        if let Some(namespace) = &self.namespace {
            request = request.header(NAMESPACE, namespace);
        }
        let answer = self.fetch.send(request).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refused(path, &answer))
    }

    fn token(&self) -> Result<Secret, KmsError> {
        match &self.token {
            KmsToken::Given(token) => Ok(token.clone()),
            KmsToken::File(path) => {
                let named = |cause| KmsError::NoToken(path.display().to_string(), cause);
                read_token(path).map_err(named)
            }
        }
    }
}

fn read_token(path: &Path) -> std::io::Result<Secret> {
    let faulty = |why: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    if std::fs::metadata(path)?.len() > TOKEN_BYTES_MAX {
        return Err(faulty("it is too large to be a token"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path)?);
    if text.trim().is_empty() {
        return Err(faulty("it is empty"));
    }
    Ok(Secret::new(text.trim().to_owned()))
}

fn understood<T: DeserializeOwned>(path: &str, answer: &Answer) -> Result<T, KmsError> {
    let read = serde_json::from_slice::<Enveloped<T>>(&answer.body);
    read.map(|it| it.data).map_err(|_| KmsError::Garbage(path.to_owned()))
}

/// What it says itself may repeat what was asked, so only what we know of it is told.
fn refused(path: &str, answer: &Answer) -> KmsError {
    let asked = path.to_owned();
    match answer.status {
        StatusCode::FORBIDDEN => KmsError::Denied(asked),
        StatusCode::NOT_FOUND => KmsError::NoKey(asked),
        StatusCode::SERVICE_UNAVAILABLE => KmsError::Sealed,
        StatusCode::BAD_REQUEST if path.starts_with("decrypt/") => {
            let faults: Faults = serde_json::from_slice(&answer.body).unwrap_or_default();
            if faults.errors.iter().any(|fault| fault.contains(TOO_OLD)) {
                KmsError::Forgotten
            } else {
                KmsError::NotOpened
            }
        }
        status => KmsError::Status { asked, status: status.as_u16() },
    }
}

impl From<rustls::Error> for KmsError {
    fn from(_: rustls::Error) -> Self {
        Self::Unreachable(Failed::Untrusted(String::new(), "a root of `ca_file`".to_owned()))
    }
}
