//! The witness as a value: its folder, its keys, the logs that it watches.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::metrics::Metrics;
use base::seal::make_folder;
use base::time::SharedClock;
use tlog::note::KeyName;
use tlog::witness::{Refusal, Request};

use crate::config::Config;
use crate::error::Error;
use crate::keys::{self, Keys};
use crate::telemetry::{Counts, code};
use crate::watched::{Refused, Told, Watched};
use crate::{api, durable};

/// A witness that has read its memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Witness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Keys,
    logs: BTreeMap<String, Watched>,
    clock: SharedClock,
    metrics: Metrics,
    counts: Counts,
    _lock: File,
}

/// The data folder, which is ours alone while this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) keys: Keys,
    heads: PathBuf,
    evidence: PathBuf,
    lock: File,
}

impl Folder {
    /// Takes the folder, and makes keys at the first start. Keys without a memory, or a memory
    /// without keys, are no first start.
    pub(crate) fn open(data: &Path, name: &KeyName) -> Result<Self, Error> {
        make_folder(data).map_err(|why| Error::File(data.into(), why))?;
        let lock = take(data)?;
        let heads = data.join("heads");
        let in_heads = |why| Error::File(heads.clone(), why);
        if !heads.try_exists().map_err(in_heads)? {
            if keys::any(data)? {
                return Err(Error::MemoryGone(heads));
            }
            make_folder(&heads).map_err(in_heads)?;
        }
        let missing = keys::missing(data)?;
        if let [gone, ..] = &missing[..]
            && std::fs::read_dir(&heads).map_err(in_heads)?.next().is_some()
        {
            return Err(Error::KeyGone(gone.clone()));
        }
        Keys::make(data)?;
        let keys = Keys::read(data, name)?.ok_or_else(|| Error::KeyGone(data.into()))?;
        // A head that was renamed just before a crash is seen here, and not yet durable.
        durable::sync(&heads).map_err(in_heads)?;
        Ok(Self { keys, heads, evidence: data.join("evidence"), lock })
    }
}

/// Two processes on one folder would each have a memory of their own.
fn take(data: &Path) -> Result<File, Error> {
    let path = data.join("witness.lock");
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|why| Error::File(path.clone(), why))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Taken(data.into())),
        Err(TryLockError::Error(why)) => Err(Error::File(path, why)),
    }
}

impl Witness {
    /// Opens the folder of this configuration; the first time, makes keys.
    pub fn open(config: &Config, clock: SharedClock) -> Result<Self, Error> {
        let sound = config.check().map_err(Error::Config)?;
        let Folder { keys, heads, evidence, lock } = Folder::open(&config.data, &sound.name)?;
        let mut logs = BTreeMap::new();
        for (origin, log_keys) in sound.logs {
            let watched =
                Watched::open(origin.clone(), log_keys, &keys.verifiers, &heads, &evidence)?;
            logs.insert(origin, watched);
        }
        let metrics = Metrics::new();
        let counts = Counts::register(&metrics);
        Ok(Self(Arc::new(Inner { keys, logs, clock, metrics, counts, _lock: lock })))
    }

    /// `POST /add-checkpoint`, and what people read.
    pub fn routes(&self) -> axum::Router {
        api::routes(self.clone())
    }

    /// What others verify its cosignatures with.
    pub fn verifiers(&self) -> &[tlog::Verifier] {
        &self.0.keys.verifiers
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The logs, by name.
    pub(crate) fn told(&self) -> impl Iterator<Item = Told<'_>> {
        self.0.logs.values().map(Watched::told)
    }

    /// Answers the body of a request. Blocks until the head is on disk.
    pub(crate) fn answer(&self, body: &[u8]) -> Result<String, Refused> {
        let request = match Request::parse(body) {
            Ok(request) => request,
            Err(why) => {
                let refused = Refused::Protocol(Refusal::Malformed(why));
                self.note(None, Some(&refused));
                return Err(refused);
            }
        };
        let answer = self.cosign(&request);
        self.note(Some(&request), answer.as_ref().err());
        answer
    }

    fn cosign(&self, request: &Request) -> Result<String, Refused> {
        let inner = &*self.0;
        let log = inner.logs.get(request.checkpoint().origin());
        let log = log.ok_or(Refused::Protocol(Refusal::UnknownLog))?;
        log.cosign(request, &inner.keys, inner.clock.now(), &inner.counts)
    }

    /// A line for every answer. What strangers call a log is shown as they wrote it, escaped.
    fn note(&self, request: Option<&Request>, refused: Option<&Refused>) {
        let shown = request.map(Request::checkpoint);
        let origin = shown.map(tlog::Checkpoint::origin);
        let size = shown.map(tlog::Checkpoint::size);
        let Some(why) = refused else {
            self.0.counts.cosigned();
            tracing::debug!(log.origin = ?origin, shown.size = size, "cosigned");
            return;
        };
        self.0.counts.refused(why);
        let code = code(why);
        match why {
            Refused::Protocol(why) => tracing::info!(
                log.origin = ?origin, shown.size = size, old = request.map(Request::old),
                code, why = %why, "refused"
            ),
            Refused::ClockBehind { last_secs, now_secs } => tracing::error!(
                log.origin = ?origin, last_secs, now_secs, code,
                "refused: the clock stands before the last cosignature"
            ),
            Refused::NotKept(_) | Refused::NotCosigned(_) => tracing::error!(
                log.origin = ?origin, shown.size = size, code, error = why as &dyn StdError,
                "refused"
            ),
        }
    }
}
