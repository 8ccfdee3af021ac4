//! Who keeps what the keys of orgs are wrapped with: files of this cell, or a KMS elsewhere.
//!
//! What wraps is the secret of an *epoch*, and it is never in the database. Once the secret of
//! an epoch is destroyed, no copy of the database that was made in it opens any more, so what
//! was forgotten since does not come back with a copy.

mod ask;
mod cell;
mod config;
mod epochs;
mod file;
mod transit;

use std::fmt::Debug;

use async_trait::async_trait;
use base::db::DbError;
use base::time::At;
use zeroize::Zeroizing;

pub(crate) use self::cell::Cell;
pub use self::config::{KmsConfig, KmsToken, Sealing};

/// Wraps the keys of orgs. It may be far away: a node asks it once for each org, and remembers.
#[async_trait]
pub(crate) trait Kms: Debug + Send + Sync {
    /// Wraps a key of 32 bytes for one purpose, in the newest epoch.
    async fn wrap(&self, purpose: &str, key: &[u8; 32]) -> Result<Vec<u8>, KmsError>;

    /// Opens what was wrapped for this purpose.
    async fn unwrap(&self, purpose: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KmsError>;

    /// In which epoch this was wrapped; none: not here.
    fn epoch_of(&self, wrapped: &[u8]) -> Option<u64>;

    /// The epochs whose secrets exist, oldest first. None: it has no epochs.
    async fn epochs(&self) -> Result<Vec<Epoch>, KmsError>;

    /// Whether secrets lie with this cell alone, so that somebody must have had the time to
    /// back one up before anything is wrapped with it.
    fn is_alone(&self) -> bool;

    /// Makes the secret of the epoch after this one, unless somebody has. It wraps from this
    /// instant on, or at once where secrets are kept elsewhere.
    async fn begin(&self, after: u64, from: At) -> Result<(), KmsError>;

    /// Destroys the secrets of all epochs before this one.
    async fn destroy_before(&self, epoch: u64) -> Result<(), KmsError>;

    /// That it is there, and does what is asked of it.
    async fn check(&self) -> Result<(), KmsError>;
}

/// A time in which one secret wraps; it may lie ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) since: At,
}

/// Why a key was not had. Never holds what was wrapped, a token, or what somebody else said.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// No KMS of that region is here.
    #[error("no root key of that region is here")]
    NotHere,
    /// It was not wrapped here for this purpose, or was altered.
    #[error("a wrapped key could not be opened")]
    NotOpened,
    /// The epoch in which it was wrapped is over, and its secret destroyed.
    #[error("a key was wrapped in an epoch whose secret is not here")]
    Forgotten,
    /// Wrapped by somebody who is not configured here.
    #[error("a key was wrapped by a KMS that is not configured here")]
    Foreign,
    /// The file of epochs cannot be used.
    #[error("the epochs in `{0}`")]
    File(String, #[source] std::io::Error),
    /// Another process is at the file of epochs.
    #[error("another process changes the epochs in `{0}`")]
    Busy(String),
    /// The file with the token cannot be read.
    #[error("the token of the KMS cannot be read from `{0}`")]
    NoToken(String, #[source] std::io::Error),
    /// No whole answer.
    #[error("the KMS cannot be asked")]
    Unreachable(#[from] base::fetch::Failed),
    /// The token is wrong, over, or may not do this.
    #[error(
        "the KMS refuses `{0}` for this token (403): it is wrong, has ended, or its policy lacks this"
    )]
    Denied(String),
    /// There, and locked.
    #[error("the KMS is sealed or in maintenance (503)")]
    Sealed,
    /// No such key or mount.
    #[error("the KMS knows no `{0}` (404): is the mount right, and does the key exist?")]
    NoKey(String),
    /// It refused, or failed.
    #[error("the KMS answered `{asked}` with status {status}")]
    Status {
        /// What it was asked.
        asked: String,
        /// What it said.
        status: u16,
    },
    /// Not what the documentation says.
    #[error("the KMS answered `{0}` with what is not understood")]
    Garbage(String),
    /// The key is not one that keys can be wrapped with.
    #[error("the key of the KMS is not suitable: {0}")]
    Unsuitable(&'static str),
}

/// For whoever wanted a key: an error that may pass, or a row that is wrong.
impl From<KmsError> for DbError {
    fn from(error: KmsError) -> Self {
        match error {
            KmsError::NotHere | KmsError::NotOpened | KmsError::Forgotten | KmsError::Foreign => {
                Self::unreadable("wrapped", error)
            }
            KmsError::File(..)
            | KmsError::Busy(_)
            | KmsError::NoToken(..)
            | KmsError::Unreachable(_)
            | KmsError::Denied(_)
            | KmsError::Sealed
            | KmsError::NoKey(_)
            | KmsError::Status { .. }
            | KmsError::Garbage(_)
            | KmsError::Unsuitable(_) => Self::elsewhere("be used without the KMS", error),
        }
    }
}
