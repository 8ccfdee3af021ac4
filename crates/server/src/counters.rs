//! Where the counters of limits are shared, as the operator wrote it, checked.

use std::sync::{Arc, OnceLock};

use base::metrics::Metrics;
use base::secret::Secret;
use base::tasks::Tasks;
use gateway::Secrets as _;
use limits::{Address, BadStore, Ledger, Link, Shared, StoreClock};
use nodes::Living;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::OperatorSecrets;

/// How many nodes share out what each may admit alone: as many as are seen to serve the
/// busiest region of this one, and never fewer than the operator said.
#[derive(Debug)]
pub(crate) struct Sharing {
    configured: u32,
    seen: OnceLock<Living>,
}

impl Sharing {
    pub(crate) fn new(config: &limits::Config) -> Arc<Self> {
        Arc::new(Self { configured: config.nodes, seen: OnceLock::new() })
    }

    /// From now on those that live are counted.
    pub(crate) fn see(&self, living: Living) {
        let _once = self.seen.set(living);
    }
}

impl limits::Nodes for Sharing {
    fn living(&self) -> u32 {
        self.seen.get().map_or(1, Living::most).max(self.configured)
    }
}

/// Reaches for the store; nothing if counters are in the memory of this node.
pub(crate) fn open(
    config: &limits::Config,
    nodes: &Arc<Sharing>,
    ledger: &Arc<Ledger>,
    tasks: &Tasks,
    metrics: &Metrics,
) -> Result<Option<Shared>, BadStore> {
    let Some(address) = address(config)? else { return Ok(None) };
    let link = Link::open(address, tasks, metrics);
    let nodes: Arc<dyn limits::Nodes> = Arc::clone(nodes) as _;
    let ledger = Arc::clone(ledger);
    Ok(Some(Shared { link, nodes, ledger, clock: StoreClock::Judges }))
}

/// Where it is, and who we are there.
pub(crate) fn address(config: &limits::Config) -> Result<Option<Address>, BadStore> {
    let tls =
        base::tls::client(&trusted(config)?).map_err(|why| bad("ca_file", &why.to_string()))?;
    config.address(password(config)?, Arc::new(tls))
}

fn password(config: &limits::Config) -> Result<Option<Secret>, BadStore> {
    match (&config.password_env, &config.password_file) {
        (Some(_), Some(_)) => {
            Err(bad("password_env", "give `password_env` or `password_file`, not both"))
        }
        (Some(env), None) if !env.starts_with("PORTICO_") => {
            Err(bad("password_env", &format!("`{env}` must begin with `PORTICO_`")))
        }
        (Some(env), None) => {
            OperatorSecrets.env(env).map(Some).map_err(|why| bad("password_env", &why))
        }
        (None, Some(file)) => {
            let read = OperatorSecrets.file(&file.display().to_string());
            read.map(Some).map_err(|why| bad("password_file", &why))
        }
        (None, None) => Ok(None),
    }
}

/// Roots of the operator, beside the public ones.
fn trusted(config: &limits::Config) -> Result<Vec<CertificateDer<'static>>, BadStore> {
    let Some(file) = &config.ca_file else { return Ok(Vec::new()) };
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|why| bad("ca_file", &format!("`{}`: {why}", file.display())))?;
    if all.is_empty() { Err(bad("ca_file", "holds no certificate (PEM)")) } else { Ok(all) }
}

fn bad(key: &'static str, why: &str) -> BadStore {
    BadStore { key, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> limits::Config {
        let store = Some("rediss://counters.eu.internal".to_owned());
        limits::Config { store, ..limits::Config::default() }
    }

    #[test]
    fn counters_are_in_memory_unless_a_store_is_named() {
        assert!(address(&limits::Config::default()).unwrap().is_none());
        assert!(address(&store()).unwrap().is_some());
    }

    #[test]
    fn nonsense_about_the_password_and_roots_of_the_store_is_refused_by_its_key() {
        let fault = |config: limits::Config| address(&config).map(drop).unwrap_err().key;
        let file = || Some("nowhere/at/all".into());
        let env = |name: &str| limits::Config { password_env: Some(name.to_owned()), ..store() };
        assert_eq!(fault(env("HOME")), "password_env", "no variable of others is read");
        assert_eq!(fault(env("PORTICO_NOT_SET_ANYWHERE")), "password_env");
        let both = limits::Config { password_file: file(), ..env("PORTICO_X") };
        assert_eq!(fault(both), "password_env", "not both");
        assert_eq!(fault(limits::Config { password_file: file(), ..store() }), "password_file");
        assert_eq!(fault(limits::Config { ca_file: file(), ..store() }), "ca_file");
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        assert_eq!(fault(limits::Config { ca_file: Some(empty), ..store() }), "ca_file");
    }
}
