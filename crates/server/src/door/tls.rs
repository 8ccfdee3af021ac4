//! TLS from files, re-read when they change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

/// The certificate of the door.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    current: Arc<Current>,
    cert_file: PathBuf,
    key_file: PathBuf,
}

/// The certificate and key that were last read without fault.
#[derive(Debug)]
struct Current(ArcSwap<CertifiedKey>);

/// The files are no certificate with its key.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {why}", file.display())]
pub(crate) struct BadTls {
    file: PathBuf,
    why: String,
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// Reads a certificate chain and its key.
    pub(crate) fn open(cert_file: &Path, key_file: &Path) -> Result<Self, BadTls> {
        let current = Arc::new(Current(ArcSwap::from_pointee(read(cert_file, key_file)?)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(cert_file, error))?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            current,
            cert_file: cert_file.to_owned(),
            key_file: key_file.to_owned(),
        })
    }

    /// Reads the files again; keeps what it has when they are not good.
    pub(crate) fn reload(&self) -> Result<(), BadTls> {
        self.current.0.store(Arc::new(read(&self.cert_file, &self.key_file)?));
        Ok(())
    }

    pub(crate) fn files(&self) -> [&Path; 2] {
        [&self.cert_file, &self.key_file]
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

fn read(cert_file: &Path, key_file: &Path) -> Result<CertifiedKey, BadTls> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert_file)
        .and_then(Iterator::collect)
        .map_err(|error| bad(cert_file, error))?;
    if chain.is_empty() {
        return Err(bad(cert_file, "there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| bad(key_file, error))?;
    let pair = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    pair.map_err(|error| bad(key_file, error))
}

fn bad(file: &Path, why: impl fmt::Display) -> BadTls {
    BadTls { file: file.to_owned(), why: why.to_string() }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.cert_file.display())
    }
}
