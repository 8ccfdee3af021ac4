//! What is shown of an event, so that others can compare it with its entry.

use base::db::DbError;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Inner;
use super::fault::{FaultKind, LogError};
use super::org::Place;
use crate::entry::{Class, Opened, Sealed, Stored, commitment, commitments};
use crate::keys::{Found, Source, Tag};
use crate::withhold::Veil;

/// What is shown of an event: each class that still has a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Opening {
    /// The entry that commits to it: its position in the record.
    pub index: u64,
    /// What can never be forgotten.
    pub core: Option<Shown>,
    /// Whoever did it; null when the key was destroyed, or while it is withheld.
    pub subject: Option<Shown>,
    /// What it was done to; null when the key was destroyed, or while it is withheld.
    pub payload: Option<Shown>,
    /// What could be read and is not shown.
    #[serde(skip)]
    pub(super) withheld: [bool; 3],
}

/// A class of an event, and what its commitment is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Shown {
    /// In hexadecimal digits.
    #[serde(serialize_with = "hex")]
    #[schema(value_type = String)]
    pub salt: [u8; 32],
    /// The canonical JSON, byte for byte.
    pub json: String,
}

impl Shown {
    /// What it says.
    pub(super) fn value(&self) -> Value {
        // It was read when it was opened.
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

impl Opening {
    /// The event as people see it.
    pub(super) fn event(&self) -> Value {
        let values = [&self.core, &self.subject, &self.payload];
        let values = values.map(|shown| shown.as_ref().map(Shown::value));
        let seq = i64::try_from(self.index).unwrap_or(i64::MAX);
        Opened { seq, values, withheld: self.withheld }.into_event()
    }
}

impl Inner {
    /// A fault that was found because somebody asked is told to the operator too.
    pub(super) fn told<T>(&self, found: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(LogError::Fault(fault)) = &found {
            self.counts.faults.inc();
            fault.tell();
        }
        found
    }
}

impl Place<'_> {
    /// What can be shown of an event.
    pub(super) async fn opening(
        &self,
        index: u64,
        stored: &Stored,
        veil: &mut Veil,
    ) -> Result<Opening, LogError> {
        let withheld = veil.over(&self.db()?, &stored.sealed).await?;
        let mut shown = self.shown(index, &stored.sealed).await?;
        for (class, hide) in shown.iter_mut().zip(withheld) {
            class.take_if(|_| hide);
        }
        let [core, subject, payload] = shown;
        Ok(Opening { index, core, subject, payload, withheld })
    }

    /// What is withheld of this org's record.
    pub(super) async fn veil(&self) -> Result<Veil, DbError> {
        Veil::of(&self.db()?).await
    }

    /// The classes of an event that still have a key, each agreed with its commitment.
    pub(super) async fn shown(
        &self,
        seq: u64,
        sealed: &Sealed,
    ) -> Result<[Option<Shown>; 3], LogError> {
        let mut all = [None, None, None];
        if sealed.lost {
            return Ok(all);
        }
        let [subject_of, payload_of] = &sealed.tags;
        let tags = [&Tag::new(), subject_of, payload_of];
        let classes = Class::ALL.into_iter().zip(tags).zip(commitments(&sealed.entry));
        for (((class, tag), stored), place) in classes.zip(&mut all) {
            let key = match self.key(tag).await? {
                Some(Found::Key(key)) => key,
                // Forgotten: its commitment stands, and nobody can say more.
                Some(Found::Destroyed) => continue,
                None => return Err(self.fault_at(seq, FaultKind::NoSuchKey(class.as_str()))),
            };
            let salt = key.salt(class, &sealed.nonce);
            let json = sealed.open(class, &key).ok();
            let agreed = json.filter(|json| commitment(class, &salt, json) == stored);
            let read = agreed.filter(|json| serde_json::from_slice::<Value>(json).is_ok());
            let json = read.and_then(|json| String::from_utf8(json).ok());
            let other = || self.fault_at(seq, FaultKind::NotCommitted(class.as_str()));
            *place = Some(Shown { salt, json: json.ok_or_else(other)? });
        }
        Ok(all)
    }

    /// A key that cannot be unwrapped is as good as none: somebody changed its row. One that
    /// cannot be asked for now is another matter.
    pub(super) async fn key(&self, tag: &Tag) -> Result<Option<Found>, DbError> {
        let (db, org) = (self.db()?, self.org());
        let region = self.scope.region();
        match self.log.record.keys.found(Source::Beside(&db, org), region, tag).await {
            Err(error)
                if !error.is_unreachable() && !error.is_passing() && !error.is_elsewhere() =>
            {
                Ok(None)
            }
            found => found,
        }
    }
}

pub(super) fn hex<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&base::hex::encode(bytes))
}
