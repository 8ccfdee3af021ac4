//! What is taught is sealed at rest, each version and its cases for their own place.

use std::collections::BTreeMap;
use std::io;

use access::{Caller, Homes, OrgId, Region};
use base::db::{DbError, Row};
use base::seal::{NotOpened, RootKey, Sealer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::PatternId;
use crate::engine::{Case, Draft};

/// The sealing keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Sealer>, Homes);

/// What of a pattern is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// The content of this version.
    Version(i64),
    /// The cases that must pass.
    Cases,
}

/// Where it is kept: what was sealed for one place opens in no other.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) region: Region,
    pub(crate) org: &'a OrgId,
    pub(crate) pattern: &'a PatternId,
    pub(crate) part: Part,
}

impl Place<'_> {
    fn purpose(&self) -> String {
        let Self { org, pattern, .. } = self;
        match self.part {
            Part::Version(version) => format!("{org}/{pattern}/{version}"),
            Part::Cases => format!("{org}/{pattern}/cases"),
        }
    }
}

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>, homes: &Homes) -> io::Result<Self> {
        let sealers = roots.iter().map(|(region, root)| {
            let sealer = root.sealer("patterns/body")?;
            Ok((*region, sealer))
        });
        sealers.collect::<io::Result<_>>().map(|keys| Self(keys, homes.clone()))
    }

    pub(crate) fn seal(
        &self,
        place: &Place<'_>,
        content: &(impl Serialize + ?Sized),
    ) -> Result<Vec<u8>, DbError> {
        let json =
            serde_json::to_vec(content).map_err(|cause| DbError::unreadable("body", cause))?;
        self.of(place)?
            .seal(&place.purpose(), &json)
            .map_err(|cause| DbError::unreadable("body", cause))
    }

    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<T, DbError> {
        let json = self
            .of(place)?
            .open(&place.purpose(), sealed)
            .map_err(|cause| DbError::unreadable("body", cause))?;
        serde_json::from_slice(&json).map_err(|cause| DbError::unreadable("body", cause))
    }

    /// What a version of a pattern says.
    pub(crate) fn draft(
        &self,
        caller: &Caller,
        pattern: &PatternId,
        number: i64,
        row: &Row,
    ) -> Result<Draft, DbError> {
        let (region, org, part) = (caller.region, &caller.org, Part::Version(number));
        self.open(&Place { region, org, pattern, part }, &row.bytes("body")?)
    }

    /// The cases of a pattern.
    pub(crate) fn cases(
        &self,
        caller: &Caller,
        pattern: &PatternId,
        row: &Row,
    ) -> Result<Vec<Case>, DbError> {
        let (region, org, part) = (caller.region, &caller.org, Part::Cases);
        self.open(&Place { region, org, pattern, part }, &row.bytes("body")?)
    }

    fn of(&self, place: &Place<'_>) -> Result<&Sealer, DbError> {
        self.0
            .get(&self.1.born(place.org, place.region))
            .ok_or_else(|| DbError::unreadable("body", NotOpened))
    }
}
