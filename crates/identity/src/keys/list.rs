//! Seeing keys: one's own, or with `users:read` those of others.

use access::{Caller, KeyId, Permission};
use base::args;
use base::http::{Page, page_limit};
use serde::Deserialize;

use super::Key;
use crate::seen::Used;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// Which keys.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListKeys {
    /// The id of a member or service account, or `*` for everybody; absent: the
    /// caller's own keys.
    pub owner: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Keys on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

impl Identity {
    /// One key: the caller's own, or with `users:read` anybody's.
    pub async fn key(&self, caller: &Caller, id: &KeyId) -> Result<Key, Error> {
        let scope = caller.itself();
        let row = self.0.databases.of(&scope)?.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
        let key = row.as_ref().map(Key::of).transpose()?;
        let own = Owner::of(&caller.actor).map(|owner| owner.to_string());
        if key.as_ref().map(|key| &key.owner) != own.as_ref() || key.is_none() {
            caller.require(Permission::UsersRead)?;
        }
        let mut key = key.ok_or(Error::NotFound)?;
        key.last_used_at = self.0.seen.latest(&Used::Key(id.clone()), key.last_used_at);
        Ok(key)
    }

    /// A page of keys.
    pub async fn keys(&self, caller: &Caller, list: &ListKeys) -> Result<Page<Key>, Error> {
        let limit = page_limit(list.limit).map_err(Error::Problem)?;
        let own = Owner::of(&caller.actor).map(|owner| owner.to_string());
        let asked = list.owner.as_ref().or(own.as_ref());
        let scope = if asked.is_some() && asked == own.as_ref() {
            caller.itself()
        } else {
            caller.require(Permission::UsersRead)?
        };
        let owner = asked.map_or("", String::as_str);
        let db = self.0.databases.of(&scope)?;
        let mut args = args![list.after.as_deref().unwrap_or_default(), i64::from(limit) + 1];
        let rows = if owner == "*" {
            db.all(sql::KEY_PAGE, args).await?
        } else {
            args.push(owner.into());
            db.all(sql::KEY_PAGE_OF_OWNER, args).await?
        };
        let mut keys = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut key = Key::of(row)?;
            let used = Used::Key(key.id.clone());
            key.last_used_at = self.0.seen.latest(&used, key.last_used_at);
            keys.push(key);
        }
        Ok(Page::of(keys, limit, |key| key.id.to_string()))
    }
}
