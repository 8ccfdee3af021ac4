//! The keys of a member or service account, on its page.

use access::Caller;
use base::time::At;

use crate::{Error, Identity, Key, ListKeys};

/// Keys that are shown on the page of their owner at most.
const SHOWN_MAX: u32 = 50;

/// The keys of one owner.
#[derive(Debug)]
pub(super) struct Keys {
    /// Those that work first.
    pub(super) rows: Vec<(Key, KeyState)>,
    /// There are more than these.
    pub(super) more: bool,
}

/// Whether a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum KeyState {
    Live,
    Expired,
    Revoked,
}

impl KeyState {
    fn of(key: &Key, now: At) -> Self {
        if key.revoked_at.is_some() {
            Self::Revoked
        } else if key.expires_at.is_some_and(|expires| expires <= now) {
            Self::Expired
        } else {
            Self::Live
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Live => "Active",
            Self::Expired => "Expired",
            Self::Revoked => "Revoked",
        }
    }

    /// The colour of its badge.
    pub(super) const fn tone(self) -> &'static str {
        match self {
            Self::Live => "ok",
            Self::Expired => "",
            Self::Revoked => "bad",
        }
    }
}

impl Keys {
    pub(super) async fn of(
        identity: &Identity,
        caller: &Caller,
        owner: &str,
    ) -> Result<Self, Error> {
        let list = ListKeys {
            owner: Some(owner.to_owned()),
            limit: Some(SHOWN_MAX),
            ..ListKeys::default()
        };
        let page = identity.keys(caller, &list).await?;
        let now = identity.now();
        let state = |key: Key| {
            let state = KeyState::of(&key, now);
            (key, state)
        };
        let mut rows: Vec<_> = page.items.into_iter().map(state).collect();
        rows.sort_by_key(|(_, state)| *state);
        Ok(Self { rows, more: page.next.is_some() })
    }
}
