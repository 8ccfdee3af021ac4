//! The keys of providers, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::fetch::{Fetch, Request};
use base::time::At;
use http::StatusCode;
use http::header::ACCEPT;

use crate::oidc::{Algorithm, KeySet, Refusal};

/// Providers whose keys are kept at most; the one unused for longest leaves.
const PROVIDERS_MAX: usize = 1_024;
/// A provider is asked for its keys at most once in this time.
const ASK_EVERY_SECS: i64 = 10;
/// Keys older than this are asked for again before they are used.
const FRESH_SECS: i64 = 3_600;
/// For so long the last good keys serve a provider that is down. A key that was withdrawn
/// because it is known to others is worth no more than that.
const GOOD_SECS_MAX: i64 = 24 * 3_600;

/// Keys by their address.
#[derive(Debug, Default)]
pub(crate) struct KeyCache(Mutex<HashMap<String, Arc<Entry>>>);

#[derive(Debug)]
struct Entry {
    good: Mutex<Good>,
    /// When the provider was last asked. Held while it is: nobody asks beside somebody.
    asked: tokio::sync::Mutex<Option<At>>,
}

#[derive(Debug)]
struct Good {
    used_at: At,
    keys: Option<(Arc<KeySet>, At)>,
}

/// What a token needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needed<'a> {
    pub(crate) kid: Option<&'a str>,
    pub(crate) algorithm: Algorithm,
}

impl KeyCache {
    /// The keys at an address. They are asked for again when a token names one that is not
    /// known, and now and then.
    pub(crate) async fn keys(
        &self,
        fetch: &Fetch,
        jwks_uri: &str,
        needed: Needed<'_>,
        now: At,
    ) -> Result<Arc<KeySet>, Refusal> {
        let entry = self.entry(jwks_uri, now);
        match entry.held(needed, now) {
            Some((keys, true)) => Ok(keys),
            // Known, but not fresh: one asks, the others go on with what is held.
            Some((keys, false)) => match entry.asked.try_lock() {
                Ok(mut asked) => match entry.ask(fetch, jwks_uri, &mut asked, now).await {
                    Ok(Some(fresh)) => Ok(fresh),
                    Ok(None) | Err(_) => Ok(keys),
                },
                Err(_) => Ok(keys),
            },
            None => {
                let mut asked = entry.asked.lock().await;
                // Somebody may have asked meanwhile.
                if let Some((keys, _)) = entry.held(needed, now) {
                    return Ok(keys);
                }
                let fresh = entry.ask(fetch, jwks_uri, &mut asked, now).await?;
                fresh.or_else(|| entry.last_good(now)).ok_or(Refusal::KeysUnavailable)
            }
        }
    }

    fn entry(&self, jwks_uri: &str, now: At) -> Arc<Entry> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(jwks_uri) {
            entry.good().used_at = now;
            return entry.clone();
        }
        if entries.len() >= PROVIDERS_MAX {
            let unused = entries.iter().min_by_key(|(_, entry)| entry.good().used_at);
            if let Some(unused) = unused.map(|(uri, _)| uri.clone()) {
                entries.remove(&unused);
            }
        }
        let good = Mutex::new(Good { used_at: now, keys: None });
        let entry = Arc::new(Entry { good, asked: tokio::sync::Mutex::new(None) });
        entries.insert(jwks_uri.to_owned(), entry.clone());
        entry
    }
}

impl Entry {
    fn good(&self) -> std::sync::MutexGuard<'_, Good> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_good(&self, now: At) -> Option<Arc<KeySet>> {
        let (keys, at) = self.good().keys.clone()?;
        (age_secs(at, now) <= GOOD_SECS_MAX).then_some(keys)
    }

    /// What is held, if the key that is needed is among it, and whether it is fresh.
    fn held(&self, needed: Needed<'_>, now: At) -> Option<(Arc<KeySet>, bool)> {
        let (keys, at) = self.good().keys.clone()?;
        let age = age_secs(at, now);
        let serves = age <= GOOD_SECS_MAX && keys.knows(needed.kid, needed.algorithm);
        serves.then_some((keys, age <= FRESH_SECS))
    }

    /// Asks the provider; none: it was asked just now.
    async fn ask(
        &self,
        fetch: &Fetch,
        jwks_uri: &str,
        asked: &mut Option<At>,
        now: At,
    ) -> Result<Option<Arc<KeySet>>, Refusal> {
        if asked.is_some_and(|at| age_secs(at, now) < ASK_EVERY_SECS) {
            return Ok(None);
        }
        *asked = Some(now);
        let request = Request::get(jwks_uri).header(ACCEPT, "application/json");
        let answer = fetch.send(request).await.map_err(Refusal::ProviderUnreachable)?;
        if answer.status != StatusCode::OK {
            return Err(Refusal::KeysUnavailable);
        }
        let keys = Arc::new(KeySet::read(&answer.body)?);
        self.good().keys = Some((keys.clone(), now));
        Ok(Some(keys))
    }
}

fn age_secs(at: At, now: At) -> i64 {
    now.as_second().saturating_sub(at.as_second()).max(0)
}
