//! Who answers for a provider. Whoever sets one up can make it say anything, so it lets in
//! nobody who may more than they: else an admin would become an owner by a provider of their
//! own. Somebody who may more confirms the connection, and it lets in those too.

use access::{Actor, Caller, Permission, PermissionSet};
use base::db::DbError;

use crate::connection::Known;
use crate::keys::may_change;
use crate::{Connection, ConnectionId, Error, Sso};

/// What a caller answers for by what they may. Nobody in particular answers for nothing.
pub(crate) fn by(caller: &Caller) -> PermissionSet {
    match caller.actor {
        Actor::Member(_) | Actor::Service(_) | Actor::Operator(_) => caller.access.wide(),
        Actor::Node(_) | Actor::Directory(_) | Actor::Guest(_) => PermissionSet::EMPTY,
    }
}

/// Everything, whatever there will be.
const ALL: &str = "*";

/// As stored and shown.
pub(crate) fn words(set: PermissionSet) -> Vec<&'static str> {
    if set.covers(PermissionSet::ALL) {
        return vec![ALL];
    }
    set.iter().map(Permission::as_str).collect()
}

pub(crate) fn to_json(set: PermissionSet) -> Result<String, DbError> {
    serde_json::to_string(&words(set)).map_err(|cause| DbError::unreadable("vouched", cause))
}

/// What is stored; a permission that is none any more is left out.
pub(crate) fn read(words: &[String]) -> PermissionSet {
    if words.iter().any(|word| word == ALL) {
        return PermissionSet::ALL;
    }
    let known = words.iter().map(String::as_str).filter(|word| word.parse::<Permission>().is_ok());
    PermissionSet::exactly(known).unwrap_or_default()
}

impl Sso {
    /// Confirms a connection for all who may no more than the caller.
    pub async fn vouch(&self, caller: &Caller, id: &ConnectionId) -> Result<Connection, Error> {
        let scope = may_change(caller)?;
        let before = self.one(&scope, id).await?;
        let vouched = before.vouched.or(by(caller));
        let after = Known { vouched, ..before.clone() };
        self.set_state(&scope, before, after, "sso.connection.vouched").await
    }
}
