//! Our own keys of a SAML connection. Two may live at once: the new one signs and opens, the
//! old one still opens until the provider has read our metadata anew.

use access::{Caller, Scope};
use audit::Change;
use base::db::{DbError, Value};
use base::secret::Secret;
use base::time::At;
use federation::saml::Keypair;

use crate::connection::{Kind, Known};
use crate::seals::Place;
use crate::{Connection, ConnectionId, Error, Sso, events};

/// Keys of one connection at most.
const KEYS_MAX: usize = 2;

/// Reads what was sealed.
pub(crate) fn read(json: &[u8]) -> Result<Vec<Keypair>, DbError> {
    let pems: Vec<String> =
        serde_json::from_slice(json).map_err(|cause| DbError::unreadable("keys", cause))?;
    let pairs = pems.into_iter().map(|pem| Keypair::from_pem(&Secret::new(pem)));
    pairs.collect::<Result<_, _>>().map_err(|cause| DbError::unreadable("keys", cause))
}

/// A new key: that takes a processor for a while, so not where others wait.
pub(crate) async fn fresh(now: At) -> Result<Keypair, Error> {
    let made = tokio::task::spawn_blocking(move || Keypair::generate(now)).await;
    let made = made.map_err(std::io::Error::other)?;
    made.map_err(|cause| Error::Machine(std::io::Error::other(cause)))
}

impl Sso {
    /// The keys, to be kept; none for a connection that has none.
    pub(crate) fn sealed_keys(
        &self,
        scope: &Scope,
        id: &ConnectionId,
        keys: &[Keypair],
    ) -> Result<Value, DbError> {
        if keys.is_empty() {
            return Ok(Value::Bytes(None));
        }
        let pems: Vec<Secret> = keys.iter().map(Keypair::to_pem).collect();
        let pems: Vec<&str> = pems.iter().map(Secret::reveal).collect();
        self.0.seals.seal_json(scope, Place::OwnKeys(id), &pems).map(Value::from)
    }

    /// Puts a new key in front; the one that signed until now still opens.
    pub async fn rotate_key(
        &self,
        caller: &Caller,
        id: &ConnectionId,
    ) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if before.kind != Kind::Saml {
            return Err(Error::Conflict("a connection by OpenID Connect has no key of its own"));
        }
        let key = fresh(self.now()).await?;
        let mut keys = vec![key];
        keys.extend(before.keys.iter().take(KEYS_MAX - 1).cloned());
        self.put_keys(&scope, before, keys, "sso.key.made").await
    }

    /// Gives up every key but the one that signs.
    pub async fn retire_key(
        &self,
        caller: &Caller,
        id: &ConnectionId,
    ) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if before.keys.len() < 2 {
            return Err(Error::Conflict("there is no older key"));
        }
        let keys = before.keys.iter().take(1).cloned().collect();
        self.put_keys(&scope, before, keys, "sso.key.retired").await
    }

    async fn put_keys(
        &self,
        scope: &Scope,
        before: Known,
        keys: Vec<Keypair>,
        action: &'static str,
    ) -> Result<Connection, Error> {
        let after = Known { keys, changed_at: self.now(), ..before };
        let mut change = Change::begin(&self.0.record, scope).await?;
        self.put(&mut change, scope, &after).await?;
        change.commit(events::about(action, &after.id)).await?;
        self.get(scope.caller(), &after.id).await
    }
}
