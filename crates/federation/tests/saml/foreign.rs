//! Another implementation on the other side: the `saml` crate signs and encrypts with its own
//! canonicalization and its own cryptography, and reads what we write.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use federation::saml::{Binding, Delivery, IdentityProvider, Outgoing, Policy};
use saml::{
    Attribute, AuthnContextClassRef, C14nAlgorithm, ConsumeAuthnRequest, DataEncryptionAlgorithm,
    DetachedSignature, DigestAlgorithm, Endpoint, IdentityProviderConfig, IdpAssertionSigning,
    IdpLogoutSigning, IdpLogoutWantSigned, IssueResponse, KeyPair, KeyTransportAlgorithm, NameId,
    NameIdFormat, PeerCryptoPolicy, SignatureAlgorithm, SpDescriptor, SsoResponseDispatch,
    X509Certificate,
};

use crate::toolbox::{IDP, NAME, NOW, Signer, World, at};

fn time() -> SystemTime {
    let seconds = u64::try_from(at(NOW).as_second()).expect("after 1970");
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

#[expect(clippy::fn_params_excessive_bools, reason = "the shapes are told apart by them")]
fn identity_provider(
    signer: &Signer,
    responses: bool,
    assertions: bool,
    encrypt: bool,
    cipher: DataEncryptionAlgorithm,
    elliptic: bool,
) -> saml::IdentityProvider {
    let certificate = X509Certificate::from_der(&signer.der).expect("a certificate");
    let key = KeyPair::from_pkcs8_pem(signer.pem.as_bytes()).expect("a key");
    saml::IdentityProvider::new(IdentityProviderConfig {
        entity_id: IDP.to_owned(),
        sso: vec![
            Endpoint::redirect("https://idp.example/sso", 0, true),
            Endpoint::post("https://idp.example/sso", 1, false),
        ],
        slo: vec![Endpoint::post("https://idp.example/slo", 0, true)],
        artifact_resolution: vec![],
        supported_name_id_formats: vec![NameIdFormat::EmailAddress],
        default_name_id_format: NameIdFormat::EmailAddress,
        signing_key: key.with_certificate(certificate).expect("a matching certificate"),
        decryption_key: None,
        want_authn_requests_signed: true,
        assertion_signing: IdpAssertionSigning {
            sign_responses: responses,
            sign_assertions: assertions,
        },
        encrypt_assertions_when_possible: encrypt,
        logout_signing: IdpLogoutSigning { sign_requests: true, sign_responses: true },
        logout_want_signed: IdpLogoutWantSigned { requests: true, responses: true },
        default_session_duration: Duration::from_hours(1),
        max_authn_request_age: IdentityProviderConfig::DEFAULT_MAX_AUTHN_REQUEST_AGE,
        default_peer_crypto_policy: PeerCryptoPolicy::strong_defaults(),
        outbound_signature_algorithm: if elliptic {
            SignatureAlgorithm::EcdsaSha256
        } else {
            SignatureAlgorithm::RsaSha256
        },
        outbound_digest_algorithm: DigestAlgorithm::Sha256,
        outbound_c14n: C14nAlgorithm::ExclusiveCanonical,
        outbound_data_encryption_algorithm: cipher,
        outbound_key_transport_algorithm: KeyTransportAlgorithm::RsaOaepMgf1Sha1,
    })
    .expect("an identity provider")
}

/// Signs somebody in, from our request to the posted response.
fn round(
    world: &World,
    idp: &saml::IdentityProvider,
    provider: &IdentityProvider,
    policy: &Policy,
    binding: Binding,
) -> (String, Vec<u8>) {
    let sp = SpDescriptor::from_metadata_xml(world.sp.metadata(policy).as_bytes())
        .expect("our metadata");
    let Outgoing { id, by } = world
        .sp
        .authn_request(provider, policy, binding, Some("state & more"), at(NOW))
        .expect("a request");
    let (message, query, signature, algorithm) = match by {
        Delivery::Redirect { url } => {
            let (_, query) = url.split_once('?').expect("a query");
            let value = |name: &str| {
                let pair = query.split('&').find_map(|pair| pair.strip_prefix(name));
                decoded(pair.expect("a value"))
            };
            let signature = STANDARD.decode(value("Signature=")).expect("base64");
            let message = STANDARD.decode(value("SAMLRequest=")).expect("base64");
            let (signed, _) = query.split_once("&Signature=").expect("a signature");
            (message, signed.to_owned(), signature, value("SigAlg="))
        }
        Delivery::Post { fields, .. } => {
            let value = fields.iter().find(|(name, _)| *name == "SAMLRequest").expect("a field");
            (STANDARD.decode(&value.1).expect("base64"), String::new(), Vec::new(), String::new())
        }
    };
    let redirect = binding == Binding::Redirect;
    let message = if redirect { inflated(&message) } else { message };
    let parsed = idp
        .consume_authn_request(ConsumeAuthnRequest {
            sp: &sp,
            peer_crypto_policy: None,
            max_authn_request_age: None,
            saml_request: &message,
            binding: if redirect { saml::Binding::HttpRedirect } else { saml::Binding::HttpPost },
            relay_state: Some("state & more"),
            detached_signature: redirect.then_some(DetachedSignature {
                signature: &signature,
                sig_alg: &algorithm,
                raw_query_string: &query,
            }),
            expected_destination: "https://idp.example/sso",
            now: time(),
            clock_skew: Duration::from_mins(1),
        })
        .expect("our request is understood");
    let dispatch = idp
        .issue_response(IssueResponse {
            sp: &sp,
            in_response_to: &parsed,
            name_id: NameId::email(NAME),
            attributes: vec![Attribute::email(NAME)],
            authn_instant: time(),
            session_index: "_session".to_owned(),
            session_not_on_or_after: None,
            authn_context_class_ref: AuthnContextClassRef::PasswordProtectedTransport,
            force_encrypt_assertion: None,
            now: time(),
            assertion_lifetime: Duration::from_mins(5),
            subject_confirmation_lifetime: Duration::from_mins(5),
            holder_of_key_cert: None,
        })
        .expect("a response");
    let SsoResponseDispatch::Post(form) = dispatch else { panic!("not a form") };
    (id, form.saml_response.into_bytes())
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next().expect("a digit")).to_digit(16).expect("hex");
            let (high, low) = (digit(), digit());
            bytes.push(u8::try_from(high * 16 + low).expect("a byte"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("text")
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut decoder = flate2::read::DeflateDecoder::new(bytes);
    std::io::Read::read_to_end(&mut decoder, &mut out).expect("inflated");
    out
}

#[test]
fn a_foreign_identity_provider_and_we_understand_each_other() {
    let world = World::new();
    let gcm = DataEncryptionAlgorithm::Aes256Gcm;
    let cbc = DataEncryptionAlgorithm::Aes256Cbc;
    let policy = Policy::default();
    for (responses, assertions, encrypt, cipher) in [
        (false, true, false, gcm),
        (true, false, false, gcm),
        (true, true, false, gcm),
        (false, true, true, gcm),
        (true, true, true, gcm),
        (true, true, true, cbc),
    ] {
        for (signer, elliptic) in [(&world.idp, false), (&world.elliptic, true)] {
            let idp = identity_provider(signer, responses, assertions, encrypt, cipher, elliptic);
            let metadata = idp.metadata_xml(false).expect("metadata");
            let provider = IdentityProvider::read(metadata.as_bytes(), None, at(NOW))
                .expect("its metadata is understood");
            assert!(provider.wants_signed_requests);
            for binding in [Binding::Redirect, Binding::Post] {
                let (id, posted) = round(&world, &idp, &provider, &policy, binding);
                let found = world
                    .sp
                    .verify_response(&provider, &policy, &posted, Some(&id), at(NOW))
                    .expect("its response is accepted");
                assert_eq!(found.name_id, NAME);
                assert_eq!(found.was_encrypted, encrypt);
                let stale =
                    world.sp.verify_response(&provider, &policy, &posted, Some("_x"), at(NOW));
                assert_eq!(stale.expect_err("another request").code(), "in_response_to_wrong");
            }
        }
    }
}
