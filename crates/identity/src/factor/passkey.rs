//! Passkeys: added, renamed and removed by their members.

use access::Caller;
use audit::{Event, Outcome};
use base::args;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid};

use super::Ceremony;
use super::ceremony::{For, handle};
use super::held::{Passkey, not_confined, own_session};
use super::letters::Notice;
use crate::check::Checks;
use crate::org::exists;
use crate::subject::PasskeyId;
use crate::{Error, Identity, sql};

/// Passkeys of one member at most: as many as a page shows.
const PASSKEYS_MAX: u64 = 20;
/// Bytes of a credential's id at most: what the standard lets it have.
const CREDENTIAL_ID_MAX: usize = 1023;

/// A passkey that an authenticator just made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What the beginning gave.
    pub ceremony: String,
    /// What its member will call it.
    pub name: String,
    /// What `navigator.credentials.create` gave, as JSON.
    pub response: Value,
}

/// Another name for a passkey.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyName {
    /// What its member calls it.
    pub name: String,
}

impl Identity {
    /// Begins to add a passkey.
    pub async fn begin_passkey(&self, caller: &Caller) -> Result<Ceremony, Error> {
        let (id, _) = own_session(caller)?;
        self.may_add(caller, id).await?;
        let webauthn = self.0.relying_party.get()?;
        let viewer = self.viewer(caller).await?;
        let scope = caller.itself();
        let known = self.0.databases.of(&scope)?;
        let known = known.all(sql::PASSKEYS_OF, args![id.as_str()]).await?;
        let known = known.iter().map(|row| {
            let text = row.text("credential_id")?;
            Ok(URL_SAFE_NO_PAD.decode(text).unwrap_or_default())
        });
        let known = known.collect::<Result<Vec<_>, Error>>()?;
        // Whoever belongs to several orgs tells their passkeys apart by this.
        let account =
            format!("{} · {}", viewer.email.as_deref().unwrap_or(&viewer.name), viewer.org_slug);
        let begun =
            webauthn.start_passkey_registration(Uuid::nil(), &account, &viewer.name, Some(known));
        let (asked, state) = begun.map_err(|_| Error::Passkey)?;
        let broken = |cause| Error::Machine(std::io::Error::other(cause));
        let mut options = serde_json::to_value(asked.public_key).map_err(broken)?;
        let handle = URL_SAFE_NO_PAD.encode(handle(&caller.org, caller.region, id));
        let mut set = |pointer: &str, name: &str, value: Value| {
            let place = options.pointer_mut(pointer).and_then(Value::as_object_mut);
            place.map(|place| place.insert(name.to_owned(), value));
        };
        set("/user", "id", handle.into());
        // Where the authenticator can, it finds the member by itself at the next sign-in.
        set("/authenticatorSelection", "residentKey", "preferred".into());
        let ceremony = self.begin_ceremony(caller.region, For::Passkey(caller, id), state)?;
        Ok(Ceremony { ceremony, options })
    }

    /// Adds the passkey that an authenticator made.
    pub async fn add_passkey(&self, caller: &Caller, new: &NewPasskey) -> Result<Passkey, Error> {
        let (id, _) = own_session(caller)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        checks.done()?;
        let open = self.open_ceremony(For::Passkey(caller, id), &new.ceremony)?;
        let (state, over): (PasskeyRegistration, _) = open.over();
        let webauthn = self.0.relying_party.get()?;
        let made = serde_json::from_value::<RegisterPublicKeyCredential>(new.response.clone());
        let made = made.ok().and_then(|made| {
            let made = webauthn.finish_passkey_registration(&made, &state).ok()?;
            (made.cred_id().len() <= CREDENTIAL_ID_MAX).then_some(made)
        });
        let Some(credential) = made else {
            let event = Event::done("identity.factor.refused", "member", id.as_str());
            let event = event.outcome(Outcome::Denied).reason(json!({"code": "wrong_passkey"}));
            self.0.record.note(caller, &event).await?;
            return Err(Error::Passkey);
        };
        let at = self.now();
        let passkey = Passkey { id: PasskeyId::new(at), name, created_at: at, last_used_at: None };
        let mut work = self.begin(&caller.itself()).await?;
        let held = work.add_factor(caller, id, at).await?;
        if held.passkeys >= PASSKEYS_MAX {
            return Err(Error::Conflict("you have 20 passkeys already: remove some"));
        }
        over.write(&mut work.change, at).await?;
        let broken = |cause| Error::Machine(std::io::Error::other(cause));
        let stored = serde_json::to_value(&credential).map_err(broken)?;
        let counter = stored.pointer("/cred/counter").and_then(Value::as_i64).unwrap_or_default();
        let args = args![
            passkey.id.as_str(),
            id.as_str(),
            URL_SAFE_NO_PAD.encode(credential.cred_id()),
            &passkey.name,
            stored.to_string(),
            counter,
            at,
        ];
        let added = work.change.run(sql::PASSKEY_ADD, args).await;
        added.map_err(|error| exists(error, "passkey"))?;
        let event = Event::done("identity.factor.added", "passkey", passkey.id.as_str());
        self.commit(work, event.changes(json!({"kind": {"to": "passkey"}}))).await?;
        self.tell(caller, id, Notice::Added("a passkey")).await;
        Ok(passkey)
    }

    /// Gives one of the caller's own passkeys another name.
    pub async fn rename_passkey(
        &self,
        caller: &Caller,
        passkey: &PasskeyId,
        name: &PasskeyName,
    ) -> Result<(), Error> {
        let (id, _) = own_session(caller)?;
        not_confined(caller)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &name.name);
        checks.done()?;
        let mut work = self.begin(&caller.itself()).await?;
        let args = args![id.as_str(), passkey.as_str(), name];
        if work.change.run(sql::PASSKEY_RENAME, args).await? == 0 {
            return Err(Error::NotFound);
        }
        self.commit(work, Event::done("identity.passkey.renamed", "passkey", passkey.as_str()))
            .await?;
        Ok(())
    }

    /// Removes one of the caller's own passkeys.
    pub async fn remove_passkey(&self, caller: &Caller, passkey: &PasskeyId) -> Result<(), Error> {
        let (id, _) = own_session(caller)?;
        caller.recent_factor()?;
        let mut work = self.begin(&caller.itself()).await?;
        let args = args![id.as_str(), passkey.as_str()];
        if work.change.run(sql::PASSKEY_REMOVE, args).await? == 0 {
            return Err(Error::NotFound);
        }
        work.removed_factor(caller, id).await?;
        let event = Event::done("identity.factor.removed", "passkey", passkey.as_str());
        self.commit(work, event.changes(json!({"kind": {"from": "passkey"}}))).await?;
        self.tell(caller, id, Notice::Removed("a passkey")).await;
        Ok(())
    }
}
