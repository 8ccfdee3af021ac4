//! The published log of one's own org.
//!
//! Reading it leaves no event: checkpoints, tiles and entries are commitments and hashes of
//! them, which tell nothing of any event to whoever has no opening; a verifier fetches
//! thousands of them; and a witness would never be done if each look made the log longer.

use access::{Caller, Permission, Scope};
use base::args;
use base::db::DbError;
use base::time::At;
use serde::Serialize;
use tlog::tile::{Bundle, Tile};

use super::Log;
use super::fault::LogError;
use super::org::Place;
use crate::explore::Error;
use crate::sql;

/// Bytes of the longest path of a tile, and some.
const PATH_BYTES_MAX: usize = 100;

/// Which log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// That of one's own org.
    Own,
    /// That of the directory of its cell.
    Directory,
}

/// The keys that sign the checkpoints of an org.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LogKeys {
    /// The name of the org's log: the first line of every checkpoint.
    pub origin: String,
    /// The oldest first.
    pub keys: Vec<LogKey>,
}

/// A key that signs, or signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogKey {
    /// Its name, id and public key, as C2SP `signed-note` writes them.
    pub vkey: String,
    /// Since when; absent of a key that has signed nothing yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<At>,
    /// Until when; absent of the present key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub to: Option<At>,
}

impl Log {
    pub(super) fn place(&self, scope: &Scope) -> Result<Place<'_>, DbError> {
        Place::of(&self.0, scope.clone())
    }

    /// The log that is asked for: nothing of another org is ever behind it.
    fn asked(&self, scope: &Scope, of: Of) -> Result<Place<'_>, DbError> {
        match of {
            Of::Own => self.place(scope),
            Of::Directory => self.0.directory_beside(scope),
        }
    }

    /// The newest checkpoint of the caller's org, or of the directory of its cell: a signed note.
    pub async fn checkpoint(&self, caller: &Caller, of: Of) -> Result<String, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let newest = self.asked(&scope, of)?.newest().await?;
        Ok(newest.ok_or(Error::NothingPublished)?.note)
    }

    /// A tile or a bundle of the same, by its path behind `tile/`. A partial one is cut from the
    /// longest that there is.
    pub async fn tile(&self, caller: &Caller, of: Of, path: &str) -> Result<Vec<u8>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        if path.len() > PATH_BYTES_MAX {
            return Err(Error::BadTile);
        }
        let place = self.asked(&scope, of)?;
        let size = place.newest().await?.ok_or(Error::NothingPublished)?.size;
        let path = format!("tile/{path}");
        if path.starts_with("tile/entries/") {
            let asked = Bundle::from_path(&path).map_err(|_| Error::BadTile)?;
            let there = Bundle::within(asked.index(), size);
            let there = there.filter(|there| there.width() >= asked.width());
            let there = there.ok_or(Error::NoSuchTile)?;
            let bytes = place.bundle(there).await?;
            let mut entries = there.decode(&bytes).map_err(|_| Error::NoSuchTile)?;
            entries.truncate(asked.width().into());
            asked.encode(&entries).map_err(|_| Error::NoSuchTile)
        } else {
            let asked = Tile::from_path(&path).map_err(|_| Error::BadTile)?;
            let there = Tile::within(asked.level(), asked.index(), size);
            let there = there.filter(|there| there.width() >= asked.width());
            let there = there.ok_or(Error::NoSuchTile)?;
            let tiles = place.tiles([there]).await?;
            let hashes = tiles.get(&there).and_then(|bytes| there.decode(bytes).ok());
            let mut hashes = hashes.ok_or(Error::NoSuchTile)?;
            hashes.truncate(asked.width().into());
            asked.encode(&hashes).map_err(|_| Error::NoSuchTile)
        }
    }

    /// The keys of the same, and when each was in use.
    pub async fn keys(&self, caller: &Caller, of: Of) -> Result<LogKeys, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        Ok(self.asked(&scope, of)?.keys().await?)
    }
}

impl Place<'_> {
    /// The keys of the org, and when each was in use.
    pub(super) async fn keys(&self) -> Result<LogKeys, LogError> {
        let mut keys = Vec::new();
        for row in self.db()?.all(sql::LOG_KEYS, args![]).await? {
            let (vkey, from, to) = (row.text("vkey")?, row.at("from_at")?, row.opt_at("to_at")?);
            keys.push(LogKey { vkey, from: Some(from), to });
        }
        let origin = self.birth.signing.origin(self.name());
        for verifier in self.birth.signing.verifiers(&origin)? {
            let vkey = verifier.to_string();
            if !keys.iter().any(|key| key.vkey == vkey && key.to.is_none()) {
                keys.push(LogKey { vkey, from: None, to: None });
            }
        }
        Ok(LogKeys { origin, keys })
    }
}

impl From<LogError> for Error {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Db(cause) => Self::Db(cause),
            LogError::Unpacked(cause) => Self::Unpacked(cause),
            LogError::Moved => Self::Behind,
            LogError::Fault(fault) => Self::Faulty(Box::new(fault)),
            error @ (LogError::Store(_) | LogError::Unsigned) => {
                Self::LogUnavailable(Box::new(error))
            }
        }
    }
}
