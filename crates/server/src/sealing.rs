//! What the keys of the record are wrapped with: files of this cell, or a KMS.

use std::collections::BTreeMap;

use access::Region;
use anyhow::Context as _;
use audit::{KmsConfig, KmsToken, Sealing};
use base::seal::RootKey;
use gateway::Secrets as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{Config, OperatorSecrets};

/// What the configuration says, of the regions that are served.
pub(crate) fn open(config: &Config, roots: &BTreeMap<Region, RootKey>) -> anyhow::Result<Sealing> {
    let mut sealing = Sealing::new(roots, config.epochs());
    for (region, kms) in &config.record.kms {
        if config.regions.contains(region) {
            let named = || format!("[record.kms.{region}]");
            let (token, trusted) = (token(kms)?, trusted(kms).with_context(named)?);
            sealing = sealing.with_kms(*region, kms, token, trusted).with_context(named)?;
        }
    }
    Ok(sealing)
}

fn token(config: &KmsConfig) -> anyhow::Result<KmsToken> {
    match (&config.token_env, &config.token_file) {
        (Some(name), _) => {
            OperatorSecrets.env(name).map(KmsToken::Given).map_err(anyhow::Error::msg)
        }
        (None, Some(file)) => Ok(KmsToken::File(file.clone())),
        (None, None) => anyhow::bail!("a token is needed to ask the KMS"),
    }
}

fn trusted(config: &KmsConfig) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let Some(file) = &config.ca_file else { return Ok(Vec::new()) };
    let named = || format!("ca_file `{}`", file.display());
    let all = CertificateDer::pem_file_iter(file).with_context(named)?;
    let all = all.collect::<Result<Vec<_>, _>>().with_context(named)?;
    anyhow::ensure!(!all.is_empty(), "{} holds no certificate (PEM)", named());
    Ok(all)
}
