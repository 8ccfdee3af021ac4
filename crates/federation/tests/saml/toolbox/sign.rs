//! Signing text that is canonical already.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Signer;

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// How a signature is written. The defaults are what identity providers write.
#[derive(Clone)]
pub(crate) struct Style {
    pub(crate) method: Option<String>,
    pub(crate) digest: &'static str,
    pub(crate) canonicalization: String,
    pub(crate) transforms: String,
    /// What the reference names, if not the element.
    pub(crate) uri: Option<String>,
    /// More inside `SignedInfo`, behind the reference.
    pub(crate) info: String,
    /// Inside `SignatureMethod`.
    pub(crate) method_inside: String,
    /// More inside `Signature`, behind its value.
    pub(crate) more: String,
    /// Signs with these bytes as the secret of an HMAC.
    pub(crate) secret: Option<Vec<u8>>,
}

impl Default for Style {
    fn default() -> Self {
        let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
        Self {
            method: None,
            digest: "http://www.w3.org/2001/04/xmlenc#sha256",
            canonicalization: format!(
                "<ds:CanonicalizationMethod Algorithm=\"{exclusive}\"></ds:CanonicalizationMethod>"
            ),
            transforms: format!(
                "<ds:Transform Algorithm=\"{DSIG}enveloped-signature\"></ds:Transform>\
                 <ds:Transform Algorithm=\"{exclusive}\"></ds:Transform>"
            ),
            uri: None,
            info: String::new(),
            method_inside: String::new(),
            more: String::new(),
            secret: None,
        }
    }
}

/// The signature about canonical text with this id.
pub(crate) fn signature(text: &str, id: &str, signer: &Signer, style: &Style) -> String {
    let hash = match style.digest {
        method if method.ends_with("sha1") => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        method if method.ends_with("sha384") => &digest::SHA384,
        method if method.ends_with("sha512") => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let digest = STANDARD.encode(digest::digest(hash, text.as_bytes()));
    let method = style.method.clone().unwrap_or_else(|| signer.method().to_owned());
    let uri = match style.uri.as_deref() {
        None => format!(" URI=\"#{id}\""),
        Some("absent") => String::new(),
        Some(uri) => format!(" URI=\"{uri}\""),
    };
    let info = format!(
        "{}<ds:SignatureMethod Algorithm=\"{method}\">{}</ds:SignatureMethod>\
         <ds:Reference{uri}><ds:Transforms>{}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>{}",
        style.canonicalization, style.method_inside, style.transforms, style.digest, style.info
    );
    let octets = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}</ds:SignedInfo>");
    let value = match &style.secret {
        Some(secret) => {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
            aws_lc_rs::hmac::sign(&key, octets.as_bytes()).as_ref().to_vec()
        }
        None => signer.sign(&method, octets.as_bytes()),
    };
    format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}</ds:SignedInfo>\
         <ds:SignatureValue>{}</ds:SignatureValue>{}</ds:Signature>",
        STANDARD.encode(value),
        style.more
    )
}

/// The text with its signature behind the issuer.
pub(crate) fn sign(text: &str, id: &str, signer: &Signer, style: &Style) -> String {
    let signature = signature(text, id, signer, style);
    let end = ["</saml:Issuer>", "</Issuer>"]
        .into_iter()
        .filter_map(|end| text.find(end).map(|at| at + end.len()))
        .min()
        .expect("an issuer");
    let (before, after) = text.split_at(end);
    format!("{before}{signature}{after}")
}
