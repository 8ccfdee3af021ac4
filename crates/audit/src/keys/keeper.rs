//! Where the outermost key is: in a file of this cell, or with somebody else.

use std::future::Future;
use std::pin::Pin;

use base::seal::{RootKey, Sealer};
use zeroize::Zeroizing;

/// What a keeper is at.
pub(crate) type Wrapping<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeeperError>> + Send + 'a>>;

/// Keeps the cell's root key and wraps with it the keys of orgs. It may be far away: a node
/// asks it once for each org, and remembers.
pub(crate) trait Keeper: Send + Sync + std::fmt::Debug {
    /// Wraps a key of 32 bytes for one purpose.
    fn wrap<'a>(&'a self, purpose: &'a str, key: &'a [u8; 32]) -> Wrapping<'a, Vec<u8>>;

    /// Opens what was wrapped for this purpose.
    fn unwrap<'a>(
        &'a self,
        purpose: &'a str,
        wrapped: &'a [u8],
    ) -> Wrapping<'a, Zeroizing<[u8; 32]>>;
}

/// Why a key was not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeeperError {
    /// No keeper for that region is here.
    #[error("no root key of that region is here")]
    NotHere,
    /// It was not wrapped by this keeper for this purpose.
    #[error("a wrapped key could not be opened")]
    NotOpened,
}

/// The root key from the cell's own file.
#[derive(Debug)]
pub(crate) struct RootKeeper(Sealer);

impl RootKeeper {
    /// Wraps under this root key.
    pub(crate) fn new(root: &RootKey) -> std::io::Result<Self> {
        Ok(Self(root.sealer("audit/keeper")?))
    }
}

impl Keeper for RootKeeper {
    fn wrap<'a>(&'a self, purpose: &'a str, key: &'a [u8; 32]) -> Wrapping<'a, Vec<u8>> {
        let wrapped = self.0.seal(purpose, key).map_err(|_| KeeperError::NotOpened);
        Box::pin(std::future::ready(wrapped))
    }

    fn unwrap<'a>(
        &'a self,
        purpose: &'a str,
        wrapped: &'a [u8],
    ) -> Wrapping<'a, Zeroizing<[u8; 32]>> {
        let opened = self.0.open(purpose, wrapped).map(Zeroizing::new);
        let key = opened.ok().and_then(|opened| <[u8; 32]>::try_from(opened.as_slice()).ok());
        Box::pin(std::future::ready(key.map(Zeroizing::new).ok_or(KeeperError::NotOpened)))
    }
}
