//! What admins do with connections.

use access::{Caller, Permission, Scope};
use audit::Change;
use base::args;
use base::db::Value;
use base::http::{Page, page_limit};
use base::secret::Secret;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::connection::{ConnectionState, Kind, Known};
use crate::guide::Guide;
use crate::seals::Place;
use crate::{Connection, ConnectionId, Error, Mapping, Policy, Sso, events, keys, sql, vouch};
use base::checks::Checks;

/// Connections of one org at most.
pub(crate) const CONNECTIONS_MAX: u64 = 20;
/// Characters of a client id and of a client secret at most.
const CLIENT_CHARS_MAX: usize = 512;

/// A connection to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    /// `saml` or `oidc`.
    pub kind: Kind,
    /// Whose steps are shown; `other` if not given.
    #[serde(default = "other")]
    pub guide: Guide,
    /// What people call it: they see it when they sign in.
    pub name: String,
    /// Where the provider describes itself: the address of its SAML metadata, or its issuer.
    /// SAML metadata can also be uploaded later.
    #[serde(default)]
    pub source: Option<String>,
    /// `OpenID` Connect: who we are there.
    #[serde(default)]
    pub client_id: Option<String>,
    /// `OpenID` Connect: what proves it.
    #[serde(default)]
    pub client_secret: Option<Secret>,
}

const fn other() -> Guide {
    Guide::Other
}

/// What can be changed of a connection.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeConnection {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// How a sign-in goes.
    #[serde(default)]
    pub policy: Option<Policy>,
    /// How attributes become a member. The caller must have what its roles and teams give.
    #[serde(default)]
    pub mapping: Option<Mapping>,
    /// `OpenID` Connect: who we are at the provider.
    #[serde(default)]
    pub client_id: Option<String>,
    /// `OpenID` Connect: what proves it.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// The version that is meant: if somebody changed it since, nothing is.
    #[serde(default)]
    pub version: Option<i64>,
}

impl Sso {
    /// A page of the org's connections.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Connection>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let args = args![after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::LIST, args).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in &rows {
            all.push(self.shown(&scope, &self.known(&scope, row)?));
        }
        Ok(Page::of(all, limit, |connection| connection.id.to_string()))
    }

    /// One connection.
    pub async fn get(&self, caller: &Caller, id: &ConnectionId) -> Result<Connection, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let known = self.one(&scope, id).await?;
        Ok(self.shown(&scope, &known))
    }

    /// Makes a connection, which nobody can sign in through yet.
    pub async fn create(&self, caller: &Caller, new: NewConnection) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        let (client_id, client_secret) = client(&mut checks, &new);
        checks.done()?;
        let now = self.now();
        let source = new.source.as_deref().map(str::trim).filter(|source| !source.is_empty());
        let provider = match source {
            Some(source) => Some(self.ask_provider(&scope, new.kind, source, None).await?),
            None => None,
        };
        let keys = match new.kind {
            Kind::Saml => vec![keys::fresh(now).await?],
            Kind::Oidc => Vec::new(),
        };
        let known = Known {
            id: ConnectionId::new(now),
            kind: new.kind,
            guide: new.guide,
            name,
            state: ConnectionState::Draft,
            provider,
            source: source.map(ToOwned::to_owned),
            client_id,
            client_secret,
            keys,
            policy: Policy::default(),
            mapping: Mapping::default(),
            vouched: vouch::by(caller),
            created_at: now,
            changed_at: now,
            tested_at: None,
            refreshed_at: None,
            fault: None,
            warned_days: None,
            version: 1,
        };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let count = change.maybe(sql::COUNT, args![]).await?;
        let count = count.map(|row| row.count("connections")).transpose()?;
        if count.unwrap_or_default() >= CONNECTIONS_MAX {
            return Err(Error::TooMany);
        }
        self.add(&mut change, &scope, &known).await?;
        change.commit(events::created(&known)).await?;
        self.get(caller, &known.id).await
    }

    /// Changes what an admin decides.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        patch: ChangeConnection,
    ) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if patch.version.is_some_and(|version| version != before.version) {
            return Err(Error::Moved);
        }
        let mut checks = Checks::default();
        let name = patch.name.as_ref().map(|name| checks.name("/name", name));
        patch.policy.iter().for_each(|policy| policy.check(&mut checks));
        patch.mapping.iter().for_each(|mapping| mapping.check(&mut checks));
        for (pointer, text) in [
            ("/client_id", patch.client_id.as_deref()),
            ("/client_secret", patch.client_secret.as_ref().map(Secret::reveal)),
        ] {
            if let Some(text) = text {
                credential(&mut checks, pointer, before.kind, text);
            }
        }
        checks.done()?;
        let secret = patch.client_secret.is_some();
        let mut after = Known { changed_at: self.now(), ..before.clone() };
        if secret || patch.client_id.is_some() {
            after.vouched = vouch::by(caller);
        }
        after.name = name.unwrap_or(after.name);
        after.policy = patch.policy.unwrap_or(after.policy);
        after.client_id = patch.client_id.or(after.client_id);
        after.client_secret = patch.client_secret.or(after.client_secret);
        let remapped = patch.mapping.is_some();
        after.mapping = patch.mapping.unwrap_or(after.mapping);
        if vouch::widens(&before, &after) {
            after.vouched = after.vouched.and(vouch::by(caller));
        }
        let event = |after: &Known| events::changed(&before, after, secret);
        if remapped {
            // Who may what depends on it: roles and teams stay what they are meanwhile.
            let mut work = self.0.identity.begin(&scope).await?;
            for (pointer, role) in after.mapping.roles() {
                work.may_promise(caller, &pointer, role).await?;
            }
            for team in after.mapping.teams() {
                work.may_staff(caller, team).await?;
            }
            self.put(&mut work.change, &scope, &after).await?;
            self.0.identity.commit(work, event(&after)).await?;
        } else {
            let mut change = Change::begin(&self.0.record, &scope).await?;
            self.put(&mut change, &scope, &after).await?;
            change.commit(event(&after)).await?;
        }
        self.get(caller, id).await
    }

    /// Lets people sign in through it: not before somebody came through in a test.
    pub async fn activate(&self, caller: &Caller, id: &ConnectionId) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if before.tested_at.is_none() {
            return Err(Error::Conflict("sign in through it in a test first"));
        }
        let vouched = before.vouched.or(vouch::by(caller));
        let after = Known { state: ConnectionState::Active, vouched, ..before.clone() };
        self.set_state(&scope, before, after, "sso.connection.activated").await
    }

    /// Lets nobody sign in through it any more. Sessions that there are go on.
    pub async fn deactivate(
        &self,
        caller: &Caller,
        id: &ConnectionId,
    ) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        if before.state != ConnectionState::Active {
            return Err(Error::Conflict("the connection is not active"));
        }
        let after = Known { state: ConnectionState::Off, ..before.clone() };
        self.set_state(&scope, before, after, "sso.connection.deactivated").await
    }

    /// Removes a connection, and whom it means. Members stay.
    pub async fn remove(&self, caller: &Caller, id: &ConnectionId) -> Result<(), Error> {
        let scope = self.may_change(caller).await?;
        let known = self.one(&scope, id).await?;
        if known.state == ConnectionState::Active {
            return Err(Error::Conflict("switch the connection off first"));
        }
        let mut change = Change::begin(&self.0.record, &scope).await?;
        for statement in [
            sql::FLOWS_DROP,
            sql::SEEN_DROP,
            sql::CAPTURED_DROP,
            sql::IDENTITIES_DROP,
            sql::VISITS_DROP,
        ] {
            change.run(statement, args![id.as_str()]).await?;
        }
        if change.run(sql::REMOVE, args![id.as_str()]).await? == 0 {
            return Err(Error::NotFound);
        }
        change.commit(events::removed(&known)).await?;
        Ok(())
    }

    pub(crate) async fn set_state(
        &self,
        scope: &Scope,
        before: Known,
        after: Known,
        action: &'static str,
    ) -> Result<Connection, Error> {
        let after = Known { changed_at: self.now(), ..after };
        let mut change = Change::begin(&self.0.record, scope).await?;
        self.put(&mut change, scope, &after).await?;
        change.commit(events::state(action, &before, &after)).await?;
        self.get(scope.caller(), &after.id).await
    }

    /// A connection of the org, with its secrets.
    pub(crate) async fn one(&self, scope: &Scope, id: &ConnectionId) -> Result<Known, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::ONE, args![id.as_str()]).await?;
        Ok(self.known(scope, &row.ok_or(Error::NotFound)?)?)
    }

    async fn add(&self, change: &mut Change, scope: &Scope, known: &Known) -> Result<(), Error> {
        let args = args![
            known.id.as_str(),
            known.kind.as_str(),
            known.guide.as_str(),
            &known.name,
            known.source.as_deref(),
            known.client_id.as_deref(),
            self.sealed_secret(scope, known)?,
            self.sealed_keys(scope, &known.id, &known.keys)?,
            json(&known.policy)?,
            json(&known.mapping)?,
            vouch::to_json(known.vouched)?,
            known.created_at,
        ];
        change.run(sql::ADD, args).await?;
        if let Some(provider) = &known.provider {
            self.put_provider(change, known, provider, known.source.as_deref()).await?;
        }
        Ok(())
    }

    /// Writes what an admin decides, if nobody changed it since it was read.
    pub(crate) async fn put(
        &self,
        change: &mut Change,
        scope: &Scope,
        after: &Known,
    ) -> Result<(), Error> {
        let args = args![
            after.id.as_str(),
            &after.name,
            after.state.as_str(),
            after.source.as_deref(),
            after.client_id.as_deref(),
            self.sealed_secret(scope, after)?,
            self.sealed_keys(scope, &after.id, &after.keys)?,
            json(&after.policy)?,
            json(&after.mapping)?,
            vouch::to_json(after.vouched)?,
            after.changed_at,
            after.tested_at,
            after.version,
        ];
        if change.run(sql::CHANGE, args).await? == 0 { Err(Error::Moved) } else { Ok(()) }
    }

    fn sealed_secret(&self, scope: &Scope, known: &Known) -> Result<Value, Error> {
        let Some(secret) = &known.client_secret else { return Ok(Value::Bytes(None)) };
        let place = Place::ClientSecret(&known.id);
        Ok(Value::from(self.0.seals.seal(scope, place, secret.reveal().as_bytes())?))
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|cause| Error::Machine(cause.into()))
}

/// Who we are at an `OpenID` provider. It is known there only once we are.
fn client(checks: &mut Checks, new: &NewConnection) -> (Option<String>, Option<Secret>) {
    let secret = new.client_secret.as_ref();
    for (pointer, text) in
        [("/client_id", new.client_id.as_deref()), ("/client_secret", secret.map(Secret::reveal))]
    {
        if let Some(text) = text {
            credential(checks, pointer, new.kind, text);
        }
    }
    (new.client_id.as_deref().map(|id| id.trim().to_owned()), secret.cloned())
}

fn credential(checks: &mut Checks, pointer: &str, kind: Kind, text: &str) {
    let fits = (1..=CLIENT_CHARS_MAX).contains(&text.trim().chars().count())
        && !text.contains(char::is_control);
    match kind {
        Kind::Oidc if fits => {}
        Kind::Oidc => checks.refuse(pointer, "must have 1 to 512 characters"),
        Kind::Saml => checks.refuse(pointer, "has no place in SAML"),
    }
}
