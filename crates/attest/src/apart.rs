//! Whether what is called by two names is two things: databases, counters, root keys, buckets.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::plan::Cell;
use crate::stores::head;
use crate::wire::{Ask, Wire};

/// The header in which a bucket says where it is.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// What was compared between cells.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Apart {
    /// Stores whose identity was compared, root keys, and keys of logs.
    pub stores: u64,
    /// See `stores`.
    pub root_keys: u64,
    /// See `stores`.
    pub log_keys: u64,
    /// Buckets that said where they are.
    pub buckets: u64,
    /// Calls whose outcome says where they were processed, and those that say another region.
    pub calls: u64,
    /// What two cells share, and what is elsewhere.
    pub faults: Vec<String>,
    // Fingerprints of keys are for this comparison alone.
    #[serde(skip)]
    known: Vec<(String, String)>,
}

impl Apart {
    /// Notes what a store of a cell is.
    pub(crate) fn store(&mut self, cell: &str, identity: &str) {
        self.stores += 1;
        self.one("store", cell, identity);
    }

    /// The same thing in two cells is a fault.
    fn one(&mut self, what: &str, cell: &str, identity: &str) {
        let named = format!("{what} {identity}");
        let other = self.known.iter().find(|(known, owner)| *known == named && owner != cell);
        if let Some((_, other)) = other {
            self.faults.push(format!("`{cell}` and `{other}` have one {what}: {}", tail(identity)));
        }
        self.known.push((named, cell.to_owned()));
    }

    /// Compares what a cell has beside its stores.
    pub(crate) async fn cell(&mut self, cell: &Cell, wire: &Wire, key: &str) -> Result<(), Error> {
        for file in &cell.root_keys {
            let bytes = std::fs::read(file).map_err(|error| Error::File(file.clone(), error))?;
            let bytes = zeroize::Zeroizing::new(bytes);
            let print = Sha256::digest(bytes.as_slice());
            self.root_keys += 1;
            self.one("root key", &cell.name, &format!("{print:x?}"));
        }
        for bucket in &cell.buckets {
            let said = head(&bucket.url, BUCKET_REGION).await?;
            self.buckets += 1;
            if said.as_deref() != Some(bucket.region.as_str()) {
                let said = said.as_deref().unwrap_or("nothing");
                let name = &cell.name;
                self.faults.push(format!("a bucket of `{name}` says that it is in {said}"));
            }
        }
        let keys = ask(wire, key, "/api/record/log/keys").await?;
        for key in texts(&keys).into_iter().filter(|text| text.contains('+')) {
            // What it is made of, without its name.
            let made_of = key.rsplit('+').next().unwrap_or(key);
            self.log_keys += 1;
            self.one("key of a log", &cell.name, made_of);
        }
        let path = "/api/events?action=gateway.call.ended&limit=200";
        let events = ask(wire, key, path).await?;
        for event in events.get("items").and_then(Value::as_array).into_iter().flatten() {
            let said = event.pointer("/call/providerRegion").and_then(Value::as_str);
            self.calls += u64::from(said.is_some());
            if said.is_some_and(|said| said != cell.region.as_str()) {
                let said = said.unwrap_or_default();
                self.faults.push(format!("a call of `{}` was processed in {said}", cell.name));
            }
        }
        Ok(())
    }
}

/// As much of an identity as tells one from another.
fn tail(identity: &str) -> &str {
    identity.get(identity.len().saturating_sub(12)..).unwrap_or(identity)
}

async fn ask(wire: &Wire, key: &str, path: &str) -> Result<Value, Error> {
    let headers = vec![("authorization".to_owned(), format!("Bearer {key}"))];
    let ask = Ask { method: "GET".to_owned(), target: path.to_owned(), headers, ..Ask::default() };
    Ok(wire.ask(&ask).await?.json())
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_database_under_two_names_is_told() {
        let mut apart = Apart::default();
        apart.store("eu", "postgres 7/16384/public");
        apart.store("eu", "postgres 7/16384/public");
        assert_eq!(apart.faults, [""; 0], "a cell may name one twice");
        apart.store("us", "postgres 8/16384/public");
        apart.store("us", "postgres 7/16384/public");
        assert_eq!(apart.faults.len(), 1, "{:?}", apart.faults);
    }
}
