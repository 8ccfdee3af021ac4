//! `manifest.json` and `keys.json`.

use serde::Deserialize;

use crate::checkpoint::SIZE_MAX;
use crate::fault::{Fault, FaultKind};
use crate::instant::Instant;
use crate::key::VerifierKey;

/// Bytes of `manifest.json` at most.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of `keys.json` at most.
pub(crate) const KEYS_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Keys of a log at most.
const KEYS_MAX: usize = 1024;
/// Entries shown by one bundle at most.
pub(crate) const ENTRIES_MAX: u64 = 1 << 24;

const FORMAT: &str = "portico-evidence/v1";

/// What a bundle says it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Manifest {
    format: String,
    pub(crate) origin: String,
    pub(crate) org: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) first: u64,
    pub(crate) next: u64,
    pub(crate) size: u64,
    pub(crate) made_at: String,
}

impl Manifest {
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, Instant), Fault> {
        let kind = FaultKind::Manifest;
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|cause| kind.because(format!("manifest.json is no manifest: {cause}")))?;
        let Self { first, next, size, .. } = manifest;
        if manifest.format != FORMAT {
            return Err(kind.because(format!("the format of the bundle is not `{FORMAT}`")));
        }
        if first > next || next > size || size > SIZE_MAX {
            let words = format!("entries {first} to {next} do not lie in a tree of {size}");
            return Err(kind.because(words));
        }
        if next - first > ENTRIES_MAX {
            let words =
                format!("the bundle shows more than {ENTRIES_MAX} entries: ask for several");
            return Err(kind.because(words));
        }
        let cell = manifest.origin.strip_suffix(&manifest.org);
        if manifest.org.is_empty()
            || !cell.is_some_and(|cell| cell.len() > 1 && cell.ends_with('/'))
        {
            return Err(kind.because("the origin is not that of a log of this org"));
        }
        let time = |text: &str| Instant::parse(text);
        match (time(&manifest.from), time(&manifest.to), time(&manifest.made_at)) {
            (Some(from), Some(to), Some(made_at)) if from <= to => Ok((manifest, made_at)),
            _ => {
                Err(kind
                    .because("a time is no RFC 3339 in UTC, or the period ends before it begins"))
            }
        }
    }
}

/// Which log it is, and whose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log<'a> {
    pub(crate) origin: &'a str,
    pub(crate) org: &'a str,
}

impl Manifest {
    /// The log whose entries the bundle holds.
    pub(crate) fn log(&self) -> Log<'_> {
        Log { origin: &self.origin, org: &self.org }
    }
}

/// A key of the log, and when it was in use.
#[derive(Debug, Clone)]
pub(crate) struct LogKey {
    pub(crate) key: VerifierKey,
    pub(crate) from: Instant,
    pub(crate) to: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    pub(crate) vkey: String,
    pub(crate) from: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) to: Option<String>,
}

/// Reads `keys.json`.
pub(crate) fn keys(bytes: &[u8]) -> Result<Vec<LogKey>, Fault> {
    let kind = FaultKind::Keys;
    let Keys { keys } = serde_json::from_slice(bytes)
        .map_err(|cause| kind.because(format!("keys.json holds no keys: {cause}")))?;
    log_keys(keys, "keys.json")
}

/// Reads keys of a log, from where this names.
pub(crate) fn log_keys(keys: Vec<Key>, place: &str) -> Result<Vec<LogKey>, Fault> {
    let kind = FaultKind::Keys;
    if keys.len() > KEYS_MAX {
        return Err(kind.because(format!("{place} holds more than {KEYS_MAX} keys")));
    }
    let read = |Key { vkey, from, to }: Key| {
        let key: VerifierKey = vkey.parse().map_err(|cause| format!("a key: {cause}"))?;
        let from = Instant::parse(&from).ok_or("a time is no RFC 3339 in UTC")?;
        let to = match to {
            Some(to) => Some(Instant::parse(&to).ok_or("a time is no RFC 3339 in UTC")?),
            None => None,
        };
        if to.is_some_and(|to| to < from) {
            return Err("a key ended before it began".to_owned());
        }
        Ok(LogKey { key, from, to })
    };
    let keys: Result<_, String> = keys.into_iter().map(read).collect();
    keys.map_err(|words| kind.because(format!("{place}: {words}")))
}
