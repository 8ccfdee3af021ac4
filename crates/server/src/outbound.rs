//! What this node may fetch from addresses that orgs give, as the configuration says.

use anyhow::Context as _;
use base::fetch::{Fetch, FetchConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::Outbound;

/// Opens the client.
pub(crate) fn open(config: &Outbound) -> anyhow::Result<Fetch> {
    let mut roots = Vec::new();
    if let Some(file) = &config.ca_file {
        let named = || format!("outbound.ca_file `{}`", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(named)? {
            roots.push(certificate.with_context(named)?);
        }
        anyhow::ensure!(!roots.is_empty(), "{} holds no certificate (PEM)", named());
    }
    Fetch::new(FetchConfig {
        private_addresses: config.private_addresses,
        plain_http: config.plain_http,
        extra_root_certificates: roots,
    })
    .context("[outbound]")
}
