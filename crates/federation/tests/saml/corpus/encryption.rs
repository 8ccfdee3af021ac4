//! Encrypted parts that do not open, or that open to something else.

use super::Case;
use crate::toolbox::{Draft, Encrypt, World};

const CLASS: &str = "encryption";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";

fn refused(name: &'static str, draft: &Draft<'_>, verdict: &'static str) -> Case {
    Case::response(CLASS, name, draft, verdict)
}

/// Ciphers, keys and places.
pub(crate) fn cases(world: &World) -> Vec<Case> {
    let honest = || Draft::new().signed(&world.idp);
    let gcm = || Encrypt::gcm(&world.ours);
    let edited = |from: &str, to: &str| honest().encrypted(gcm().edit(from, to));
    let wrapping = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"></xenc:EncryptionMethod>";
    let sha256 = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod></xenc:EncryptionMethod>";
    let wrapped = |uri: &str, inside: &str| edited(wrapping, &format!("{uri}\">{inside}"));
    let old = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
    let end = "</xenc:EncryptionMethod>";
    let key_info = "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">";
    vec![
        refused("AES-CBC in an unsigned response", &honest().encrypted(Encrypt::with(&world.ours, CBC)), "encryption_cbc_unsigned"),
        refused("AES-128-CBC in an unsigned response", &honest().encrypted(Encrypt::with(&world.ours, "http://www.w3.org/2001/04/xmlenc#aes128-cbc")), "encryption_cbc_unsigned"),
        refused("AES-GCM renamed to AES-CBC", &edited(GCM, CBC), "encryption_cbc_unsigned"),
        refused("triple DES", &edited(GCM, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"), "encryption_cipher"),
        refused("no cipher", &edited(GCM, ""), "encryption_cipher"),
        refused("a cipher of another key length", &edited(GCM, "http://www.w3.org/2009/xmlenc11#aes128-gcm"), "decryption_failed"),
        refused("a key wrapped with PKCS#1 1.5", &wrapped("http://www.w3.org/2001/04/xmlenc#rsa-1_5", end), "encryption_key_transport"),
        refused("a key wrapped with AES", &wrapped("http://www.w3.org/2001/04/xmlenc#kw-aes256", end), "encryption_key_transport"),
        refused("a key wrapped with two hashes", &wrapped("http://www.w3.org/2009/xmlenc11#rsa-oaep", sha256), "encryption_key_transport_mixed"),
        refused("a key wrapped with MD5", &wrapped(old, "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#md5\"></ds:DigestMethod></xenc:EncryptionMethod>"), "encryption_key_transport"),
        refused("a key wrapped with a label", &wrapped(old, "<xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod>"), "encryption_key_transport"),
        refused("a key for somebody else", &honest().encrypted(Encrypt::gcm(&world.attacker)), "decryption_failed"),
        refused("no key", &edited("<xenc:EncryptedKey>", "<xenc:OtherKey>").after("</xenc:EncryptedKey>", "</xenc:OtherKey>"), "encryption_key_missing"),
        refused("two keys", &edited("<xenc:EncryptedKey>", "<xenc:EncryptedKey></xenc:EncryptedKey><xenc:EncryptedKey>"), "encryption_key_repeated"),
        refused("a key inside and one beside", &edited("</xenc:EncryptedData>", "</xenc:EncryptedData><xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"></xenc:EncryptedKey>"), "encryption_key_repeated"),
        refused("a key elsewhere in the response", &edited(key_info, "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:RetrievalMethod URI=\"#key\"></ds:RetrievalMethod>").after("<xenc:EncryptedKey>", "<x>").after("</xenc:EncryptedKey>", "</x>").after("<samlp:Status>", "<samlp:Extensions><xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Id=\"key\"></xenc:EncryptedKey></samlp:Extensions><samlp:Status>"), "encryption_key_missing"),
        refused("no content", &edited("<xenc:EncryptedData ", "<xenc:Other ").after("</xenc:EncryptedData>", "</xenc:Other>"), "part_missing"),
        refused("content elsewhere", &reference(world), "encryption_malformed"),
        refused("a comment in the content", &edited("<xenc:CipherValue>", "<xenc:CipherValue><!-- -->"), "xml_comment"),
        refused("content that is not base64", &edited("<xenc:CipherValue>", "<xenc:CipherValue>%"), "not_base64"),
        refused("a wrapped key that is too short", &edited("<xenc:CipherValue>", "<xenc:CipherValue>AAAA</xenc:CipherValue><xenc:Other>").after("</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>", "</xenc:Other></xenc:CipherData></xenc:EncryptedKey>"), "decryption_failed"),
    ]
}

/// An encrypted assertion whose content is a reference.
fn reference(world: &World) -> Draft<'_> {
    let from = "<xenc:CipherData><xenc:CipherValue>";
    let to = "<xenc:CipherData><xenc:CipherReference URI=\"file:///etc/passwd\"></xenc:CipherReference><xenc:Other>";
    let how = Encrypt::gcm(&world.ours).edit(from, to);
    Draft::new().signed(&world.idp).encrypted(how).after(
        "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>",
        "</xenc:Other></xenc:CipherData></xenc:EncryptedKey>",
    )
}

/// Contents that an attacker encrypted: our public key is public.
pub(crate) fn forgeries(world: &World) -> Vec<Case> {
    let gcm = || Encrypt::gcm(&world.ours);
    let cbc = || Encrypt::with(&world.ours, CBC);
    let honest = || Draft::new().signed(&world.idp);
    let spoilt = |how: Encrypt<'_>, spoil: fn(&mut Vec<u8>)| {
        let how = Encrypt { to: &world.ours.der, spoil: Some(spoil), edits: Vec::new(), ..how };
        honest().encrypted(how)
    };
    let flip = |bytes: &mut Vec<u8>| bytes[20] ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(8);
    let tagless = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 16);
    let content = |text: &str| {
        let mut draft = Draft::new();
        draft.assertion = text.to_owned();
        draft.encrypted(gcm())
    };
    let assertion = honest().inner();
    let nested = {
        let inner = crate::toolbox::encrypt(&assertion, &gcm());
        content(&inner)
    };
    let buried = content(&assertion.replace(
        "<saml:Subject>",
        &format!(
            "<saml:Advice>{}</saml:Advice><saml:Subject>",
            crate::toolbox::encrypt(&assertion, &gcm())
        ),
    ));
    vec![
        refused(
            "an assertion that nobody signed",
            &Draft::new().encrypted(gcm()),
            "signature_missing",
        ),
        refused(
            "a forged name that nobody signed",
            &Draft::new().assertion("alice@", "mallory@").encrypted(gcm()),
            "signature_missing",
        ),
        refused(
            "an assertion that the attacker signed",
            &Draft::new().signed(&world.attacker).encrypted(gcm()),
            "signature_invalid",
        ),
        refused(
            "an honest assertion, altered and encrypted again",
            &content(&assertion.replace("alice@", "mallory@")),
            "signature_digest",
        ),
        refused("a bit of AES-GCM flipped", &spoilt(gcm(), flip), "decryption_failed"),
        refused("AES-GCM without its tag", &spoilt(gcm(), tagless), "decryption_failed"),
        refused("AES-GCM shorter than its nonce", &spoilt(gcm(), cut), "decryption_failed"),
        refused(
            "a bit of AES-CBC flipped in a signed response",
            &{
                let from = Draft::new().encrypted(cbc()).response_signed(&world.idp);
                let xml = from.xml();
                let at = xml.rfind("<xenc:CipherValue>").expect("content") + 60;
                let piece = xml.get(at..at + 8).expect("a piece").to_owned();
                from.after(&piece, "AAAAAAAA")
            },
            "signature_digest",
        ),
        refused(
            "AES-CBC shorter than its first block, signed",
            &{
                let how = Encrypt { spoil: Some(cut), ..cbc() };
                Draft::new().encrypted(how).response_signed(&world.idp)
            },
            "decryption_failed",
        ),
        refused(
            "a bit of AES-CBC flipped before it was signed",
            &{
                let how = Encrypt {
                    spoil: Some(|bytes: &mut Vec<u8>| {
                        let last = bytes.len() - 17;
                        bytes[last] ^= 0xFF;
                    }),
                    ..cbc()
                };
                Draft::new().encrypted(how).response_signed(&world.idp)
            },
            "decryption_failed",
        ),
        refused(
            "a bit of AES-CBC flipped on a widened connection",
            &spoilt(cbc(), |bytes| {
                let last = bytes.len() - 17;
                bytes[last] ^= 0xFF;
            }),
            "decryption_failed",
        )
        .policy(|policy| policy.widened_algorithms = true),
        refused(
            "another encrypted assertion put into a signed response",
            &{
                let theirs = crate::toolbox::encrypt(&Draft::new().assertion, &gcm());
                let ours = Draft::new().response_signed(&world.idp);
                let whole = ours.assertion.clone();
                ours.after(&whole, &theirs)
            },
            "signature_digest",
        ),
        refused(
            "an encrypted assertion inside an encrypted one",
            &nested,
            "decrypted_no_assertion",
        ),
        refused("an encrypted assertion inside the decrypted one", &buried, "assertion_misplaced"),
        refused(
            "a name instead of an assertion",
            &content(
                "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alice@example.com</saml:NameID>",
            ),
            "decrypted_no_assertion",
        ),
        refused(
            "a response instead of an assertion",
            &content(&honest().xml()),
            "decrypted_no_assertion",
        ),
        refused("two assertions", &content(&format!("{assertion}{assertion}")), "xml_malformed"),
        refused("text instead of an assertion", &content("alice@example.com"), "xml_malformed"),
        refused("nothing", &content(""), "xml_malformed"),
        refused(
            "a document type inside",
            &content(&format!("<!DOCTYPE x [<!ENTITY x \"y\">]>{assertion}")),
            "xml_doctype",
        ),
        refused(
            "nested a thousand times inside",
            &content(&format!("{}{}", "<x>".repeat(1000), "</x>".repeat(1000))),
            "xml_too_deep",
        ),
        refused(
            "a comment in the name inside",
            &content(&assertion.replace("alice@", "alice<!-- -->@")),
            "xml_comment",
        ),
        refused(
            "a forged assertion inside the signed one",
            &content(&assertion.replace(
                "<saml:Subject>",
                "<saml:Advice><saml:Assertion></saml:Assertion></saml:Advice><saml:Subject>",
            )),
            "assertion_misplaced",
        ),
    ]
}
