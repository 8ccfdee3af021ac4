//! Rotating a key: the new one lives beside the old one for a while.

use access::{Actor, Caller, KeyId};
use audit::Event;
use base::args;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::{IssuedKey, Key, is_of};
use crate::check::Checks;
use crate::grant::Grant;
use crate::room::Work;
use crate::subject::{GrantId, Owner};
use crate::{Error, Identity, sql};

/// How long the old key lives on when the caller does not say.
const GRACE_DEFAULT_SECS: i64 = 24 * 3600;
/// And at most.
const GRACE_MAX_SECS: i64 = 30 * 24 * 3600;

/// How a key is rotated.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotate {
    /// For how long the old key lives on: 0 to 30 days, a day if not given.
    pub grace_secs: Option<i64>,
}

impl Identity {
    /// Makes a key like this one. Two live at most: this one ends after the grace,
    /// and one that this one had replaced ends at once.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        id: &KeyId,
        rotate: &Rotate,
    ) -> Result<IssuedKey, Error> {
        let (scope, _, owner) = self.key_to_change(caller, id).await?;
        caller.recent_factor()?;
        let grace = rotate.grace_secs.unwrap_or(GRACE_DEFAULT_SECS);
        let mut checks = Checks::default();
        if !(0..=GRACE_MAX_SECS).contains(&grace) {
            checks.refuse("/grace_secs", "must be 0 to 2592000 seconds");
        }
        checks.done()?;
        self.not_narrow(caller).await?;
        may_rotate(caller, &owner)?;
        let expiring = self.own(caller).await?.key_of_id(id).is_none_or(|key| key.expiring);
        let at = self.now();
        let mut work = self.begin(&scope).await?;
        let row = work.change.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
        let old = row.as_ref().map(Key::of).transpose()?.ok_or(Error::NotFound)?;
        if !old.is_live(at) {
            return Err(Error::Conflict("this key is revoked or expired"));
        }
        let successor = work.change.maybe(sql::KEY_SUCCESSOR, args![id.as_str(), at]).await?;
        if successor.is_some() {
            return Err(Error::Conflict("this key was rotated already: two live at most"));
        }

        let new = Key {
            id: KeyId::new(at),
            replaces: Some(old.id.clone()),
            created_at: at,
            expires_at: old
                .expires_at
                .filter(|_| expiring)
                .map(|expires| at + expires.duration_since(old.created_at)),
            last_used_at: None,
            ..old.clone()
        };
        let ends = at + SignedDuration::from_secs(grace);
        work.change.run(sql::KEY_EXPIRE, args![id.as_str(), ends]).await?;
        if let Some(before) = &old.replaces {
            work.change.run(sql::KEY_REVOKE, args![before.as_str(), at]).await?;
        }
        let secret = self.store(caller, &mut work, &owner, &new).await?;
        work.copy_grants(id, &new.id, at).await?;
        let event = Event::done("identity.key.rotated", "key", id.as_str());
        let event = event.changes(json!({
            "replaced_by": {"to": new.id}, "expires_at": {"from": old.expires_at, "to": ends},
        }));
        self.commit(work, event).await?;
        Ok(IssuedKey { key: new, secret })
    }
}

/// A new secret is the power of the key in the hands of whoever asked for it.
fn may_rotate(caller: &Caller, owner: &Owner) -> Result<(), Error> {
    match (owner, &caller.actor) {
        _ if is_of(caller, owner) => Ok(()),
        (Owner::Member(_), Actor::Member(_) | Actor::Service(_)) => Err(Error::OwnerOnly),
        (Owner::Member(_) | Owner::Service(_), _) => Ok(()),
    }
}

impl Work {
    async fn copy_grants(
        &mut self,
        from: &KeyId,
        to: &KeyId,
        at: base::time::At,
    ) -> Result<(), Error> {
        for row in self.change.all(sql::GRANTS_OF, args![from.as_str()]).await? {
            let subject = to.to_string();
            let grant = Grant { id: GrantId::new(at), subject, created_at: at, ..Grant::of(&row)? };
            self.add_grant("key", &grant).await?;
        }
        Ok(())
    }
}
