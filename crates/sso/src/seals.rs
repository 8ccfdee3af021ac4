//! What is secret is sealed at rest, each thing for its own place; what is only to be
//! recognised is kept as a keyed hash.

use std::collections::BTreeMap;
use std::io;

use access::{Homes, Region, Scope};
use base::db::DbError;
use base::seal::{Mac, NotOpened, RootKey, Sealer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ConnectionId;

/// The keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Keys>, Homes);

#[derive(Debug)]
struct Keys {
    sealer: Sealer,
    mac: Mac,
}

/// What is sealed: what was sealed for one place opens in no other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    OwnKeys(&'a ConnectionId),
    ClientSecret(&'a ConnectionId),
    Flow(&'a ConnectionId),
    Captured(&'a ConnectionId),
    Visit(&'a ConnectionId),
}

/// What is recognised by its keyed hash.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known<'a> {
    /// What comes back with an answer: relay state, `state`, ticket.
    Token,
    /// The cookie that marks a browser.
    Browser,
    /// The id of an assertion, a request or a token of a connection.
    Seen(&'a ConnectionId),
    /// What a provider calls somebody, or a session of its own.
    Subject(&'a ConnectionId),
}

impl Place<'_> {
    fn purpose(self, scope: &Scope) -> String {
        let org = scope.org();
        match self {
            Self::OwnKeys(id) => format!("{org}/{id}/keys"),
            Self::ClientSecret(id) => format!("{org}/{id}/secret"),
            Self::Flow(id) => format!("{org}/{id}/flow"),
            Self::Captured(id) => format!("{org}/{id}/captured"),
            Self::Visit(id) => format!("{org}/{id}/visit"),
        }
    }
}

impl Known<'_> {
    fn purpose(self, scope: &Scope) -> String {
        let org = scope.org();
        match self {
            Self::Token => format!("{org}/token/"),
            Self::Browser => format!("{org}/browser/"),
            Self::Seen(id) => format!("{org}/{id}/seen/"),
            Self::Subject(id) => format!("{org}/{id}/subject/"),
        }
    }
}

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>, homes: &Homes) -> io::Result<Self> {
        let keys = roots.iter().map(|(region, root)| {
            let keys = Keys { sealer: root.sealer("sso/sealed")?, mac: root.mac("sso/known") };
            Ok((*region, keys))
        });
        keys.collect::<io::Result<_>>().map(|keys| Self(keys, homes.clone()))
    }

    pub(crate) fn seal(
        &self,
        scope: &Scope,
        place: Place<'_>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, DbError> {
        let sealer = &self.of(scope)?.sealer;
        sealer
            .seal(&place.purpose(scope), bytes)
            .map_err(|cause| DbError::unreadable("sealed", cause))
    }

    pub(crate) fn open(
        &self,
        scope: &Scope,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, DbError> {
        let keys = self.of(scope)?;
        keys.sealer
            .open(&place.purpose(scope), sealed)
            .map_err(|cause| DbError::unreadable("sealed", cause))
    }

    /// Seals a value as JSON.
    pub(crate) fn seal_json(
        &self,
        scope: &Scope,
        place: Place<'_>,
        value: &impl Serialize,
    ) -> Result<Vec<u8>, DbError> {
        let json =
            serde_json::to_vec(value).map_err(|cause| DbError::unreadable("sealed", cause))?;
        self.seal(scope, place, &json)
    }

    /// Opens what [`Seals::seal_json`] sealed.
    pub(crate) fn open_json<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<T, DbError> {
        let json = self.open(scope, place, sealed)?;
        serde_json::from_slice(&json).map_err(|cause| DbError::unreadable("sealed", cause))
    }

    /// The keyed hash by which something is recognised in one org.
    pub(crate) fn tag(
        &self,
        scope: &Scope,
        known: Known<'_>,
        text: &str,
    ) -> Result<[u8; 32], DbError> {
        let of = [known.purpose(scope).as_bytes(), text.as_bytes()].concat();
        Ok(self.of(scope)?.mac.tag(&of))
    }

    /// The same as text.
    pub(crate) fn tag_text(
        &self,
        scope: &Scope,
        known: Known<'_>,
        text: &str,
    ) -> Result<String, DbError> {
        Ok(base::hex::encode(&self.tag(scope, known, text)?))
    }

    fn of(&self, scope: &Scope) -> Result<&Keys, DbError> {
        self.0
            .get(&self.1.born(scope.org(), scope.region()))
            .ok_or_else(|| DbError::unreadable("sealed", NotOpened))
    }
}
