//! Signing in with a password. Who gets it wrong learns nothing, and in the same time.

use access::{Actor, Caller, Method, Origin};
use base::args;
use base::secret::Secret;
use base::time::At;
use serde::Deserialize;

use crate::address::Place;
use crate::birth::{Birth, Proof};
use crate::check::{Checks, PASSWORD_MAX};
use crate::identify::powerless;
use crate::member::{Member, MemberState};
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// Somebody who wants in.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The id or short name of the org: one address may be a member of several.
    pub org: String,
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret,
}

/// Somebody who is in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// For the cookie, and shown nowhere else.
    pub token: Secret,
    /// Until when at most.
    pub expires_at: At,
}

impl Identity {
    /// Begins a session. An unknown org, an unknown address and a wrong password
    /// look alike.
    pub async fn sign_in(&self, ask: &SignIn, origin: Origin) -> Result<SignedIn, Error> {
        let mut checks = Checks::default();
        if ask.password.reveal().chars().count() > PASSWORD_MAX {
            checks.refuse("/password", "must have at most 256 characters");
        }
        if ask.email.len() > 254 || ask.org.len() > 100 {
            checks.refuse("/email", "is too long");
        }
        checks.done()?;
        // Before anything is looked up or hashed: a flood from one place stops here.
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let email = ask.email.trim().to_lowercase();
        let found = self.0.find_org.find(ask.org.trim()).await.map_err(Error::Problem)?;
        if let Some((_, home)) = &found
            && self.macs(*home).is_none()
        {
            return Err(Error::WrongRegion(*home));
        }
        let node =
            found.as_ref().map(|(org, home)| Caller::node(org.clone(), *home, "sign-in").itself());
        let row = match &node {
            Some(node) => {
                let db = self.0.databases.of(node)?;
                db.maybe(sql::MEMBER_BY_EMAIL, args![&email]).await?
            }
            None => None,
        };
        let hash = match &row {
            Some(row) => row.opt_text("password_hash")?,
            None => None,
        };
        let member = row.as_ref().map(Member::of).transpose()?;
        // Members are counted by their id, so that the same count holds when they
        // change their password.
        let name = match (&member, &found) {
            (Some(member), _) => member.id.to_string(),
            (None, Some((org, _))) => format!("{org}/{email}"),
            (None, None) => format!("{}/{email}", ask.org.trim()),
        };
        let turn = self.0.passwords.turn().await?;
        self.0.lockout.attempt(&name, place, self.now())?;
        let right = self.0.passwords.verify(&turn, &ask.password, hash.as_deref()).await?;
        drop(turn);
        let active = member.as_ref().filter(|member| member.state == MemberState::Active);
        let snapshot = match &found {
            Some((org, region)) => self.snapshot(org, *region).await?,
            None => None,
        };
        let holder = snapshot.as_ref().zip(active).and_then(|(snapshot, member)| {
            let holder = snapshot.holder(&Owner::Member(member.id.clone()))?;
            snapshot.lets_in(holder, Method::Password).then_some((snapshot, member, holder))
        });
        let Some((snapshot, member, holder)) = holder.filter(|_| right) else {
            if let Some((org, region)) = &found {
                let actor = match &member {
                    Some(member) => Actor::Member(member.id.clone()),
                    None => Actor::Node("sign-in".to_owned()),
                };
                let who = powerless(org, *region, actor, None, origin);
                self.refusal(&who, member.as_ref(), right).await?;
            }
            // Whoever it was: the org's identity provider is no secret, its members are.
            let by_sso = snapshot.is_some_and(|snapshot| snapshot.rules.enforce_sso());
            return Err(if by_sso { Error::SignInBySso } else { Error::SignIn });
        };
        self.0.places.forgive(place);
        if !holder.factor {
            // Else the code that follows is counted too: a right password buys no guesses.
            self.0.lockout.clear(&name, place);
        }
        let birth = Birth::of(member.id.clone(), Method::Password, None);
        self.begin_session(snapshot, holder, birth, Proof::Password(hash), origin).await
    }

    /// Records who was not let in.
    async fn refusal(
        &self,
        who: &Caller,
        member: Option<&Member>,
        right: bool,
    ) -> Result<(), Error> {
        let code = match member {
            None => "unknown_email",
            Some(_) if !right => "wrong_password",
            Some(member) if member.state == MemberState::Active => "sso_enforced",
            Some(_) => "not_active",
        };
        let id = member.map(|member| member.id.as_str()).unwrap_or_default();
        self.not_let_in(who, id, code).await
    }
}
