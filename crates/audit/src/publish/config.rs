//! What the operator decides about the log.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{OrgId, Region};
use serde::{Deserialize, Serialize};
use tlog::Verifier;
use tlog::note::KeyName;

use super::directory::DIRECTORY;
use super::{Folder, Store};
use crate::journal::JournalConfig;
use crate::keys::KmsConfig;

/// Bytes of a log's name at most: region and org stand behind it, and all of it in 255.
const NAME_BYTES_MAX: usize = 200;
/// What logs are called that nobody gave a name.
const UNNAMED: &str = "portico.invalid";
/// Witnesses of a node at most.
const WITNESSES_MAX: usize = 16;
/// Keys of a witness at most: two algorithms, and their successors.
const WITNESS_KEYS_MAX: usize = 8;
/// A smaller journal is full at once, a larger one fills the disk.
const JOURNAL_BYTES_MIN: u64 = 1 << 20;
const JOURNAL_BYTES_MAX: u64 = 64 << 30;
/// Logs that one witness watches at most.
const WITNESS_LOGS_MAX: usize = 200;

/// `[record]`: the log of the record, which others verify.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What the logs of this cell are called, as `portico.example`. That of an org is
    /// `<log>/<region>/<org>`: it stands in every proof, so choose it once.
    pub log: String,
    /// How often what is new is published.
    pub publish_secs: u64,
    /// `[[record.witness]]`: who is asked to cosign what is published.
    pub witness: Vec<WitnessConfig>,
    /// Where the log of a region lies, if not in a folder beside the databases.
    pub s3: BTreeMap<Region, S3Config>,
    /// Within how many days no copy of the database brings back what was erased. Receipts of
    /// erasures state it.
    pub forget_days: u32,
    /// How many whole months stay in the database when `portico record tier` moves the older
    /// ones to the archive. Nothing moves by itself.
    pub hot_months: Option<u32>,
    /// What is recorded while the database is away, for orgs that chose so.
    pub journal: JournalConfig,
    /// The folder of the secrets of epochs, if not `epochs` in the data folder.
    pub epochs: Option<PathBuf>,
    /// Who wraps the keys of a region, if not its root key and the secrets of epochs.
    pub kms: BTreeMap<Region, KmsConfig>,
}

/// `[record.s3.<region>]`: a bucket, of the same region as the record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// The bucket. Give it versions, object lock and a default retention: then nobody can
    /// take back what was published, and each version is kept that long.
    pub bucket: String,
    /// In front of every name.
    #[serde(default)]
    pub prefix: String,
    /// The provider's name for the region.
    pub region: String,
    /// `https://…` of another provider than AWS; the bucket stands in the path.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The id of the access key. Without one, the machine's own identity is used.
    #[serde(default)]
    pub access_key_id: Option<String>,
    /// The environment variable that holds the secret of the access key.
    #[serde(default)]
    pub secret_key_env: Option<String>,
    /// The file that holds it.
    #[serde(default)]
    pub secret_key_file: Option<String>,
}

/// `[[record.witness]]`: somebody else who keeps heads, and signs what continues them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Where it is asked: C2SP `tlog-witness`, `add-checkpoint` stands behind it.
    pub url: String,
    /// Its verifier keys, one for each algorithm, all of one name.
    pub keys: Vec<String>,
    /// Which logs it watches: `directory`, or ids of orgs.
    #[serde(default = "directory_alone")]
    pub logs: Vec<String>,
    /// Of which region alone; of every region of this node if not given.
    #[serde(default)]
    pub region: Option<Region>,
}

fn directory_alone() -> Vec<String> {
    vec![DIRECTORY.to_owned()]
}

impl WitnessConfig {
    /// Its keys.
    pub fn verifiers(&self) -> Result<Vec<Verifier>, BadLogConfig> {
        let bad = |why: &str| {
            let key = format!("witness `{}`: keys", self.url);
            Err(BadLogConfig { key, why: why.to_owned() })
        };
        let keys = self.keys.iter().map(|key| key.parse()).collect::<Result<Vec<Verifier>, _>>();
        let Ok(keys) = keys else { return bad("a key is no verifier key: `name+id+base64`") };
        let Some(first) = keys.first() else { return bad("a witness is known by its keys") };
        if keys.len() > WITNESS_KEYS_MAX || keys.iter().any(|key| key.name() != first.name()) {
            return bad("at most 8, all of one name");
        }
        Ok(keys)
    }

    fn check(&self) -> Result<String, BadLogConfig> {
        let known = |log: &String| log == DIRECTORY || log.parse::<OrgId>().is_ok();
        let logs = &self.logs;
        if logs.is_empty() || logs.len() > WITNESS_LOGS_MAX || !logs.iter().all(known) {
            return Err(BadLogConfig {
                key: format!("witness `{}`: logs", self.url),
                why: "1 to 200 of `directory` and ids of orgs".to_owned(),
            });
        }
        let keys = self.verifiers()?;
        Ok(keys.first().map(|key| key.name().to_string()).unwrap_or_default())
    }
}

/// Why a configuration of the log is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record.{key}: {why}")]
pub struct BadLogConfig {
    /// The key below `[record]`.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            log: UNNAMED.to_owned(),
            publish_secs: 5,
            witness: Vec::new(),
            forget_days: 30,
            s3: BTreeMap::new(),
            hot_months: None,
            journal: JournalConfig::default(),
            epochs: None,
            kms: BTreeMap::new(),
        }
    }
}

impl LogConfig {
    /// What a well-formed configuration may still have wrong.
    pub fn check(&self) -> Result<(), BadLogConfig> {
        let bad =
            |key: &str, why: &str| Err(BadLogConfig { key: key.to_owned(), why: why.to_owned() });
        let known = KeyName::new(&self.log).is_some() && self.log.len() <= NAME_BYTES_MAX;
        if !known || self.log.ends_with('/') {
            return bad(
                "log",
                "1 to 200 bytes without spaces and plus signs, as `portico.example`",
            );
        }
        if !(1..=3600).contains(&self.publish_secs) {
            return bad("publish_secs", "must be 1 to 3600");
        }
        if self.witness.len() > WITNESSES_MAX {
            return bad("witness", "at most 16");
        }
        let mut names = BTreeSet::new();
        for witness in &self.witness {
            if !names.insert((witness.check()?, witness.region)) {
                return bad("witness", "two of one name: name all logs of a witness at one place");
            }
        }
        if !(2..=366).contains(&self.forget_days) {
            return bad("forget_days", "must be 2 to 366");
        }
        if self.hot_months.is_some_and(|months| !(1..=1_200).contains(&months)) {
            return bad("hot_months", "must be 1 to 1200");
        }
        if !matches!(self.journal.bytes_max, 0 | JOURNAL_BYTES_MIN..=JOURNAL_BYTES_MAX) {
            return bad("journal.bytes_max", "must be 0, or 1 MiB to 64 GiB");
        }
        if !(60..=86_400).contains(&self.journal.age_max_secs) {
            return bad("journal.age_max_secs", "must be 60 to 86400");
        }
        KmsConfig::check(&self.kms)?;
        for (region, s3) in &self.s3 {
            if s3.bucket.is_empty() || s3.bucket.contains('/') {
                return bad(&format!("s3.{region}.bucket"), "must be the name of a bucket");
            }
            let secrets = [s3.secret_key_env.is_some(), s3.secret_key_file.is_some()];
            let secrets = secrets.into_iter().filter(|given| *given).count();
            if secrets != usize::from(s3.access_key_id.is_some()) {
                let why = "an access key needs one secret, and a secret its access key";
                return bad(&format!("s3.{region}.access_key_id"), why);
            }
        }
        Ok(())
    }

    /// Whether nobody has chosen a name yet: proofs of such a log are for a trial.
    pub fn is_unnamed(&self) -> bool {
        self.log == UNNAMED
    }

    /// The name of a region's log.
    pub(crate) fn name_of(&self, region: Region) -> String {
        format!("{}/{region}", self.log)
    }

    /// The folder of a region's log, for regions without a bucket.
    pub fn folder(data: &Path, region: Region) -> Arc<dyn Store> {
        Arc::new(Folder::new(data.join(format!("log-{region}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_proof_could_bear_is_refused() {
        assert_eq!(LogConfig::default().check(), Ok(()));
        for name in ["", "a b", "a+b", "portico.example/", &"a".repeat(201)] {
            let config = LogConfig { log: name.to_owned(), ..LogConfig::default() };
            assert_eq!(config.check().unwrap_err().key, "log", "{name}");
        }
        let config = LogConfig { publish_secs: 0, ..LogConfig::default() };
        assert_eq!(config.check().unwrap_err().key, "publish_secs");
        for forget_days in [0, 1, 367] {
            let config = LogConfig { forget_days, ..LogConfig::default() };
            assert_eq!(config.check().unwrap_err().key, "forget_days", "{forget_days}");
        }
        let config = LogConfig { hot_months: Some(0), ..LogConfig::default() };
        assert_eq!(config.check().unwrap_err().key, "hot_months");
    }
}
