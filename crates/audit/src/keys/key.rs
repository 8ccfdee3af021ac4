//! The key of a holder.

use std::sync::Arc;

use base::seal::{Mac, NotOpened, RootKey, Sealer};

use crate::entry::Class;

/// What salts are derived from and values are sealed under.
#[derive(Debug)]
pub(crate) struct Key {
    salts: Mac,
    values: Sealer,
}

/// The key that somebody once had.
#[derive(Debug, Clone)]
pub(crate) enum Found {
    Key(Arc<Key>),
    Destroyed,
}

impl Found {
    pub(crate) fn key(self) -> Option<Arc<Key>> {
        match self {
            Self::Key(key) => Some(key),
            Self::Destroyed => None,
        }
    }
}

impl Key {
    /// One that nobody else has, and nobody keeps.
    pub(crate) fn fresh() -> Result<Self, NotOpened> {
        Self::of(&RootKey::fresh().map_err(|_| NotOpened)?)
    }

    pub(crate) fn of(raw: &RootKey) -> Result<Self, NotOpened> {
        let values = raw.sealer("audit/values").map_err(|_| NotOpened)?;
        Ok(Self { salts: raw.mac("audit/salts"), values })
    }

    /// The salt of one class of one event. Whoever has it can check a value, and learns
    /// nothing of any other.
    pub(crate) fn salt(&self, class: Class, nonce: &[u8]) -> [u8; 32] {
        self.salts.tag(&[class.label(), nonce].concat())
    }

    /// What the head of an org is hidden under in an epoch of the directory.
    pub(crate) fn listing_salt(&self, epoch: u64) -> [u8; 32] {
        self.salts.tag(&[&b"portico-directory/v1 salt\n"[..], &epoch.to_be_bytes()].concat())
    }

    pub(crate) fn seal(&self, class: Class, json: &[u8]) -> Result<Vec<u8>, NotOpened> {
        self.values.seal(class.as_str(), json)
    }

    pub(crate) fn open(&self, class: Class, sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        self.values.open(class.as_str(), sealed)
    }

    /// What a chunk of the archive is called by: nobody else can tell its rows from its name.
    pub(crate) fn chunk_tag(&self, rows: &[u8]) -> [u8; 32] {
        self.salts.tag(&[b"portico-chunk/v1 name\n", rows].concat())
    }

    /// `purpose` is that of no class.
    pub(crate) fn seal_chunk(&self, purpose: &str, packed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        self.values.seal(purpose, packed)
    }

    pub(crate) fn open_chunk(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        self.values.open(purpose, sealed)
    }
}
