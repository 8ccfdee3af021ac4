//! The certificate of the door comes from files, and is replaced while Portico serves.

use std::path::Path;

use axum::body::Bytes;
use axum::http::{Request, Version};
use http_body_util::Empty;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::portico::{Extra, Portico};
use crate::until::until;

/// An authority with one certificate of its making.
struct Authority {
    roots: RootCertStore,
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).expect("a root");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &issuer).expect("a certificate");
        Self { roots, cert: cert.pem(), key: key.serialize_pem() }
    }

    /// The version in which a new connection, which trusts this authority alone, is
    /// answered. Each time a new client: connections that are open keep their certificate.
    async fn asks(&self, url: &str, only: Option<Version>) -> Option<Version> {
        let tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
        let connector = match only {
            Some(Version::HTTP_11) => connector.enable_http1().build(),
            Some(_) => connector.enable_http2().build(),
            None => connector.enable_all_versions().build(),
        };
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let request = Request::get(url).body(Empty::<Bytes>::new()).expect("a request");
        let answer = client.request(request).await.ok()?;
        assert_eq!(answer.status(), 401, "a stranger is answered");
        assert!(answer.headers().contains_key("strict-transport-security"), "from now on TLS");
        Some(answer.version())
    }

    fn install(&self, folder: &Path) {
        std::fs::write(folder.join("cert.pem"), &self.cert).expect("writes");
        std::fs::write(folder.join("key.pem"), &self.key).expect("writes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_while_serving_and_a_broken_one_is_not() {
    let (first, second) = (Authority::new(), Authority::new());
    let mut portico = Portico::with(Extra {
        listen: "tls_cert_file = \"cert.pem\"\ntls_key_file = \"key.pem\"",
        files: &[("cert.pem", &first.cert), ("key.pem", &first.key)],
        ..Extra::default()
    });
    portico.serve().await;
    let port = portico.base.rsplit(':').next().expect("a port").to_owned();
    let url = format!("https://localhost:{port}/api/teams");
    let url = url.as_str();
    let (one, two) = (Some(Version::HTTP_11), Some(Version::HTTP_2));
    assert_eq!(first.asks(url, one).await, one);
    assert_eq!(first.asks(url, two).await, two);
    assert_eq!(first.asks(url, None).await, two, "the better one, if both can");
    assert_eq!(second.asks(url, None).await, None, "this authority did not sign it");
    assert!(portico.http.try_ask("GET", "", "/v1/models", None).await.is_none(), "no plain HTTP");

    second.install(portico.folder());
    until(async || second.asks(url, one).await == one).await;
    assert_eq!(first.asks(url, None).await, None, "the old one is gone");

    std::fs::write(portico.folder().join("cert.pem"), "-----BEGIN CERTIFICATE-----\n")
        .expect("writes");
    until(async || portico.log().contains("the old one stays")).await;
    assert_eq!(second.asks(url, two).await, two, "{}", portico.log());
    assert!(portico.terminate(), "{}", portico.log());
}
