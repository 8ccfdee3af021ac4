//! An authenticator in software: makes passkeys and shows them, byte for byte as the
//! standard has it, and can be made to misbehave.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::house::ORIGIN;

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    id: Vec<u8>,
    handle: String,
    /// Counted up before each use; a synced passkey stays at nothing.
    pub(crate) counter: u32,
    /// Whether it asks for a finger or a PIN.
    pub(crate) verifies: bool,
    /// The site that its browser is at.
    pub(crate) origin: String,
}

impl Authenticator {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .expect("randomness");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref());
        let id = base::seal::random::<32>().expect("randomness").to_vec();
        Self {
            key: key.expect("a key"),
            id,
            handle: String::new(),
            counter: 1,
            verifies: true,
            origin: ORIGIN.to_owned(),
        }
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }

    fn data(&self, rp: &Value, more: u8) -> Vec<u8> {
        let rp = digest(&SHA256, rp.as_str().expect("a domain").as_bytes());
        let flags = PRESENT | more | if self.verifies { VERIFIED } else { 0 };
        [rp.as_ref(), &[flags], self.counter.to_be_bytes().as_slice()].concat()
    }

    /// What `navigator.credentials.create` gives for these options.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().expect("a handle").clone_into(&mut self.handle);
        let public = self.key.public_key().as_ref();
        let (x, y) = (&public[1..33], &public[33..65]);
        let cose = [
            &[0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20][..],
            x,
            &[0x22, 0x58, 0x20],
            y,
        ];
        let id_len = u16::try_from(self.id.len()).expect("short").to_be_bytes();
        let mut data = self.data(&options["rp"]["id"], ATTESTED);
        data.extend([0; 16]);
        data.extend(id_len);
        data.extend(&self.id);
        data.extend(cose.concat());
        let data_len = u8::try_from(data.len()).expect("short");
        let attestation = [
            &b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58"[..],
            &[data_len],
            data.as_slice(),
        ];
        let client = self.client_data("webauthn.create", &options["challenge"]);
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "response": {
                "attestationObject": BASE64.encode(attestation.concat()),
                "clientDataJSON": BASE64.encode(client),
            },
        })
    }

    /// What `navigator.credentials.get` gives for these options.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        let data = self.data(&options["rpId"], 0);
        let client = self.client_data("webauthn.get", &options["challenge"]);
        let signed = [data.as_slice(), digest(&SHA256, &client).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("signs");
        json!({
            "id": BASE64.encode(&self.id), "rawId": BASE64.encode(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": BASE64.encode(data),
                "clientDataJSON": BASE64.encode(client),
                "signature": BASE64.encode(signature),
                "userHandle": self.handle,
            },
        })
    }

    /// The same authenticator, as if it belonged to somebody else.
    pub(crate) fn claims(&mut self, other: &Self) {
        self.handle.clone_from(&other.handle);
    }
}
