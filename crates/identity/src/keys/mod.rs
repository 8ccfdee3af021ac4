//! API keys: made, rotated, revoked, listed. Shown once, stored as a keyed hash.

mod issue;
mod list;
mod rotate;

use access::{Caller, KeyId, Permission, Scope};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::secret::Secret;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::list::ListKeys;
pub use self::rotate::Rotate;
use crate::rights::covers;
use crate::snapshot::KeyEntry;
use crate::subject::Owner;
use crate::{Error, Identity, load, sql};

/// A key, without its secret: that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Key {
    /// Its id.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// The member or service account that it acts as.
    pub owner: String,
    /// What people call it.
    pub name: String,
    /// It may no more than these roles permit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// It may call these models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// It is accepted from these addresses only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// The key that it was rotated from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub replaces: Option<KeyId>,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
    /// Until when; absent: until revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<At>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub revoked_at: Option<At>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<At>,
}

/// A key to be made.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The member or service account that it acts as; absent: the caller.
    pub owner: Option<String>,
    /// What people call it.
    pub name: String,
    /// It shall do no more than these roles permit. A key with `models`, `addresses` or
    /// `expires_at` has no `users:*` and no `settings:*` unless they are named here.
    pub roles: Option<Vec<String>>,
    /// It shall call these models only.
    pub models: Option<Vec<String>>,
    /// It shall be accepted from these addresses only: `192.0.2.7` or `192.0.2.0/24`.
    pub addresses: Option<Vec<String>>,
    /// Until when; absent: until revoked.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<At>,
}

/// A key and its secret, which nobody can show again.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// The key.
    pub key: Key,
    /// What its owner keeps: `pk_…`.
    pub secret: Secret,
}

impl Key {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("key_id")?,
            owner: row.text("owner_id")?,
            name: row.text("name")?,
            roles: load::list(row, "roles")?,
            models: load::list(row, "models")?,
            addresses: load::list(row, "addresses")?,
            replaces: row.opt_text("replaces")?.map(|_| row.parse("replaces")).transpose()?,
            created_at: row.at("created_at")?,
            expires_at: row.opt_at("expires_at")?,
            revoked_at: row.opt_at("revoked_at")?,
            last_used_at: row.opt_at("last_used_at")?,
        })
    }

    pub(crate) fn is_live(&self, now: At) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| expires > now)
    }
}

impl Identity {
    /// Revokes a key: when this returns, the key is refused on this node. Nobody revokes a
    /// key that may more than they do, unless it is their own.
    pub async fn revoke_key(&self, caller: &Caller, id: &KeyId) -> Result<(), Error> {
        let (scope, key, _) = self.key_to_change(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let args = args![id.as_str(), self.now()];
        if work.change.run(sql::KEY_REVOKE, args).await? == 0 {
            return Ok(());
        }
        let event = Event::done("identity.key.revoked", "key", id.as_str());
        let changes = json!({"owner": {"from": key.owner}, "name": {"from": key.name}});
        self.commit(work, event.changes(changes)).await?;
        Ok(())
    }

    /// A key that is the caller's own, or that the caller may govern. Who may not
    /// does not learn whether there is such a key. A narrowed key is not its owner: of the
    /// owner's keys it is itself alone its own.
    pub(crate) async fn key_to_change(
        &self,
        caller: &Caller,
        id: &KeyId,
    ) -> Result<(Scope, Key, Owner), Error> {
        let own = caller.itself();
        let row = self.0.databases.of(&own)?.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
        let found = match row {
            Some(row) => Some((Key::of(&row)?, row.parse::<Owner>("owner_id")?)),
            None => None,
        };
        let mine = found.as_ref().is_some_and(|(_, owner)| is_of(caller, owner))
            && (caller.key.as_ref() == Some(id)
                || !self.about_key(caller, |key| key.narrow).await?);
        let scope = if mine { own } else { caller.require(Permission::UsersKeys)? };
        let (key, owner) = found.ok_or(Error::NotFound)?;
        if !mine && key.is_live(self.now()) {
            covers(caller, self.reach_of_key(caller, id).await?)?;
        }
        Ok((scope, key, owner))
    }

    /// A key that may less than its owner, or that ends, must not make one that may more,
    /// or goes on.
    async fn not_narrow(&self, caller: &Caller) -> Result<(), Error> {
        let narrow = self.about_key(caller, |key| key.narrow || key.expires_at.is_some()).await?;
        if narrow { Err(Error::NarrowKey) } else { Ok(()) }
    }

    /// Refuses a key that is bound to models, addresses or a time: whoever comes in by what it
    /// makes would not be.
    pub async fn not_bound(&self, caller: &Caller) -> Result<(), Error> {
        let bound = self.about_key(caller, |key| key.bound).await?;
        if bound { Err(Error::NarrowKey) } else { Ok(()) }
    }

    /// Whether this holds of the key that the caller shows; of a key that is not known
    /// any more, everything does.
    pub(crate) async fn about_key(
        &self,
        caller: &Caller,
        holds: impl Fn(&KeyEntry) -> bool,
    ) -> Result<bool, Error> {
        let Some(id) = &caller.key else { return Ok(false) };
        Ok(self.own(caller).await?.key_of_id(id).is_none_or(|key| holds(key)))
    }
}

fn is_of(caller: &Caller, owner: &Owner) -> bool {
    Owner::of(&caller.actor).as_ref() == Some(owner)
}
