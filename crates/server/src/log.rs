//! Where the log of the record lies: a folder beside the databases, or a bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Region;
use anyhow::Context as _;
use audit::{Log, LogConfig, LogNeeds, Record, S3, S3Config, Store};
use base::fetch::Fetch;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::secret::Secret;
use gateway::Secrets as _;

use crate::backup::Frozen;
use crate::config::{Config, OperatorSecrets};
use crate::witnesses;

/// Opens the log of every region that is served.
pub(crate) fn open(
    config: &Config,
    record: &Record,
    roots: &BTreeMap<Region, RootKey>,
    metrics: &Metrics,
    fetch: &Fetch,
) -> anyhow::Result<Log> {
    let mut stores = BTreeMap::new();
    for region in &config.regions {
        let logs = config.drill.as_ref().and_then(|logs| logs.get(region));
        let store: Arc<dyn Store> = match config.record.s3.get(region) {
            Some(s3) => Arc::new(bucket(s3).with_context(|| format!("[record.s3.{region}]"))?),
            None => LogConfig::folder(logs.unwrap_or(&config.data), *region),
        };
        let store: Arc<dyn Store> =
            if config.drill.is_some() { Arc::new(Frozen::new(store)) } else { store };
        stores.insert(*region, store);
    }
    Ok(Log::open(LogNeeds {
        record: record.clone(),
        roots,
        stores,
        config: &config.record,
        witnesses: witnesses::open(&config.record, fetch)?,
        page: verify::PAGE,
        metrics,
    })?)
}

/// Whether every bucket that is named could be opened: what it needs of this machine is there.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    for (region, s3) in &config.record.s3 {
        bucket(s3).with_context(|| format!("[record.s3.{region}]"))?;
    }
    Ok(())
}

fn bucket(config: &S3Config) -> anyhow::Result<S3> {
    Ok(S3::open(config, secret(config)?.as_ref(), base::tls::client(&[])?)?)
}

fn secret(config: &S3Config) -> anyhow::Result<Option<Secret>> {
    let secret = match (&config.secret_key_env, &config.secret_key_file) {
        (Some(name), _) => Some(OperatorSecrets.env(name)),
        (None, Some(file)) => Some(OperatorSecrets.file(file)),
        (None, None) => None,
    };
    secret.transpose().map_err(anyhow::Error::msg)
}
