//! Events put aside until the key of their org is here.
//!
//! The KMS may be far away, or away. Nobody waits for it but the org whose key it has: the
//! events of that org wait together, in their order, and are written or refused together.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::OrgId;
use base::db::{Db, DbError};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::durable::Submission;
use crate::keys::Keys;

/// Events put aside at most; beyond that they are refused.
const ASIDE_MAX: usize = 16_384;

type Warming = Pin<Box<dyn Future<Output = (OrgId, Result<(), DbError>)> + Send>>;

/// What waits for keys.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    events: HashMap<OrgId, Vec<Submission>>,
    count: usize,
    warming: FuturesUnordered<Warming>,
}

impl Aside {
    /// Takes out of a group what would have to wait, and gives back what cannot even wait.
    pub(crate) fn take(
        &mut self,
        group: &mut Vec<Submission>,
        keys: &Arc<Keys>,
        db: &Db,
    ) -> Vec<Submission> {
        let waits = |it: &mut Submission| {
            let org = &it.entry.org;
            // Behind those of its org that wait already: an end never comes before its beginning.
            self.events.contains_key(org) || !(it.entry.is_sealed() || keys.is_warm(org))
        };
        let waiting: Vec<_> = group.extract_if(.., waits).collect();
        let mut refused = Vec::new();
        for one in waiting {
            if self.count >= ASIDE_MAX {
                refused.push(one);
                continue;
            }
            self.count += 1;
            let org = one.entry.org.clone();
            if !self.events.contains_key(&org) {
                self.warming.push(warm(keys.clone(), db.clone(), &one));
            }
            self.events.entry(org).or_default().push(one);
        }
        refused
    }

    /// The events of the next org whose key is here, or is not to be had; none if none waits.
    pub(crate) async fn next(&mut self) -> Option<(Vec<Submission>, Result<(), DbError>)> {
        let (org, warmed) = self.warming.next().await?;
        let events = self.events.remove(&org).unwrap_or_default();
        self.count -= events.len();
        Some((events, warmed))
    }
}

fn warm(keys: Arc<Keys>, db: Db, one: &Submission) -> Warming {
    let (org, region) = (one.entry.org.clone(), one.entry.region());
    Box::pin(async move {
        let warmed = keys.warm(&db, region, &org).await;
        (org, warmed)
    })
}
