//! What the operator decides about keys.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use access::Region;
use base::seal::RootKey;
use base::secret::Secret;
use base::time::SharedClock;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::file::FileKms;
use super::transit::Transit;
use super::{Kms, KmsError};
use crate::publish::BadLogConfig;

/// Bytes of an address, a mount, a name at most.
const TEXT_BYTES_MAX: usize = 512;

/// `[record.kms.<region>]`: the transit engine of `HashiCorp` Vault or of `OpenBao`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmsConfig {
    /// `https://…`; in the open only to this machine itself.
    pub address: String,
    /// Where the transit engine is mounted.
    #[serde(default = "transit")]
    pub mount: String,
    /// The name of the key: of this region and of nothing else, for its versions are
    /// rotated and trimmed.
    pub key: String,
    /// The namespace, where there are such.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The environment variable of the token.
    #[serde(default)]
    pub token_env: Option<String>,
    /// The file of the token; read again each time it is needed.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Roots (PEM) that are trusted beside the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one answer may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
}

fn transit() -> String {
    "transit".to_owned()
}

const fn timeout_ms() -> u64 {
    3_000
}

/// The token that a KMS is shown.
#[derive(Debug, Clone)]
pub enum KmsToken {
    /// In a file, which somebody may replace at any time.
    File(PathBuf),
    /// Given at the start.
    Given(Secret),
}

/// What the keys of the record are wrapped with, region by region.
#[derive(Debug, Clone)]
pub struct Sealing {
    roots: BTreeMap<Region, RootKey>,
    epochs: Option<PathBuf>,
    kms: BTreeMap<Region, Arc<Transit>>,
}

/// The root keys alone. What is forgotten then comes back with a copy of the database: for
/// tests, and whoever has no copies.
impl From<&BTreeMap<Region, RootKey>> for Sealing {
    fn from(roots: &BTreeMap<Region, RootKey>) -> Self {
        Self { roots: roots.clone(), epochs: None, kms: BTreeMap::new() }
    }
}

impl Sealing {
    /// The root keys, and the secrets of epochs in a folder.
    pub fn new(roots: &BTreeMap<Region, RootKey>, epochs: PathBuf) -> Self {
        Self { epochs: Some(epochs), ..Self::from(roots) }
    }

    /// This KMS wraps for a region from now on. What its files wrapped is still opened.
    pub fn with_kms(
        mut self,
        region: Region,
        config: &KmsConfig,
        token: KmsToken,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, KmsError> {
        self.kms.insert(region, Arc::new(Transit::open(config, token, roots)?));
        Ok(self)
    }

    /// Opens what there is of each region.
    pub(crate) fn open(&self, clock: &SharedClock) -> Result<BTreeMap<Region, Cell>, KmsError> {
        let cell = |(region, root): (&Region, &RootKey)| {
            let epochs = self.epochs.as_ref().map(|folder| folder.join(region.as_str()));
            let (kms, former): (Arc<dyn Kms>, Option<Arc<dyn Kms>>) = match self.kms.get(region) {
                Some(transit) => {
                    (transit.clone(), Some(Arc::new(FileKms::former(root, epochs, clock)?)))
                }
                None => (Arc::new(FileKms::open(root, epochs, clock)?), None),
            };
            Ok((*region, Cell { kms, former, tags: root.mac("audit/holder") }))
        };
        self.roots.iter().map(cell).collect()
    }
}

impl KmsConfig {
    /// What a well-formed configuration may still have wrong.
    pub(crate) fn check(all: &BTreeMap<Region, Self>) -> Result<(), BadLogConfig> {
        for (region, config) in all {
            let bad = |key: &str, why: &str| {
                Err(BadLogConfig { key: format!("kms.{region}.{key}"), why: why.to_owned() })
            };
            if let Err(why) = address(&config.address) {
                return bad("address", why);
            }
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let name = |text: &str| {
                !text.is_empty() && text.len() <= TEXT_BYTES_MAX && text.bytes().all(plain)
            };
            if !name(&config.key) {
                return bad("key", "must be the name of a key: letters, digits, `-`, `_`, `.`");
            }
            if !config.mount.split('/').all(name) {
                return bad("mount", "must be a path such as `transit`, without slashes around it");
            }
            if let Some(namespace) = &config.namespace
                && !namespace.trim_matches('/').split('/').all(name)
            {
                return bad("namespace", "must be a path such as `team/portico`");
            }
            match (&config.token_env, &config.token_file) {
                (Some(_), Some(_)) => {
                    return bad("token_env", "give `token_env` or `token_file`, not both");
                }
                (None, None) => return bad("token_file", "a token is needed to ask the KMS"),
                (Some(env), None) if !env.starts_with("PORTICO_") => {
                    return bad("token_env", "must begin with `PORTICO_`");
                }
                (Some(_), None) | (None, Some(_)) => {}
            }
            if !(100..=30_000).contains(&config.timeout_ms) {
                return bad("timeout_ms", "must be 100 to 30000 (half a minute)");
            }
            let same = |other: &&Self| {
                (&other.address, &other.namespace, &other.mount, &other.key)
                    == (&config.address, &config.namespace, &config.mount, &config.key)
            };
            if all.values().filter(same).count() > 1 {
                return bad("key", "is the key of another region too: each region needs its own");
            }
        }
        Ok(())
    }
}

/// `https` to anywhere, and `http` to this machine.
fn address(text: &str) -> Result<(), &'static str> {
    let known = "must be `https://HOST`, perhaps with a port";
    let uri: http::Uri = text.parse().map_err(|_| known)?;
    let host = uri.host().ok_or(known)?;
    if text.len() > TEXT_BYTES_MAX || text.contains(['@', '?', '#']) || text.ends_with('/') {
        return Err(known);
    }
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_here(host) => Ok(()),
        Some("http") => Err("must begin with `https://`: keys and the token would go in the open"),
        Some(_) | None => Err(known),
    }
}

/// Whether a host is this machine itself.
pub(super) fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl Fn(&mut KmsConfig)) -> KmsConfig {
        let mut config = KmsConfig {
            address: "https://vault.internal:8200".to_owned(),
            mount: transit(),
            key: "portico-eu".to_owned(),
            namespace: None,
            token_env: None,
            token_file: Some("token".into()),
            ca_file: None,
            timeout_ms: timeout_ms(),
        };
        change(&mut config);
        config
    }

    #[test]
    fn what_could_not_be_asked_is_refused_by_name() {
        let refused = |change: &dyn Fn(&mut KmsConfig)| {
            let all = BTreeMap::from([(Region::Eu, config(change))]);
            KmsConfig::check(&all).err().map(|bad| bad.key)
        };
        assert_eq!(refused(&|_| {}), None);
        assert_eq!(refused(&|it| it.address = "http://127.0.0.1:8200".to_owned()), None);
        assert_eq!(refused(&|it| it.address = "http://[::1]:8200".to_owned()), None);
        assert_eq!(refused(&|it| it.namespace = Some("a/b/".to_owned())), None);
        for address in
            ["", "vault", "ftp://v", "http://vault", "https://a@v", "https://v/", "https://v?x"]
        {
            let key = refused(&|it| it.address = address.to_owned());
            assert_eq!(key.as_deref(), Some("kms.eu.address"), "{address}");
        }
        for key in ["", "a/b", "a b", "ä", "../x?"] {
            let told = refused(&|it| it.key = key.to_owned());
            assert_eq!(told.as_deref(), Some("kms.eu.key"), "{key}");
        }
        let told = refused(&|it| it.mount = "/transit".to_owned());
        assert_eq!(told.as_deref(), Some("kms.eu.mount"));
        let told = refused(&|it| it.token_file = None);
        assert_eq!(told.as_deref(), Some("kms.eu.token_file"));
        let told = refused(&|it| it.token_env = Some("PORTICO_X".to_owned()));
        assert_eq!(told.as_deref(), Some("kms.eu.token_env"));
        let told = refused(&|it| it.timeout_ms = 0);
        assert_eq!(told.as_deref(), Some("kms.eu.timeout_ms"));
        let both = BTreeMap::from([(Region::Eu, config(|_| {})), (Region::Us, config(|_| {}))]);
        assert!(KmsConfig::check(&both).is_err(), "two regions would trim each other's versions");
    }
}
