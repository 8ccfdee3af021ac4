//! Keys, and what they sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ml_dsa::MlDsa44;
use sha2::{Digest as _, Sha256};

pub(crate) const CELL: &str = "record.example.com/eu";
pub(crate) const ORG: &str = "org_01JGFJJZ00";

#[derive(Clone, Copy)]
pub(crate) enum Key {
    /// Signs texts.
    Log(u8),
    /// Cosigns at a time.
    Witness(u8, u64),
    /// The log's other signature.
    LogMlDsa(u8, u64),
}

fn vkey(name: &str, key: &[u8]) -> (String, [u8; 4]) {
    let hash = Sha256::new().chain_update(name).chain_update("\n").chain_update(key).finalize();
    let id = [hash[0], hash[1], hash[2], hash[3]];
    let text = format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode(key));
    (text, id)
}

impl Key {
    fn name(self) -> String {
        match self {
            Self::Log(_) | Self::LogMlDsa(..) => CELL.to_owned(),
            Self::Witness(seed, _) => format!("witness{seed}.example.org"),
        }
    }

    fn ed25519(seed: u8) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
    }

    fn ml_dsa(seed: u8) -> ml_dsa::SigningKey<MlDsa44> {
        ml_dsa::SigningKey::<MlDsa44>::from_seed(&[seed; 32].into())
    }

    fn public(self) -> Vec<u8> {
        match self {
            Self::Log(seed) => [&[1], &Self::ed25519(seed).verifying_key().to_bytes()[..]].concat(),
            Self::Witness(seed, _) => {
                [&[4], &Self::ed25519(seed).verifying_key().to_bytes()[..]].concat()
            }
            Self::LogMlDsa(seed, _) => {
                let key = Self::ml_dsa(seed);
                [&[6], &key.expanded_key().verifying_key().encode()[..]].concat()
            }
        }
    }

    pub(crate) fn vkey(self) -> String {
        vkey(&self.name(), &self.public()).0
    }

    fn signature(self, text: &str) -> Vec<u8> {
        match self {
            Self::Log(seed) => Self::ed25519(seed).sign(text.as_bytes()).to_bytes().to_vec(),
            Self::Witness(seed, time) => {
                let message = format!("cosignature/v1\ntime {time}\n{text}");
                let signature = Self::ed25519(seed).sign(message.as_bytes()).to_bytes();
                [&time.to_be_bytes()[..], &signature].concat()
            }
            Self::LogMlDsa(seed, time) => {
                let mut lines = text.lines();
                let origin = lines.next().expect("an origin");
                let size: u64 = lines.next().and_then(|size| size.parse().ok()).expect("a size");
                let root = STANDARD.decode(lines.next().expect("a root")).expect("base64");
                let name = self.name();
                let mut message = b"subtree/v1\n\0".to_vec();
                message.push(u8::try_from(name.len()).expect("short"));
                message.extend(name.as_bytes());
                message.extend(time.to_be_bytes());
                message.push(u8::try_from(origin.len()).expect("short"));
                message.extend(origin.as_bytes());
                message.extend(0u64.to_be_bytes());
                message.extend(size.to_be_bytes());
                message.extend(root);
                let key = Self::ml_dsa(seed);
                let signature = key.expanded_key().sign_deterministic(&message, &[]);
                [&time.to_be_bytes()[..], &signature.expect("signs").encode()].concat()
            }
        }
    }

    /// A line under a note.
    pub(crate) fn line(self, text: &str) -> String {
        let name = self.name();
        let (_, id) = vkey(&name, &self.public());
        let signature = [&id[..], &self.signature(text)].concat();
        format!("\u{2014} {name} {}\n", STANDARD.encode(signature))
    }
}

pub(crate) fn note(text: &str, keys: &[Key]) -> String {
    let lines: String = keys.iter().map(|key| key.line(text)).collect();
    format!("{text}\n{lines}")
}
