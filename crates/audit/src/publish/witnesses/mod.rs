//! Witnesses: others who sign what they saw, so that nobody can be shown another log.
//!
//! ```text
//! newest checkpoint ─► not cosigned yet? ─► asked, with a proof that it continues what was seen
//!     yes, and this is my line     ─► the line under the published checkpoint; its text stays
//!     not there, or too slow       ─► later; publishing goes on
//!     I have seen another log      ─► alarm, until an operator says that somebody looked
//! ```
//! How a witness is asked is for whoever implements [`Witness`]; this room knows no network.

mod ask;
mod cosign;
mod listed;
mod reached;
mod said;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use access::{OrgId, Region};
use async_trait::async_trait;
use base::time::At;
use tlog::note::Signature;
use tlog::{Hash, Note, Verifier};

pub use self::ask::Asked;
pub use self::listed::{Contradiction, WitnessState};
use super::directory::DIRECTORY;
use super::fault::LogError;
use super::{BadLogConfig, WitnessConfig};

/// Somebody who is asked to cosign checkpoints.
#[async_trait]
pub trait Witness: std::fmt::Debug + Send + Sync {
    /// Asks for signatures under a checkpoint. `seen` is the size that the witness is thought
    /// to have seen last, 0 if none; `growth` proves that the log only grew since.
    async fn cosign(
        &self,
        note: &Note,
        seen: u64,
        growth: &dyn Growth,
    ) -> Result<Vec<Signature>, NotCosigned>;
}

/// Proves that a checkpoint continues a smaller tree of its log.
#[async_trait]
pub trait Growth: Send + Sync {
    /// The consistency proof from this size on.
    async fn since(&self, size: u64) -> Result<Vec<Hash>, LogError>;
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    /// It has seen another log than this one.
    #[error("{0}")]
    Contradicted(String),
    /// It was not reached: it is left alone for a while.
    #[error("{0}")]
    Unreached(String),
    /// It answered, and did not cosign this log; others it may.
    #[error("{0}")]
    Failed(String),
}

/// Who is left alone, and about which log if not about all.
type Quiet = (String, Region, Option<OrgId>);

/// The witnesses of a node, and how long each is left alone.
#[derive(Debug)]
pub(super) struct Witnesses {
    pub(super) known: Vec<Known>,
    /// Failures in a row, and when it is asked again: of each witness in each region, and of
    /// each log that it answers about and does not cosign.
    quiet: Mutex<BTreeMap<Quiet, (u32, At)>>,
}

/// A witness that the operator named.
#[derive(Debug)]
pub(super) struct Known {
    /// The name of its keys.
    pub(super) name: String,
    keys: Vec<Verifier>,
    region: Option<Region>,
    directory: bool,
    orgs: Vec<OrgId>,
    ask: Arc<dyn Witness>,
}

impl Witnesses {
    pub(super) fn of(known: Vec<Known>) -> Self {
        Self { known, quiet: Mutex::default() }
    }
}

impl Known {
    pub(super) fn new(config: &WitnessConfig, ask: Arc<dyn Witness>) -> Result<Self, BadLogConfig> {
        let keys = config.verifiers()?;
        let name = keys.first().map(|key| key.name().to_string()).unwrap_or_default();
        let of_orgs = config.logs.iter().filter(|log| *log != DIRECTORY);
        let orgs = of_orgs.filter_map(|org| org.parse().ok()).collect();
        let directory = config.logs.iter().any(|log| log == DIRECTORY);
        Ok(Self { name, keys, region: config.region, directory, orgs, ask })
    }

    fn watches(&self, region: Region) -> bool {
        self.region.is_none_or(|of| of == region)
    }
}
