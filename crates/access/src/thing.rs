//! What somebody asks about: one pattern or model, and how sensitive its data is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Resource;

/// How sensitive data is, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataClass {
    /// Anybody may know it.
    Public,
    /// It stays inside of the organization.
    Internal,
    /// It is for those who need it.
    Confidential,
    /// It harms when it gets out.
    Secret,
}

impl DataClass {
    /// Every class, the least sensitive first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Secret];

    /// As in policies, files and the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Secret => "secret",
        }
    }

    /// The class of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// This class and those above it.
    pub fn and_above(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |class| *class >= self)
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that somebody asks about. Grants name its [`Resource`] and hold whatever its
/// class is; guardrails look at both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thing<'a> {
    /// `pattern` or `model`.
    pub kind: &'a str,
    /// The id of a pattern, the name of a model.
    pub id: &'a str,
    /// How sensitive its data is; none: nobody said.
    pub data_class: Option<DataClass>,
}

impl<'a> Thing<'a> {
    /// A thing of which nobody said how sensitive it is.
    pub const fn new(kind: &'a str, id: &'a str) -> Self {
        Self { kind, id, data_class: None }
    }

    /// What a grant names, whatever its class is: for roles alone, which do not look at it.
    pub fn of(resource: &'a Resource) -> Self {
        Self::new(&resource.kind, &resource.id)
    }

    /// The same thing, with data of this class.
    #[must_use]
    pub const fn classed(self, data_class: Option<DataClass>) -> Self {
        Self { data_class, ..self }
    }

    /// What a grant on this thing alone names.
    pub fn resource(self) -> Resource {
        Resource::new(self.kind, self.id)
    }
}

impl PartialEq<Thing<'_>> for Resource {
    fn eq(&self, thing: &Thing<'_>) -> bool {
        self.kind == thing.kind && self.id == thing.id
    }
}
