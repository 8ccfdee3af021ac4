//! Invitations: a link that lets one person in, once.

use access::{Caller, MemberId, Origin, Permission, PermissionSet};
use audit::Event;
use base::args;
use base::secret::Secret;
use base::time::At;
use serde::Deserialize;
use serde_json::json;

use crate::address::Place;
use crate::authority::maker;
use crate::check::{Checks, PeopleChecks as _};
use crate::key::{Kind, Token};
use crate::member::{Member, MemberState};
use crate::reset::member_alone;
use crate::subject::InvitationId;
use crate::{Error, Identity, sql};

/// Somebody to be invited.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Their e-mail address.
    pub email: String,
    /// A built-in role or a custom one.
    pub role: String,
}

/// An invitation that was made.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The member to be.
    pub member: Member,
    /// The secret of the link, shown once.
    pub token: Secret,
    /// Until when it can be accepted.
    pub expires_at: At,
    /// Whether the mail server took the link; none: there is no mail server.
    pub mailed: Option<bool>,
}

/// The answer to an invitation.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The secret of the link.
    pub token: Secret,
    /// What people call the new member.
    pub name: String,
    /// What they will sign in with.
    pub password: Secret,
}

impl Identity {
    /// Invites somebody. The link is shown once and stored as a keyed hash; where there
    /// is a mail server it is mailed too.
    pub async fn invite(&self, caller: &Caller, invite: &Invite) -> Result<Invited, Error> {
        let scope = caller.require(Permission::UsersCreate)?;
        caller.recent_factor()?;
        let mut checks = Checks::default();
        let email = checks.email("/email", &invite.email);
        checks.done()?;
        let macs = self.macs(caller.region).ok_or(Error::WrongRegion(caller.region))?;
        let token = Token::fresh(Kind::Invitation, &caller.org, caller.region)?;
        let tag = macs.invitation.tag(token.text.as_bytes());
        let at = self.now();
        let member = Member {
            id: MemberId::new(at),
            name: email.clone(),
            email,
            role: invite.role.clone(),
            state: MemberState::Invited,
            created_at: at,
        };
        let lifetime = self.0.config.invitation_lifetime_secs;
        let expires_at = at + jiff::SignedDuration::from_secs(lifetime);
        let mut work = self.begin(&scope).await?;
        work.giving(caller, "/role", &member.role).await?;
        work.add_member(&member, None).await?;
        let id = InvitationId::new(at);
        let by = maker(caller);
        let args = args![id.as_str(), member.id.as_str(), tag.as_slice(), at, expires_at, by];
        work.change.run(sql::INVITATION_ADD, args).await?;
        let event = Event::done("identity.member.invited", "member", member.id.as_str());
        let event = event.changes(json!({
            "role": {"to": member.role}, "expires_at": {"to": expires_at},
        }));
        self.commit(work, event).await?;
        let token = Secret::new(token.text);
        let mut made = Invited { member, token, expires_at, mailed: None };
        made.mailed = self.mail_invitation(caller, &made).await;
        Ok(made)
    }

    /// Lets an invited person in. Needs no credentials but the link.
    pub async fn accept(&self, accept: &Accept, origin: Origin) -> Result<Member, Error> {
        let mut checks = Checks::default();
        let name = checks.name("/name", &accept.name);
        checks.password("/password", &accept.password);
        checks.done()?;
        // Before anything is looked up or hashed: a flood from one place stops here.
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let token = Token::parse(Kind::Invitation, accept.token.reveal());
        let token = token.map_err(|_| Error::Invitation)?;
        let macs = self.macs(token.region).ok_or(Error::WrongRegion(token.region))?;
        let tag = macs.invitation.tag(token.text.as_bytes());
        let token = self.at_home(token);
        let node = Caller::node(token.org.clone(), token.region, "invitation").itself();
        let found = self.0.databases.of(&node)?;
        let found = found.maybe(sql::INVITATION_BY_TAG, args![tag.as_slice()]).await?;
        let found = found.ok_or(Error::Invitation)?;
        if found.opt_at("used_at")?.is_some() || found.at("expires_at")? <= self.now() {
            return Err(Error::Invitation);
        }
        let (invitation, id) =
            (found.text("invitation_id")?, found.parse::<MemberId>("member_id")?);
        let who = member_alone(token, &id, origin);
        self.admit(&who).await?;
        self.may_have_password(&who, &id).await?;
        let hash = self.0.passwords.hash(&accept.password).await?;
        let mut work = self.begin(&who.itself()).await?;
        let used = work.change.run(sql::INVITATION_USE, args![&invitation, self.now()]).await?;
        let let_in = work.change.run(sql::MEMBER_ACCEPT, args![id.as_str(), &name, hash]).await?;
        if (used, let_in) != (1, 1) {
            return Err(Error::Invitation);
        }
        let member = work.member(&id).await?;
        if !work.is_worth(&found, PermissionSet::ALL, &id).await? {
            return Err(Error::Invitation);
        }
        let event = Event::done("identity.member.joined", "member", id.as_str());
        let changes = json!({"state": {"from": "invited", "to": "active"}});
        self.commit(work, event.changes(changes)).await?;
        self.0.places.forgive(place);
        Ok(member)
    }
}
