//! The transit engine of `HashiCorp` Vault and of `OpenBao`: an epoch is a version of its key.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use base::fetch::{Fetch, FetchConfig};
use base::secret::Secret;
use base::time::At;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::ask::Ask;
use super::config::is_here;
use super::{Epoch, Kms, KmsConfig, KmsError, KmsToken};

/// Bytes of a wrapped key at most: `vault:v`, a version, and 60 bytes in base64.
const WRAPPED_BYTES_MAX: usize = 256;
/// Keys that authenticate what they wrap, and what it is for.
const KINDS: [&str; 3] = ["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305"];
/// What a start wraps and opens, to know that it can.
const PROBE: &str = "portico/probe";

/// One key of a transit engine.
#[derive(Debug)]
pub(crate) struct Transit {
    ask: Ask,
    key: String,
}

/// The part of a key's state that matters here.
#[derive(Deserialize)]
struct State {
    r#type: String,
    latest_version: u64,
    #[serde(default)]
    min_available_version: u64,
    min_decryption_version: u64,
    #[serde(default)]
    min_encryption_version: u64,
    /// The versions that open, and since when there are (seconds).
    keys: BTreeMap<String, i64>,
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    exportable: bool,
    #[serde(default)]
    allow_plaintext_backup: bool,
}

#[derive(Deserialize)]
struct Wrapped {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Opened {
    plaintext: Secret,
}

impl Transit {
    /// Asks nothing yet.
    pub(super) fn open(
        config: &KmsConfig,
        token: KmsToken,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, KmsError> {
        let host = config.address.parse::<http::Uri>().ok();
        let host = host.as_ref().and_then(http::Uri::host);
        // The operator names this address; whatever network it is in.
        let fetch = Fetch::new(FetchConfig {
            private_addresses: true,
            plain_http: host.is_some_and(is_here),
            extra_root_certificates: roots,
        })?;
        let ask = Ask {
            fetch,
            base: format!("{}/v1/{}", config.address, config.mount),
            namespace: config.namespace.clone(),
            token,
            deadline: Duration::from_millis(config.timeout_ms),
        };
        Ok(Self { ask, key: config.key.clone() })
    }

    async fn state(&self) -> Result<State, KmsError> {
        self.ask.read(&format!("keys/{}", self.key)).await
    }
}

#[async_trait]
impl Kms for Transit {
    async fn wrap(&self, purpose: &str, key: &[u8; 32]) -> Result<Vec<u8>, KmsError> {
        let path = format!("encrypt/{}", self.key);
        let body = json!({
            "plaintext": BASE64_STANDARD.encode(key),
            "associated_data": BASE64_STANDARD.encode(purpose),
        });
        let Wrapped { ciphertext } = self.ask.post(&path, &body).await?;
        if version(ciphertext.as_bytes()).is_none() {
            return Err(KmsError::Garbage(path));
        }
        Ok(ciphertext.into_bytes())
    }

    async fn unwrap(&self, purpose: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KmsError> {
        version(wrapped).ok_or(KmsError::Foreign)?;
        let path = format!("decrypt/{}", self.key);
        let body = json!({
            "ciphertext": std::str::from_utf8(wrapped).map_err(|_| KmsError::Foreign)?,
            "associated_data": BASE64_STANDARD.encode(purpose),
        });
        let Opened { plaintext } = self.ask.post(&path, &body).await?;
        let key = BASE64_STANDARD.decode(plaintext.reveal()).map(Zeroizing::new);
        let key = key.ok().and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok());
        key.map(Zeroizing::new).ok_or(KmsError::Garbage(path))
    }

    fn epoch_of(&self, wrapped: &[u8]) -> Option<u64> {
        version(wrapped)
    }

    async fn epochs(&self) -> Result<Vec<Epoch>, KmsError> {
        let state = self.state().await?;
        state.epochs().ok_or_else(|| KmsError::Garbage(format!("keys/{}", self.key)))
    }

    fn is_alone(&self) -> bool {
        false
    }

    /// When that is, is told by the clock over there.
    async fn begin(&self, after: u64, _from: At) -> Result<(), KmsError> {
        if self.state().await?.latest_version != after {
            return Ok(());
        }
        self.ask.tell(&format!("keys/{}/rotate", self.key), &json!({})).await
    }

    async fn destroy_before(&self, epoch: u64) -> Result<(), KmsError> {
        let state = self.state().await?;
        let epoch = epoch.min(state.latest_version);
        if state.min_decryption_version < epoch || state.min_encryption_version < epoch {
            // A trim needs both, and the second not below the first.
            let config = json!({
                "min_decryption_version": epoch.max(state.min_decryption_version),
                "min_encryption_version": epoch.max(state.min_encryption_version),
            });
            self.ask.tell(&format!("keys/{}/config", self.key), &config).await?;
        }
        if state.min_available_version < epoch {
            let trim = json!({ "min_available_version": epoch });
            self.ask.tell(&format!("keys/{}/trim", self.key), &trim).await?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), KmsError> {
        self.state().await?.suitable()?;
        let wrapped = self.wrap(PROBE, &[0; 32]).await?;
        let opened = self.unwrap(PROBE, &wrapped).await?;
        if *opened == [0; 32] { Ok(()) } else { Err(KmsError::NotOpened) }
    }
}

impl State {
    fn suitable(&self) -> Result<(), KmsError> {
        let complaint = if !KINDS.contains(&self.r#type.as_str()) {
            "its type must be aes256-gcm96, aes128-gcm96 or chacha20-poly1305"
        } else if self.derived {
            "it must not be derived: what a key is for goes along as associated data"
        } else if self.exportable || self.allow_plaintext_backup {
            "it must not be exportable, nor allow a plaintext backup: what was copied is not forgotten"
        } else {
            return Ok(());
        };
        Err(KmsError::Unsuitable(complaint))
    }

    /// Versions that open, and before them those that are put away and not destroyed: they
    /// are as old as can be, so that they go.
    fn epochs(&self) -> Option<Vec<Epoch>> {
        let put_away = self.min_available_version.max(1) < self.min_decryption_version;
        let put_away =
            put_away.then(|| Epoch { number: self.min_decryption_version - 1, since: At::MIN });
        let mut epochs = BTreeMap::new();
        for (version, since) in &self.keys {
            let number: u64 = version.parse().ok()?;
            epochs.insert(number, Epoch { number, since: At::from_second(*since).ok()? });
        }
        let newest = *epochs.last_key_value()?.0;
        (newest == self.latest_version)
            .then(|| put_away.into_iter().chain(epochs.into_values()).collect())
    }
}

/// The version of the key in what transit wrapped: `vault:v3:…`.
fn version(wrapped: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(wrapped).ok().filter(|it| it.len() <= WRAPPED_BYTES_MAX)?;
    let (version, sealed) = text.strip_prefix("vault:v")?.split_once(':')?;
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let told = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    (told && !sealed.is_empty() && sealed.bytes().all(base64)).then(|| version.parse().ok())?
}
