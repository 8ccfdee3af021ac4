//! What an item looks like on its way: one line of text each.

mod cef;
mod cloud_events;
mod ocsf;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::item::{Item, Whose};

/// How items are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `CloudEvents` 1.0, with the event as its data.
    CloudEvents,
    /// OCSF 1.8.
    Ocsf,
    /// `ArcSight` Common Event Format.
    Cef,
}

/// The text names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be cloudevents, ocsf or cef")]
pub struct UnknownFormat;

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::CloudEvents, Self::Ocsf, Self::Cef];

    /// As in settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudEvents => "cloudevents",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }

    /// For people.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::CloudEvents => "CloudEvents 1.0",
            Self::Ocsf => "OCSF 1.8",
            Self::Cef => "CEF",
        }
    }

    pub(crate) const fn is_json(self) -> bool {
        !matches!(self, Self::Cef)
    }

    /// An item in one line.
    pub(crate) fn line(self, item: &Item, whose: &Whose) -> String {
        match self {
            Self::CloudEvents => cloud_events::line(item, whose),
            Self::Ocsf => ocsf::line(item, whose),
            Self::Cef => cef::line(item, whose),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(UnknownFormat)
    }
}
