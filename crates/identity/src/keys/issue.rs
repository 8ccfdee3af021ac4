//! Making a key.

use access::{Actor, Caller, KeyId, MemberId, Permission, PermissionSet};
use audit::Event;
use base::args;
use base::secret::Secret;
use base::time::At;
use serde_json::json;

use super::{IssuedKey, Key, NewKey, is_of};
use crate::address::{net, no_net};
use crate::check::Checks;
use crate::key::Presented;
use crate::member::MemberState;
use crate::rights::covers;
use crate::room::Work;
use crate::snapshot::OrgSnapshot;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// Entries of a list that narrows a key at most.
const LIST_MAX: usize = 100;
/// Keys of one owner that live at most.
const LIVE_MAX: i64 = 100;

impl Identity {
    /// Makes a key, for the caller or for somebody the caller may make keys for.
    pub async fn create_key(&self, caller: &Caller, new: &NewKey) -> Result<IssuedKey, Error> {
        caller.recent_factor()?;
        let at = self.now();
        let owner = owner(caller, new)?;
        let mine = is_of(caller, &owner);
        let scope = if mine { caller.itself() } else { caller.require(Permission::UsersKeys)? };
        let key = key(&owner, new, at)?;
        self.not_narrow(caller).await?;
        // Before the change begins: a verb that holds a connection must not wait for another.
        let org = self.own(caller).await?;
        let mut work = self.begin(&scope).await?;
        let reach = work.reach(&org, &owner).await?;
        let cap = match &key.roles {
            Some(roles) => work.roles("/roles", roles).await?,
            None => reach,
        };
        let mut checks = Checks::default();
        if !reach.covers(cap) {
            checks.refuse("/roles", "permit more than the owner of the key may");
        }
        if !mine && must_be_narrowed(caller, &owner) && key.roles.is_none() {
            // Such a key must not grow when its owner is given more.
            checks.refuse("/roles", "are required for a key of another member");
        }
        checks.done()?;
        if !mine {
            covers(caller, cap)?;
        }
        let secret = self.store(caller, &mut work, &owner, &key).await?;
        let event = Event::done("identity.key.created", "key", key.id.as_str());
        let event = event.changes(json!({
            "owner": {"to": key.owner}, "name": {"to": key.name}, "roles": {"to": key.roles},
            "models": {"to": key.models}, "addresses": {"to": key.addresses},
            "expires_at": {"to": key.expires_at},
        }));
        self.commit(work, event).await?;
        Ok(IssuedKey { key, secret })
    }

    /// Stores a key under a fresh secret.
    pub(super) async fn store(
        &self,
        caller: &Caller,
        work: &mut Work,
        owner: &Owner,
        key: &Key,
    ) -> Result<Secret, Error> {
        let live = work.change.maybe(sql::KEYS_LIVE, args![owner.as_str(), key.created_at]).await?;
        if live.map(|row| row.int("live")).transpose()?.unwrap_or_default() >= LIVE_MAX {
            return Err(Error::Conflict("the owner has 100 live keys already: revoke some"));
        }
        let macs = self.macs(caller.region).ok_or(Error::WrongRegion(caller.region))?;
        let (presented, text) = Presented::fresh(&caller.org, caller.region)?;
        let list = |list: &Option<Vec<String>>| list.as_ref().map(|list| json!(list).to_string());
        let args = args![
            key.id.as_str(),
            owner.kind(),
            owner.as_str(),
            &key.name,
            macs.key.tag(presented.hashed()).as_slice(),
            list(&key.roles),
            list(&key.models),
            list(&key.addresses),
            key.replaces.as_ref().map(KeyId::as_str),
            key.created_at,
            key.expires_at,
        ];
        work.change.run(sql::KEY_ADD, args).await?;
        Ok(Secret::new(text))
    }
}

impl Work {
    /// Everything the owner of a key may, be it on one thing only.
    async fn reach(&mut self, org: &OrgSnapshot, owner: &Owner) -> Result<PermissionSet, Error> {
        let role = match owner {
            Owner::Member(id) => acting(self, id).await?,
            Owner::Service(id) => self.service(id).await?.role,
        };
        let role = self.role(&role).await?.unwrap_or_default();
        let given = org.holder(owner).map(|holder| holder.reach);
        Ok(role.or(given.unwrap_or_default()))
    }
}

async fn acting(work: &mut Work, id: &MemberId) -> Result<String, Error> {
    let member = work.member(id).await?;
    match member.state {
        MemberState::Active => Ok(member.role),
        MemberState::Invited | MemberState::Suspended | MemberState::Removed => {
            Err(Error::Conflict("only an active member can have a new key"))
        }
    }
}

fn must_be_narrowed(caller: &Caller, owner: &Owner) -> bool {
    matches!((owner, &caller.actor), (Owner::Member(_), Actor::Member(_) | Actor::Service(_)))
}

fn owner(caller: &Caller, new: &NewKey) -> Result<Owner, Error> {
    let owner = match &new.owner {
        Some(owner) => owner.parse().ok(),
        None => Owner::of(&caller.actor),
    };
    let mut checks = Checks::default();
    if owner.is_none() {
        checks.refuse("/owner", "must be the id of a member or a service account");
    }
    checks.done()?;
    owner.ok_or(Error::NotFound)
}

fn key(owner: &Owner, new: &NewKey, at: At) -> Result<Key, Error> {
    let mut checks = Checks::default();
    let name = checks.name("/name", &new.name);
    if new.expires_at.is_some_and(|expires| expires <= at) {
        checks.refuse("/expires_at", "must be in the future");
    }
    let lists = [("/roles", &new.roles), ("/models", &new.models), ("/addresses", &new.addresses)];
    for (pointer, list) in lists {
        if list.as_ref().is_some_and(|list| list.is_empty() || list.len() > LIST_MAX) {
            checks.refuse(pointer, "must have 1 to 100 entries, or be left out");
        }
    }
    for (place, model) in new.models.iter().flatten().enumerate() {
        checks.name(&format!("/models/{place}"), model);
    }
    let addresses = new.addresses.as_ref().map(|list| {
        let nets = list.iter().enumerate();
        nets.map(|(place, text)| address(&mut checks, place, text)).collect()
    });
    checks.done()?;
    Ok(Key {
        id: KeyId::new(at),
        owner: owner.to_string(),
        name,
        roles: new.roles.clone(),
        models: new.models.clone(),
        addresses,
        replaces: None,
        created_at: at,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    })
}

/// An address or a net, as a net.
fn address(checks: &mut Checks, place: usize, text: &str) -> String {
    if let Some(net) = net(text) {
        return net.to_string();
    }
    checks.refuse(&format!("/addresses/{place}"), no_net(text));
    String::new()
}
