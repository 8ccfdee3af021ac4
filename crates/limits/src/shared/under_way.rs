//! The calls of one org that this node has under way, to be kept alive in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::counters::{Generation, Known};

#[derive(Debug, Clone)]
struct Call {
    known: Known,
    /// Its own lease has ended: nobody has given a sign of life for it.
    forgotten: bool,
}

/// Calls under way, by their request.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashMap<Arc<str>, Call>>);

impl UnderWay {
    fn calls(&self) -> MutexGuard<'_, HashMap<Arc<str>, Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begun(&self, known: Known) {
        let request = Arc::clone(&known.request);
        self.calls().insert(request, Call { known, forgotten: false });
    }

    /// What is known of a call that has ended.
    pub(crate) fn ended(&self, request: &str) -> Option<Known> {
        self.calls().remove(request).map(|call| call.known)
    }

    /// Keeps a call alive no longer; it may still end.
    pub(crate) fn forget(&self, request: &str) {
        if let Some(call) = self.calls().get_mut(request) {
            call.forgotten = true;
        }
    }

    /// The calls to be kept alive.
    pub(crate) fn alive(&self) -> Vec<Known> {
        let calls = self.calls();
        calls.values().filter(|call| !call.forgotten).map(|call| call.known.clone()).collect()
    }

    /// These calls are known in a life of the store.
    pub(crate) fn moved(&self, taken: &[Known], life: Generation) {
        let mut calls = self.calls();
        for known in taken {
            if let Some(call) = calls.get_mut(&known.request) {
                call.known.life = life;
            }
        }
    }
}
