//! What proves us to a sink, sealed at rest, each for its own sink.

use std::collections::BTreeMap;
use std::io;

use access::{Homes, Region, Scope};
use base::db::DbError;
use base::seal::{NotOpened, RootKey, Sealer};
use base::secret::Secret;
use base::time::At;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::sink::SinkId;

/// In front of the secret of a webhook (Standard Webhooks).
const PREFIX: &str = "whsec_";
/// Bytes of the secret of a webhook.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// How long the secret before still signs, beside the new one.
pub(crate) const BEFORE_SECS: i64 = 24 * 3_600;

/// The keys of the regions that this node serves.
#[derive(Debug)]
pub(crate) struct Seals(BTreeMap<Region, Sealer>, Homes);

/// The secret of a sink, and the one before while it still holds.
#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    pub(crate) now: Secret,
    pub(crate) before: Option<(Secret, At)>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    now: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_until: Option<At>,
}

impl Secrets {
    pub(crate) fn of(now: Secret) -> Self {
        Self { now, before: None }
    }

    /// A new secret; the one before signs on for a day.
    pub(crate) fn rotated(self, now: Secret, at: At) -> Self {
        let until = at + jiff::SignedDuration::from_secs(BEFORE_SECS);
        Self { now, before: Some((self.now, until)) }
    }

    /// Those that hold at an instant, the new one first.
    pub(crate) fn holding(&self, at: At) -> impl Iterator<Item = &Secret> {
        let before = self.before.as_ref().filter(|(_, until)| *until > at).map(|(it, _)| it);
        std::iter::once(&self.now).chain(before)
    }
}

impl Seals {
    pub(crate) fn new(roots: &BTreeMap<Region, RootKey>, homes: &Homes) -> io::Result<Self> {
        let keys = roots.iter().map(|(region, root)| Ok((*region, root.sealer("streams/secret")?)));
        keys.collect::<io::Result<_>>().map(|keys| Self(keys, homes.clone()))
    }

    pub(crate) fn seal(
        &self,
        scope: &Scope,
        id: &SinkId,
        secrets: &Secrets,
    ) -> Result<Vec<u8>, DbError> {
        let (before, before_until) = match &secrets.before {
            Some((before, until)) => (Some(before.reveal().to_owned()), Some(*until)),
            None => (None, None),
        };
        let kept = Kept { now: secrets.now.reveal().to_owned(), before, before_until };
        let kept = Secret::new(
            serde_json::to_string(&kept).map_err(|cause| DbError::unreadable("sealed", cause))?,
        );
        self.of(scope)?
            .seal(&purpose(scope, id), kept.reveal().as_bytes())
            .map_err(|cause| DbError::unreadable("sealed", cause))
    }

    pub(crate) fn open(
        &self,
        scope: &Scope,
        id: &SinkId,
        sealed: &[u8],
    ) -> Result<Secrets, DbError> {
        let opened = self.of(scope)?.open(&purpose(scope, id), sealed);
        let opened = opened.map_err(|cause| DbError::unreadable("sealed", cause))?;
        let kept: Kept = serde_json::from_slice(&opened)
            .map_err(|cause| DbError::unreadable("sealed", cause))?;
        let before = kept.before.map(Secret::new).zip(kept.before_until);
        Ok(Secrets { now: Secret::new(kept.now), before })
    }

    fn of(&self, scope: &Scope) -> Result<&Sealer, DbError> {
        self.0
            .get(&self.1.born(scope.org(), scope.region()))
            .ok_or_else(|| DbError::unreadable("sealed", NotOpened))
    }
}

fn purpose(scope: &Scope, id: &SinkId) -> String {
    format!("{}/{id}", scope.org())
}

/// A new secret of a webhook.
pub(crate) fn fresh() -> io::Result<Secret> {
    let bytes: [u8; 32] = base::seal::random()?;
    Ok(Secret::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes))))
}

/// The bytes that the secret of a webhook stands for.
pub(crate) fn signing_key(secret: &Secret) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(secret.reveal().strip_prefix(PREFIX)?).ok()?;
    BYTES.contains(&bytes.len()).then_some(bytes)
}
