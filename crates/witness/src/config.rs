//! What a witness is told: its name, where it listens, what it watches.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tlog::note::{KeyName, MalformedKey};
use tlog::{Checkpoint, Hash, Verifier};

/// Logs that one witness watches at most: each has a head in memory and a line on the page.
pub(crate) const LOGS_MAX: usize = 1_000;
/// Keys of one log at most: two algorithms, and their successors.
const KEYS_MAX: usize = 8;

/// The configuration of a witness: one TOML file. A key that we do not know is an error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name of its keys, such as `witness.example.com/portico`. It is part of every
    /// signature and never changes.
    pub name: String,
    /// Where logs and people arrive, by plain HTTP.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The folder of its keys, its heads and its evidence.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// `[[log]]`: what it watches.
    #[serde(default, rename = "log")]
    pub logs: Vec<LogConfig>,
}

/// A log to watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Its name: the first line of its checkpoints.
    pub origin: String,
    /// Its verifier keys; one of them must have signed a checkpoint.
    pub keys: Vec<String>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8470))
}

fn default_data() -> PathBuf {
    PathBuf::from("witness-data")
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum BadConfig {
    /// The file cannot be read.
    #[error("{}: cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// Not TOML, or with a key that we do not know.
    #[error("{}: {}", .0.display(), .1)]
    Toml(PathBuf, Box<toml::de::Error>),
    /// The name.
    #[error("name: `{0}` is no name of a key: 1 to 255 bytes without spaces and plus signs")]
    Name(String),
    /// More logs than there may be.
    #[error("log: a witness watches at most {LOGS_MAX} logs")]
    TooManyLogs,
    /// The origin of a log.
    #[error("log.origin: `{0}` is no name of a log: 1 to 255 bytes without control characters")]
    Origin(String),
    /// A log that is there twice.
    #[error("log.origin: `{0}` is there twice")]
    Twice(String),
    /// No key of a log, or too many.
    #[error("log.keys: `{0}` needs 1 to {KEYS_MAX} keys")]
    Keys(String),
    /// A key of a log.
    #[error("log.keys: a key of `{0}` cannot be read")]
    Key(String, #[source] MalformedKey),
}

/// A configuration without a fault.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) name: KeyName,
    pub(crate) logs: Vec<(String, Vec<Verifier>)>,
}

impl Config {
    /// Reads and checks a file; what it says of folders is relative to it.
    pub fn read(file: &Path) -> Result<Self, BadConfig> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| BadConfig::Unreadable(file.to_owned(), error))?;
        let mut config: Self = toml::from_str(&text)
            .map_err(|error| BadConfig::Toml(file.to_owned(), Box::new(error)))?;
        if let Some(folder) = file.parent() {
            config.data = folder.join(&config.data);
        }
        config.check()?;
        Ok(config)
    }

    pub(crate) fn check(&self) -> Result<Sound, BadConfig> {
        let name = KeyName::new(&self.name).ok_or_else(|| BadConfig::Name(self.name.clone()))?;
        if self.logs.len() > LOGS_MAX {
            return Err(BadConfig::TooManyLogs);
        }
        let mut known = BTreeSet::new();
        let mut logs = Vec::new();
        for LogConfig { origin, keys } in &self.logs {
            if Checkpoint::new(origin, 0, Hash::EMPTY).is_err() {
                return Err(BadConfig::Origin(origin.clone()));
            }
            if !known.insert(origin) {
                return Err(BadConfig::Twice(origin.clone()));
            }
            if !(1..=KEYS_MAX).contains(&keys.len()) {
                return Err(BadConfig::Keys(origin.clone()));
            }
            let keys = keys.iter().map(|key| key.parse()).collect::<Result<Vec<_>, _>>();
            let keys = keys.map_err(|why| BadConfig::Key(origin.clone(), why))?;
            logs.push((origin.clone(), keys));
        }
        Ok(Sound { name, logs })
    }
}
