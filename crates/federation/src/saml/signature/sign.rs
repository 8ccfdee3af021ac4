//! Signs what we send: RSA with SHA-256.

use aws_lc_rs::digest;

use crate::saml::base64;
use crate::saml::keypair::Keypair;
use crate::saml::refusal::Refusal;
use crate::saml::uris::{DSIG, ENVELOPED, EXC_C14N, RSA_SHA256, SHA256};
use crate::saml::xml::{Limits, canonical, read};

/// The most elements of a message that we write.
const NODES_MAX: usize = 1_000;

/// Signs a message of our own and puts the signature behind its issuer, where it belongs.
pub(crate) fn sign_element(message: &str, id: &str, key: &Keypair) -> Result<String, Refusal> {
    let limits = Limits { nodes_max: NODES_MAX };
    let tree = read(message.as_bytes(), limits)?;
    let whole = canonical(&tree, &[], None, &[]);
    let digest = base64::encode(digest::digest(&digest::SHA256, whole.as_bytes()).as_ref());
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"{DSIG}\"><ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>\
         <ds:SignatureMethod Algorithm=\"{RSA_SHA256}\"/><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>\
         <ds:Transform Algorithm=\"{EXC_C14N}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue>{digest}</ds:DigestValue>\
         </ds:Reference></ds:SignedInfo>"
    );
    let signed = canonical(&read(info.as_bytes(), limits)?, &[], None, &[]);
    let value = base64::encode(&key.sign(signed.as_bytes())?);
    let certificate = key.certificate().to_base64();
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
         <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></ds:Signature>"
    );
    let issuer = "</saml:Issuer>";
    let (before, after) = message.split_once(issuer).ok_or(Refusal::Missing("Issuer"))?;
    Ok(format!("{before}{issuer}{signature}{after}"))
}

/// The signature of a redirect: over the very octets of its query.
pub(crate) fn sign_query(query: &str, key: &Keypair) -> Result<String, Refusal> {
    Ok(base64::encode(&key.sign(query.as_bytes())?))
}
