//! Whether the databases answer, as it was last seen. A probe never waits for one: an edge that
//! gets no answer in time takes away nodes that could still serve.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::Databases;
use base::tasks::Tasks;
use regions::Directory;

/// How long after an answer is asked again.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// Whoever takes longer than this does not answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// What the directory is called here; a region cannot be.
pub(crate) const DIRECTORY: &str = "directory";

/// What was last seen of each database, by its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answering(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Answering {
    /// Asks each of them again and again, until the house closes.
    pub(crate) fn watch(databases: &Databases, directory: &Directory, tasks: &Tasks) -> Self {
        let seen = Self::default();
        for (region, db) in databases.iter() {
            let (name, db) = (region.as_str(), db.clone());
            seen.ask(name, tasks, move || {
                let db = db.clone();
                async move { db.ping().await.is_ok() }
            });
        }
        let directory = directory.clone();
        seen.ask(DIRECTORY, tasks, move || {
            let directory = directory.clone();
            async move { directory.ping().await.is_ok() }
        });
        seen
    }

    fn ask<A>(&self, name: &'static str, tasks: &Tasks, answers: impl Fn() -> A + Send + 'static)
    where
        A: Future<Output = bool> + Send,
    {
        let (seen, stopping) = (self.clone(), tasks.clone());
        tasks.spawn(async move {
            while !stopping.is_stopping() {
                let well = tokio::time::timeout(ASK_TIMEOUT, answers()).await.unwrap_or(false);
                seen.note(name, well);
                tokio::select! {
                    () = stopping.stopping() => {}
                    () = tokio::time::sleep(ASK_EVERY) => {}
                }
            }
        });
    }

    fn note(&self, name: &'static str, well: bool) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(name, well);
    }

    /// Whether it answered when it was last asked; not if it never was.
    pub(crate) fn of(&self, name: &str) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(name).copied().unwrap_or(false)
    }
}
