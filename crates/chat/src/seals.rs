//! What is said is sealed at rest, each text for its own place.

use std::collections::BTreeMap;
use std::io;

use access::{Homes, Region, Scope};
use base::db::DbError;
use base::seal::{NotOpened, RootKey, Sealer};

use crate::kept::Role;
use crate::{ConversationId, MessageId};

/// The sealing keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Sealer>, Homes);

/// Where a text is kept: what was sealed for one place opens in no other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Title(&'a ConversationId),
    Message(&'a ConversationId, &'a MessageId, Role),
}

impl Place<'_> {
    fn purpose(self, scope: &Scope) -> String {
        let org = scope.org();
        match self {
            Self::Title(conversation) => format!("{org}/{conversation}/title"),
            Self::Message(conversation, message, role) => {
                format!("{org}/{conversation}/{message}/{}", role.as_str())
            }
        }
    }
}

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>, homes: &Homes) -> io::Result<Self> {
        let sealers = roots.iter().map(|(region, root)| {
            let sealer = root.sealer("chat/said")?;
            Ok((*region, sealer))
        });
        sealers.collect::<io::Result<_>>().map(|keys| Self(keys, homes.clone()))
    }

    pub(crate) fn seal(
        &self,
        scope: &Scope,
        place: Place<'_>,
        bytes: &[u8],
    ) -> Result<Vec<u8>, DbError> {
        self.of(scope)?
            .seal(&place.purpose(scope), bytes)
            .map_err(|cause| DbError::unreadable("body", cause))
    }

    pub(crate) fn open(
        &self,
        scope: &Scope,
        place: Place<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, DbError> {
        self.of(scope)?
            .open(&place.purpose(scope), sealed)
            .map_err(|cause| DbError::unreadable("body", cause))
    }

    fn of(&self, scope: &Scope) -> Result<&Sealer, DbError> {
        self.0
            .get(&self.1.born(scope.org(), scope.region()))
            .ok_or_else(|| DbError::unreadable("body", NotOpened))
    }
}
