//! Where data must stay.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an org's rows, keys, records and model calls stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The United States.
    Us,
    /// The European Union.
    Eu,
    /// Asia and the Pacific.
    Apac,
}

/// The text names no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a region: use `us`, `eu` or `apac`")]
pub struct UnknownRegion(String);

impl Region {
    /// Every region there is.
    pub const ALL: [Self; 3] = [Self::Us, Self::Eu, Self::Apac];

    /// As in keys, configuration and the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Apac => "apac",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        Self::ALL
            .into_iter()
            .find(|region| region.as_str() == text)
            .ok_or_else(|| UnknownRegion(text.chars().take(40).collect()))
    }
}
