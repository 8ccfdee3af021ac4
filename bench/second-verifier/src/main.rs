//! A second opinion: libxmlsec1 (by `samael`) verifies what we verified.
//!
//! `cargo run -p federation --example corpus -- DIR`, then, in this folder, `cargo run -- DIR`. It
//! fails if there is a case whose signature we accept and libxmlsec1 refuses.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::pkey::Id;
use openssl::sign::Verifier;
use openssl::x509::X509;
use samael::crypto::{CertificateDer, Crypto, CryptoProvider as _, ReduceMode, decode_x509_cert};
use serde::Deserialize;

#[derive(Deserialize)]
struct Corpus {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    class: String,
    name: String,
    kind: String,
    file: PathBuf,
    /// What was encrypted in it.
    inner: Option<PathBuf>,
    is_query: bool,
    /// It is about other certificates than those of the metadata.
    other_certificates: bool,
    verdict: String,
}

fn main() -> Result<()> {
    let folder =
        std::env::args().nth(1).map(PathBuf::from).context("usage: second-verifier DIR")?;
    let read = |name: &Path| {
        std::fs::read(folder.join(name)).with_context(|| format!("read {}", name.display()))
    };
    let corpus: Corpus = serde_json::from_slice(&read(Path::new("cases.json"))?)?;
    let certificates = certificates(&String::from_utf8(read(Path::new("certificates.pem"))?)?)?;

    let (mut both, mut apart, mut looser, mut skipped) = (0_usize, Vec::new(), 0_usize, 0_usize);
    for case in &corpus.cases {
        if case.kind == "Metadata" || case.other_certificates {
            skipped += 1;
            continue;
        }
        let message = read(&case.file)?;
        let opinion = if case.is_query {
            query(&message, &certificates)
        } else {
            let inner = case.inner.as_deref().map(read).transpose()?;
            documents(&message, inner.as_deref(), &certificates)
        };
        match (case.verdict == "accepted", opinion) {
            (true, Ok(())) => both += 1,
            (true, Err(refusal)) => apart.push(format!("{}: {}: {refusal}", case.class, case.name)),
            (false, Ok(())) => looser += 1,
            (false, Err(_)) => {}
        }
    }
    println!(
        "{} cases: {both} signatures accepted by both, {} by us alone; {looser} are signed well but \
         refused by us for what they say or how; {skipped} are not about these certificates",
        corpus.cases.len(),
        apart.len(),
    );
    for line in &apart {
        println!("  {line}");
    }
    ensure!(apart.is_empty(), "libxmlsec1 refuses what we accept");
    ensure!(both > 0, "nothing was verified");
    Ok(())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer>> {
    pem.split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .filter_map(|rest| rest.split("-----END").next())
        .map(|body| decode_x509_cert(body).context("a certificate"))
        .collect()
}

/// All signatures of the message hold, or of what was encrypted in it; and there is one.
fn documents(message: &[u8], inner: Option<&[u8]>, certificates: &[CertificateDer]) -> Result<()> {
    let mut signed = 0;
    for document in [Some(message), inner].into_iter().flatten() {
        let text = std::str::from_utf8(document)?;
        if text.contains("Signature>") {
            verified_by_one(text, certificates)?;
            signed += 1;
        }
    }
    ensure!(signed > 0, "nothing is signed");
    Ok(())
}

/// One certificate made every signature of the document. One at a time, because `samael` gives up
/// at the first whose key is of another kind.
fn verified_by_one(text: &str, certificates: &[CertificateDer]) -> Result<()> {
    let mut refusal = anyhow::anyhow!("there is no certificate");
    for certificate in certificates {
        let one = std::slice::from_ref(certificate);
        let mode = ReduceMode::ValidateAndMarkNoAncestors;
        match Crypto::reduce_xml_to_signed(text, one, mode) {
            Ok(_) => return Ok(()),
            Err(error) => refusal = anyhow::anyhow!("{error:?}"),
        }
    }
    Err(refusal)
}

/// The signature of a redirect, by OpenSSL: `samael` writes the octets anew, which is not what was
/// signed.
fn query(message: &[u8], certificates: &[CertificateDer]) -> Result<()> {
    let query = std::str::from_utf8(message)?;
    let part = |name: &str| query.split('&').find(|pair| pair.split('=').next() == Some(name));
    let body = part("SAMLRequest").or_else(|| part("SAMLResponse")).context("no message")?;
    let algorithm = part("SigAlg").context("no algorithm")?;
    let signed: Vec<&str> =
        [Some(body), part("RelayState"), Some(algorithm)].into_iter().flatten().collect();
    let signed = signed.join("&");
    let value = part("Signature").context("no signature")?.trim_start_matches("Signature=");
    let signature = openssl::base64::decode_block(&decoded(value)?)?;
    let holds = certificates.iter().any(|certificate| {
        verified(certificate, algorithm, signed.as_bytes(), &signature).unwrap_or(false)
    });
    ensure!(holds, "no certificate made the signature of the address");
    Ok(())
}

fn verified(
    certificate: &CertificateDer,
    algorithm: &str,
    signed: &[u8],
    signature: &[u8],
) -> Result<bool> {
    let key = X509::from_der(certificate.der_data())?.public_key()?;
    let hash = match algorithm.get(algorithm.len() - 3..) {
        Some("256") => MessageDigest::sha256(),
        Some("384") => MessageDigest::sha384(),
        Some("512") => MessageDigest::sha512(),
        _ => bail!("an algorithm that is not verified here"),
    };
    let mut verifier = Verifier::new(hash, &key)?;
    verifier.update(signed)?;
    if key.id() != Id::EC {
        return Ok(verifier.verify(signature)?);
    }
    // SAML writes the two numbers side by side, OpenSSL reads DER.
    let (r, s) = signature.split_at(signature.len() / 2);
    let pair = EcdsaSig::from_private_components(BigNum::from_slice(r)?, BigNum::from_slice(s)?)?;
    Ok(verifier.verify(&pair.to_der()?)?)
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().context("cut off")?, rest.next().context("cut off")?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?);
        } else {
            bytes.push(byte);
        }
    }
    Ok(String::from_utf8(bytes)?)
}
