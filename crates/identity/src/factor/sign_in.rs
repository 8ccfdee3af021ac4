//! Signing in with a passkey alone: it says whose it is, and is two factors in one.

use access::{Caller, Method, Origin};
use serde::Deserialize;
use serde_json::Value;
use webauthn_rs::prelude::DiscoverableAuthentication;

use super::Ceremony;
use super::assertion::{answer, options};
use super::ceremony::{For, of_handle};
use crate::address::Place;
use crate::birth::{Birth, Proof};
use crate::identify::powerless;
use crate::member::MemberState;
use crate::subject::Owner;
use crate::{Error, Identity, SignedIn};

/// A passkey that somebody signs in with.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeySignIn {
    /// What the beginning gave.
    pub ceremony: String,
    /// What `navigator.credentials.get` gave, as JSON.
    pub response: Value,
}

impl Identity {
    /// Begins to sign in with a passkey: nobody knows yet whose. Costs a stranger as
    /// much as us, and leaves nothing behind.
    pub fn begin_passkey_sign_in(&self) -> Result<Ceremony, Error> {
        let webauthn = self.0.relying_party.get()?;
        let begun = webauthn.start_discoverable_authentication();
        let (asked, state) = begun.map_err(|_| Error::Passkey)?;
        let region = self.first_region().ok_or(Error::Busy)?;
        let ceremony = self.begin_ceremony(region, For::SignIn, state)?;
        Ok(Ceremony { ceremony, options: options(asked, None)? })
    }

    /// Signs in with a passkey. Why one is not accepted is in the record alone.
    pub async fn sign_in_by_passkey(
        &self,
        ask: &PasskeySignIn,
        origin: Origin,
    ) -> Result<SignedIn, Error> {
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let open = self.open_ceremony(For::SignIn, &ask.ceremony)?;
        let (state, over): (DiscoverableAuthentication, _) = open.over();
        let answer = answer(&ask.response)?;
        let named = answer.get_user_unique_id().and_then(of_handle);
        let (org, region, member) = named.ok_or(Error::Passkey)?;
        if self.macs(region).is_none() {
            return Err(Error::WrongRegion(region));
        }
        let snapshot = self.snapshot(&org, region).await?.ok_or(Error::Passkey)?;
        let owner = Owner::Member(member.clone());
        let who = powerless(&org, region, owner.actor(), None, origin.clone());
        let node = Caller::node(org, region, "sign-in").itself();
        let assertion = match self.check(&node, &member, &answer, (state, over)).await? {
            Ok(assertion) => assertion,
            Err(why) => {
                self.not_let_in(&who, member.as_str(), why).await?;
                return Err(Error::Passkey);
            }
        };
        let holder = snapshot.holder(&owner);
        let Some(holder) = holder.filter(|holder| holder.state == MemberState::Active) else {
            self.not_let_in(&who, member.as_str(), "not_active").await?;
            return Err(Error::Passkey);
        };
        if !snapshot.lets_in(holder, Method::Passkey) {
            self.not_let_in(&who, member.as_str(), "sso_enforced").await?;
            return Err(Error::SignInBySso);
        }
        let birth = Birth::of(member.clone(), Method::Passkey, Some(self.now()));
        let proof = Proof::Passkey(assertion);
        let signed_in = self.begin_session(&snapshot, holder, birth, proof, origin).await?;
        self.0.places.forgive(place);
        self.0.lockout.clear(member.as_str(), place);
        if snapshot.rules.enforce_sso() {
            self.alarm(&signed_in.caller, &member).await?;
        }
        Ok(signed_in)
    }
}
