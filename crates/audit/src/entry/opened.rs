//! A stored event, read with the keys that there are.

use base::db::{DbError, Row};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Class, NotWhole, Sealed, commitment, commitments};
use crate::keys::Key;

/// What every event is asked for: empty where there is nothing, or nothing any more.
const ALWAYS: [&str; 10] = [
    "organizationId",
    "userId",
    "action",
    "resourceType",
    "resourceId",
    "ipAddress",
    "userAgent",
    "timestamp",
    "changes",
    "outcome",
];

/// A row of the record: its position, and the event at rest.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) seq: i64,
    pub(crate) sealed: Sealed,
}

/// What a stored event says, and what of it cannot be read any more.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) seq: i64,
    pub(crate) values: [Option<Value>; 3],
    /// What could be read and is not shown.
    pub(crate) withheld: [bool; 3],
}

impl Stored {
    /// From a row with `seq` and `body`.
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        let sealed = Sealed::from_bytes(&row.bytes("body")?);
        let sealed = sealed.map_err(|cause| DbError::unreadable("body", cause))?;
        Ok(Self { seq: row.int("seq")?, sealed })
    }

    /// Opens each class with its key; what has no key any more is none. What does not agree
    /// with its commitment was altered, and is an error.
    pub(crate) fn open(&self, keys: &[Option<&Key>; 3]) -> Result<Opened, DbError> {
        let mut values = [None, None, None];
        for (place, json) in values.iter_mut().zip(self.json(keys)?) {
            *place = json.map(|json| said(&json)).transpose()?;
        }
        Ok(Opened { seq: self.seq, values, withheld: [false; 3] })
    }

    /// The same as the JSON that was committed to. Of an event whose values are lost there is only
    /// what is said instead, which nothing commits to.
    pub(crate) fn json(&self, keys: &[Option<&Key>; 3]) -> Result<[Option<Vec<u8>>; 3], DbError> {
        if self.sealed.lost {
            return Ok([Some(self.sealed.core.clone()), None, None]);
        }
        let altered = |cause: NotWhole| DbError::unreadable("body", cause);
        let mut texts = [None, None, None];
        let commitments = commitments(&self.sealed.entry);
        for (((class, key), stored), place) in
            Class::ALL.iter().zip(keys).zip(commitments).zip(&mut texts)
        {
            let Some(key) = key else { continue };
            let json = self.sealed.open(*class, key).map_err(|_| altered(NotWhole))?;
            let salt = key.salt(*class, &self.sealed.nonce);
            if commitment(*class, &salt, &json) != stored {
                return Err(altered(NotWhole));
            }
            *place = Some(json);
        }
        Ok(texts)
    }
}

/// What the JSON of a class says.
pub(crate) fn said<T: DeserializeOwned>(json: &[u8]) -> Result<T, DbError> {
    serde_json::from_slice(json).map_err(|cause| DbError::unreadable("body", cause))
}

impl Opened {
    /// Without what is withheld. What was erased is erased.
    pub(crate) fn without(mut self, withheld: [bool; 3]) -> Self {
        for ((value, hide), noted) in self.values.iter_mut().zip(withheld).zip(&mut self.withheld) {
            *noted = hide && value.take_if(|_| hide).is_some();
        }
        self
    }

    /// The event as people see it: one object, with its position and with what was erased or
    /// is withheld.
    pub(crate) fn into_event(self) -> Value {
        let mut event = Map::new();
        let (mut erased, mut withheld) = (Vec::new(), Vec::new());
        for ((class, value), hidden) in Class::ALL.into_iter().zip(self.values).zip(self.withheld) {
            match value {
                Some(Value::Object(members)) => event.extend(members),
                Some(_) => {}
                None if hidden => withheld.push(Value::from(class.as_str())),
                None => erased.push(Value::from(class.as_str())),
            }
        }
        for field in ALWAYS {
            event.entry(field).or_insert(Value::Null);
        }
        if !erased.is_empty() {
            event.insert("erased".to_owned(), Value::Array(erased));
        }
        if !withheld.is_empty() {
            event.insert("withheld".to_owned(), Value::Array(withheld));
        }
        event.insert("sequence".to_owned(), self.seq.into());
        Value::Object(event)
    }
}
