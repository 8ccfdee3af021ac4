//! The members of a JSON object, read one by one, each blamed by its path when it is wrong.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::{
    BadAsk,
    json::{Scalar, Text},
};

/// A borrowed object. `null` counts as absent.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    at: String,
    members: BTreeMap<Text<'a>, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// The request itself.
    pub(super) fn of_body(body: &'a [u8]) -> Result<Self, BadAsk> {
        let members = serde_json::from_slice(body).map_err(|error| {
            BadAsk::body(format!("the body is not a JSON object: {error}"), "invalid_json")
        })?;
        Ok(Self { at: String::new(), members })
    }

    /// An object somewhere inside, at this path.
    pub(super) fn of(at: String, raw: &'a RawValue) -> Result<Self, BadAsk> {
        match serde_json::from_str(raw.get()) {
            Ok(members) => Ok(Self { at, members }),
            Err(_) => Err(BadAsk::wrong_type(at, "an object")),
        }
    }

    /// The path of a member.
    pub(super) fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let raw = self.members.get(&Text(Cow::Borrowed(name))).copied()?;
        (raw.get() != "null").then_some(raw)
    }

    pub(super) fn need(&self, name: &str) -> Result<&'a RawValue, BadAsk> {
        self.get(name).ok_or_else(|| BadAsk::missing(self.path(name)))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, BadAsk> {
        Ok(self.read::<Text<'a>>(name, "a string")?.map(|text| text.0))
    }

    pub(super) fn need_text(&self, name: &str) -> Result<Cow<'a, str>, BadAsk> {
        self.text(name)?.ok_or_else(|| BadAsk::missing(self.path(name)))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, BadAsk> {
        self.read(name, "a boolean")
    }

    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, BadAsk> {
        self.read(name, "a whole number")
    }

    pub(super) fn scalar(&self, name: &str) -> Result<Scalar<'a>, BadAsk> {
        Ok(self.read(name, "a value that can be read")?.unwrap_or(Scalar::Null))
    }

    /// An array, its elements paired with their paths. Absent is empty.
    pub(super) fn list(&self, name: &str) -> Result<Vec<(String, &'a RawValue)>, BadAsk> {
        let list: Option<Vec<&'a RawValue>> = self.read(name, "an array")?;
        let path = self.path(name);
        let with_path = |(index, raw)| (format!("{path}[{index}]"), raw);
        Ok(list.unwrap_or_default().into_iter().enumerate().map(with_path).collect())
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, BadAsk> {
        self.get(name).map(|raw| Self::of(self.path(name), raw)).transpose()
    }

    pub(super) fn need_object(&self, name: &str) -> Result<Self, BadAsk> {
        Self::of(self.path(name), self.need(name)?)
    }

    /// Refuses these members, whatever they hold.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), BadAsk> {
        match names.iter().find(|name| self.get(name).is_some()) {
            Some(name) => Err(BadAsk::unsupported(self.path(name))),
            None => Ok(()),
        }
    }

    fn read<T: Deserialize<'a>>(&self, name: &str, wanted: &str) -> Result<Option<T>, BadAsk> {
        let Some(raw) = self.get(name) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|_| BadAsk::wrong_type(self.path(name), wanted))
    }
}
