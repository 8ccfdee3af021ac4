//! What is taught is sealed at rest, each version for its own place.

use std::collections::BTreeMap;
use std::io;

use access::{OrgId, Region};
use base::db::DbError;
use base::seal::{NotOpened, RootKey, Sealer};

use crate::PatternId;
use crate::engine::Draft;

/// The sealing keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Sealer>);

/// Where a version is kept: what was sealed for one place opens in no other.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) region: Region,
    pub(crate) org: &'a OrgId,
    pub(crate) pattern: &'a PatternId,
    pub(crate) version: i64,
}

impl Place<'_> {
    fn purpose(&self) -> String {
        format!("{}/{}/{}", self.org, self.pattern, self.version)
    }
}

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>) -> io::Result<Self> {
        let sealers = roots.iter().map(|(region, root)| {
            let sealer = root.sealer("patterns/body")?;
            Ok((*region, sealer))
        });
        sealers.collect::<io::Result<_>>().map(Self)
    }

    pub(crate) fn seal(&self, place: &Place<'_>, draft: &Draft) -> Result<Vec<u8>, DbError> {
        let json = serde_json::to_vec(draft).map_err(|cause| DbError::unreadable("body", cause))?;
        self.of(place)?
            .seal(&place.purpose(), &json)
            .map_err(|cause| DbError::unreadable("body", cause))
    }

    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Draft, DbError> {
        let json = self
            .of(place)?
            .open(&place.purpose(), sealed)
            .map_err(|cause| DbError::unreadable("body", cause))?;
        serde_json::from_slice(&json).map_err(|cause| DbError::unreadable("body", cause))
    }

    fn of(&self, place: &Place<'_>) -> Result<&Sealer, DbError> {
        self.0.get(&place.region).ok_or_else(|| DbError::unreadable("body", NotOpened))
    }
}
