//! `[limits]`: where counters are shared.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use base::secret::Secret;
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::ClientConfig;

use super::link::Address;

/// The port of a URL that names none.
const PORT: u16 = 6379;
/// The shortest and the longest that one step may take, in milliseconds.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 5..=1_000;
/// Nodes of a cell at most.
const NODES_MAX: u32 = 1_000;

/// `[limits]`: where counters are kept; in the memory of this node if not said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `redis://HOST:PORT/DB`, or `rediss://…` over TLS. Without a password in it.
    pub store: Option<String>,
    /// Who we are there; the default user if not given.
    pub user: Option<String>,
    /// The environment variable of the password.
    pub password_env: Option<String>,
    /// The file of the password.
    pub password_file: Option<PathBuf>,
    /// Roots (PEM) that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// How long one step may take; after that the store counts as away.
    pub timeout_ms: u64,
    /// Nodes of this cell: while the store is away each admits its share of a rate.
    pub nodes: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: None,
            user: None,
            password_env: None,
            password_file: None,
            ca_file: None,
            timeout_ms: 100,
            nodes: 1,
        }
    }
}

/// A key of `[limits]` has a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct BadStore {
    /// Which key.
    pub key: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl Config {
    /// Where the store is; nothing if counters are in memory.
    pub fn address(
        &self,
        password: Option<Secret>,
        tls: Arc<ClientConfig>,
    ) -> Result<Option<Address>, BadStore> {
        if !(1..=NODES_MAX).contains(&self.nodes) {
            return Err(bad("nodes", &format!("must be 1 to {NODES_MAX}")));
        }
        if !TIMEOUT_MS.contains(&self.timeout_ms) {
            let (least, most) = (TIMEOUT_MS.start(), TIMEOUT_MS.end());
            return Err(bad("timeout_ms", &format!("must be {least} to {most}")));
        }
        let Some(url) = &self.store else {
            return match (&self.user, password) {
                (None, None) => Ok(None),
                _ => Err(bad("store", "a user or a password needs a store")),
            };
        };
        let known = "must be `redis://HOST:PORT` or `rediss://HOST:PORT`, perhaps with the \
                     number of a database; the password has a key of its own";
        let url: Uri = url.parse().map_err(|_| bad("store", known))?;
        let authority = url.authority().ok_or_else(|| bad("store", known))?;
        let db = url.path().trim_start_matches('/');
        let db = if db.is_empty() { Some(0) } else { db.parse::<u16>().ok() };
        let tls = match url.scheme_str() {
            Some("redis") => None,
            Some("rediss") => Some(tls),
            _ => return Err(bad("store", known)),
        };
        // A user in the URL would come with a password in it.
        let (Some(db), false, None) = (db, authority.as_str().contains('@'), url.query()) else {
            return Err(bad("store", known));
        };
        let port = match authority.port_u16() {
            Some(0) => return Err(bad("store", known)),
            Some(port) => port,
            // What is no port is taken for none.
            None if authority.as_str() == authority.host() => PORT,
            None => return Err(bad("store", known)),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad("store", known));
        }
        Ok(Some(Address {
            host,
            port,
            db: i64::from(db),
            user: self.user.clone(),
            password,
            tls,
            timeout: Duration::from_millis(self.timeout_ms),
        }))
    }
}

fn bad(key: &'static str, why: &str) -> BadStore {
    BadStore { key, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(config: &Config, password: Option<&str>) -> Result<Option<Address>, BadStore> {
        let tls = Arc::new(base::tls::client(&[]).unwrap());
        config.address(password.map(|text| Secret::new(text.to_owned())), tls)
    }

    fn at(url: &str) -> Config {
        Config { store: Some(url.to_owned()), ..Config::default() }
    }

    #[test]
    fn a_store_is_named_by_host_port_and_database() {
        for (url, host, port, db, tls) in [
            ("redis://127.0.0.1", "127.0.0.1", 6379, 0, false),
            ("redis://[::1]:7000/", "::1", 7000, 0, false),
            ("rediss://counters.eu.internal:6380/3", "counters.eu.internal", 6380, 3, true),
        ] {
            let address = read(&at(url), None).unwrap().unwrap();
            let read = (&*address.host, address.port, address.db, address.tls.is_some());
            assert_eq!(read, (host, port, db, tls), "{url}");
        }
        assert!(read(&Config::default(), None).unwrap().is_none());
    }

    #[test]
    fn nonsense_about_the_store_is_refused_by_its_key() {
        for url in [
            "",
            "counters",
            "http://counters",
            "redis://",
            "redis://user:secret@counters",
            "redis://counters:0",
            "redis://counters:99999",
            "redis://counters/one",
            "redis://counters?password=secret",
        ] {
            assert_eq!(read(&at(url), None).unwrap_err().key, "store", "{url}");
        }
        let slow = Config { timeout_ms: 60_000, ..at("redis://counters") };
        assert_eq!(read(&slow, None).unwrap_err().key, "timeout_ms");
        let nobody = Config { nodes: 0, ..at("redis://counters") };
        assert_eq!(read(&nobody, None).unwrap_err().key, "nodes");
        assert_eq!(read(&Config::default(), Some("secret")).unwrap_err().key, "store");
    }

    #[test]
    fn no_password_is_shown() {
        let address = read(&at("redis://counters"), Some("very secret")).unwrap().unwrap();
        assert!(!format!("{address:?}").contains("very"));
    }
}
