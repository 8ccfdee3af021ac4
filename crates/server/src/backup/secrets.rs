//! The keys of a cell, apart from its databases.
//!
//! A backup that holds both opens by itself, and for as long as it lies about. So a backup of the
//! cell has no key in it; root keys and the secrets of epochs go to a place of their own, with
//! the day by which they must be destroyed: a secret that outlives its end would bring back
//! whoever was erased.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use base::seal::RootKey;
use base::time::At;
use jiff::SignedDuration;

use super::manifest::{Manifest, Of};
use super::tree::{self, Unfinished};
use crate::config::{Config, DatabaseName};
use crate::storage;

const KEYS: &str = "keys";
const EPOCHS: &str = "epochs";

/// By what a root key is known again without telling anything of it.
pub(super) fn marks(config: &Config) -> anyhow::Result<BTreeMap<DatabaseName, String>> {
    let mut marks = BTreeMap::new();
    for name in storage::names(config) {
        let file = config.root_key_file(name);
        anyhow::ensure!(file.is_file(), "there is no root key {}", file.display());
        let key = RootKey::load_or_create(&file);
        let key = key.with_context(|| format!("the root key {}", file.display()))?;
        marks.insert(name, mark(&key));
    }
    Ok(marks)
}

fn mark(key: &RootKey) -> String {
    let tag = key.mac("backup").tag(b"mark");
    base::hex::encode(tag.get(..8).unwrap_or_default())
}

/// The day after which a copy that is made now opens nothing, and must not.
pub(super) fn opens_until(config: &Config, now: At) -> anyhow::Result<At> {
    let days = i64::from(config.record.forget_days);
    Ok(now.checked_add(SignedDuration::from_hours(24 * days))?)
}

/// Copies the keys of the cell to a place of their own, which has no name yet. Gives by when it
/// must be destroyed.
pub(super) fn copy(config: &Config, unfinished: &Unfinished, now: At) -> anyhow::Result<At> {
    for name in storage::names(config) {
        let file = config.root_key_file(name);
        let to = unfinished.path().join(KEYS).join(format!("{}.key", name.as_str()));
        tree::copy_file(&file, &to).with_context(|| format!("{}", file.display()))?;
    }
    for region in &config.regions {
        let file = config.epochs().join(region.as_str());
        if file.is_file() {
            let to = unfinished.path().join(EPOCHS).join(region.as_str());
            tree::copy_file(&file, &to).with_context(|| format!("{}", file.display()))?;
        }
    }
    let destroy_by = opens_until(config, now)?;
    Manifest::write(unfinished.path(), Of::Secrets { made: now, destroy_by })?;
    Ok(destroy_by)
}

/// Puts such a copy into a data folder, if it is whole and of the same cell.
pub(super) fn put_back(
    from: &Path,
    to: &Path,
    marks: &BTreeMap<DatabaseName, String>,
) -> anyhow::Result<()> {
    let manifest = Manifest::read(from)?;
    let shown = from.display();
    anyhow::ensure!(matches!(manifest.of, Of::Secrets { .. }), "{shown} holds no keys");
    let differs = manifest.differs(from)?;
    anyhow::ensure!(differs.is_empty(), "the keys {shown}: {}", differs.join("; "));
    for folder in [KEYS, EPOCHS] {
        if from.join(folder).is_dir() {
            tree::copy(&from.join(folder), &to.join(folder))?;
        }
    }
    for (name, expected) in marks {
        let file = to.join(KEYS).join(format!("{}.key", name.as_str()));
        anyhow::ensure!(file.is_file(), "{shown} has no root key of `{}`", name.as_str());
        anyhow::ensure!(
            mark(&RootKey::load_or_create(&file)?) == *expected,
            "{shown}: the root key of `{}` is another cell's",
            name.as_str()
        );
    }
    Ok(())
}
