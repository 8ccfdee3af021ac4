//! A link with which the org's IT connects its identity provider, without an account: it
//! opens the pages of connections, domains and directories, and nothing else, for one
//! browser, until it ends.

use std::sync::Arc;

use access::{Access, Actor, Caller, Grant, Identified, Origin, Permission, PermissionSet};
use audit::{Change, Event};
use base::args;
use base::db::{DbError, Row};
use base::seal;
use base::secret::Secret;
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::address::Place;
use crate::check::Checks;
use crate::error::{unauthorized, wrong_region};
use crate::identify::{Refused, powerless};
use crate::key::{Kind, Token};
use crate::me::member;
use crate::member::MemberState;
use crate::subject::{Owner, SetupId};
use crate::{Error, Identity, load, sql};

/// Days for which a link is good at most, and if nothing is said.
const DAYS_MAX: u32 = 14;
const DAYS: u32 = 7;
/// Links that are open at once at most.
const OPEN_MAX: u64 = 5;

/// A link to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSetup {
    /// For how many days it is good: 1 to 14; 7 if not given.
    #[serde(default = "days")]
    pub days: u32,
}

const fn days() -> u32 {
    DAYS
}

/// A link, without its secret: that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SetupLink {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SetupId,
    /// The member who made it.
    pub made_by: String,
    /// When.
    #[schema(value_type = String)]
    pub created_at: At,
    /// Until when it is good.
    #[schema(value_type = String)]
    pub expires_at: At,
    /// When it was opened.
    #[schema(value_type = Option<String>)]
    pub begun_at: Option<At>,
    /// When it was ended.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<At>,
}

/// A link that was made, and its secret, which is shown this once.
#[derive(Debug, Clone)]
pub struct SetupIssued {
    /// The link.
    pub link: SetupLink,
    /// What its address ends with.
    pub token: Secret,
}

/// What a link is for: told to whoever has it, before they open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFor {
    /// What people call the org.
    pub org_name: String,
    /// What people call whoever made the link.
    pub made_by: String,
    /// Until when it is good.
    pub expires_at: At,
}

impl SetupLink {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("setup_id")?,
            made_by: row.text("made_by")?,
            created_at: row.at("created_at")?,
            expires_at: row.at("expires_at")?,
            begun_at: row.opt_at("begun_at")?,
            ended_at: row.opt_at("ended_at")?,
        })
    }

    pub(crate) fn is_open(&self, now: At) -> bool {
        self.ended_at.is_none() && self.expires_at > now
    }
}

/// What a guest may: connect identity providers and directories, and claim domains.
fn permissions() -> PermissionSet {
    PermissionSet::exactly([Permission::UsersConnections.as_str()]).unwrap_or_default()
}

impl Identity {
    /// Makes a link. Its secret is shown once and stored as a keyed hash.
    pub async fn make_setup(&self, caller: &Caller, new: &NewSetup) -> Result<SetupIssued, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        caller.recent_factor()?;
        self.not_bound(caller).await?;
        let by = member(caller)?;
        let mut checks = Checks::default();
        if !(1..=DAYS_MAX).contains(&new.days) {
            checks.refuse("/days", "must be 1 to 14");
        }
        checks.done()?;
        let macs = self.macs(caller.region).ok_or(Error::WrongRegion(caller.region))?;
        let token = Token::fresh(Kind::Setup, &caller.org, caller.region)?;
        let tag = macs.setup.tag(token.text.as_bytes());
        let now = self.now();
        let link = SetupLink {
            id: SetupId::new(now),
            made_by: by.to_string(),
            created_at: now,
            expires_at: now + SignedDuration::from_hours(24 * i64::from(new.days)),
            begun_at: None,
            ended_at: None,
        };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let live = change.maybe(sql::SETUPS_LIVE, args![now]).await?;
        if live.map(|row| row.count("live")).transpose()?.unwrap_or_default() >= OPEN_MAX {
            return Err(Error::Conflict("five links are open already: end one first"));
        }
        let args = args![link.id.as_str(), tag.as_slice(), &link.made_by, now, link.expires_at];
        change.run(sql::SETUP_ADD, args).await?;
        let event = Event::done("identity.setup.offered", "setup", link.id.as_str());
        change.commit(event.changes(json!({"expires_at": {"to": link.expires_at}}))).await?;
        Ok(SetupIssued { link, token: Secret::new(token.text) })
    }

    /// The newest links.
    pub async fn setups(&self, caller: &Caller) -> Result<Vec<SetupLink>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let rows = self.0.databases.of(&scope)?.all(sql::SETUP_LIST, args![]).await?;
        Ok(rows.iter().map(SetupLink::of).collect::<Result<_, _>>()?)
    }

    /// Ends a link, and what goes on through it.
    pub async fn end_setup(&self, caller: &Caller, id: &SetupId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::SETUP_END, args![id.as_str(), self.now()]).await? == 0 {
            return Err(Error::NotFound);
        }
        change.commit(Event::done("identity.setup.ended", "setup", id.as_str())).await?;
        Ok(())
    }

    /// What a link is for; refused when it cannot be opened (any more).
    pub async fn setup_for(&self, token: &Secret) -> Result<SetupFor, Error> {
        let (_, found) = self.offered(token).await?;
        Ok(found)
    }

    /// Opens a link for one browser: gives what that browser is known by from now on.
    pub async fn begin_setup(
        &self,
        token: &Secret,
        origin: Origin,
    ) -> Result<(Secret, SetupFor), Error> {
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let (shown, found) = self.offered(token).await?;
        let macs = self.macs(shown.region).ok_or(Error::WrongRegion(shown.region))?;
        let guest = Token::fresh(Kind::Guest, &shown.org, shown.region)?;
        let (tag, guest_tag) =
            (macs.setup.tag(shown.text.as_bytes()), macs.guest.tag(guest.text.as_bytes()));
        let by = Caller::answering(shown.org, shown.region, "setup", origin);
        self.admit(&by).await?;
        let mut change = Change::begin(&self.0.record, &by.itself()).await?;
        let row = change.maybe(sql::SETUP_BY_TAG, args![tag.as_slice()]).await?;
        let id = row.ok_or(Error::Setup)?.text("setup_id")?;
        let args = args![tag.as_slice(), self.now(), guest_tag.as_slice()];
        if change.run(sql::SETUP_BEGIN, args).await? == 0 {
            return Err(Error::Setup);
        }
        change.commit(Event::done("identity.setup.begun", "setup", id)).await?;
        self.0.places.forgive(place);
        Ok((Secret::new(guest.text), found))
    }

    async fn offered(&self, token: &Secret) -> Result<(Token, SetupFor), Error> {
        let token = Token::parse(Kind::Setup, token.reveal()).map_err(|_| Error::Setup)?;
        let macs = self.macs(token.region).ok_or(Error::WrongRegion(token.region))?;
        let tag = macs.setup.tag(token.text.as_bytes());
        let node = Caller::node(token.org.clone(), token.region, "setup").itself();
        let db = self.0.databases.of(&node)?;
        let row = db.maybe(sql::SETUP_BY_TAG, args![tag.as_slice()]).await?;
        let link = SetupLink::of(&row.ok_or(Error::Setup)?)?;
        let org = self.snapshot(&token.org, token.region).await?.ok_or(Error::Setup)?;
        let maker = Owner::Member(link.made_by.parse().map_err(|_| Error::Setup)?);
        let maker = org.holder(&maker).ok_or(Error::Setup)?;
        if link.begun_at.is_some() || !link.is_open(self.now()) {
            return Err(Error::Setup);
        }
        let found = SetupFor {
            org_name: org.org.name.clone(),
            made_by: maker.name.clone(),
            expires_at: link.expires_at,
        };
        Ok((token, found))
    }

    /// Who sets up, from what their browser was given.
    pub(crate) async fn by_guest(&self, token: Token, origin: Origin) -> Result<Caller, Refused> {
        let ended = || unauthorized("session_ended", "the setup link has ended: ask for a new one");
        let Some(macs) = self.macs(token.region) else {
            return Err(wrong_region(token.region).into());
        };
        let tag = macs.guest.tag(token.text.as_bytes());
        let token = self.at_home(token);
        let node = Caller::node(token.org.clone(), token.region, "identity").itself();
        let db = self.0.databases.of(&node).map_err(Error::Db)?;
        let row = db.maybe(sql::SETUP_BY_GUEST, args![tag.as_slice()]).await.map_err(Error::Db)?;
        let Some(row) = row else { return Err(ended().into()) };
        let stored = load::bytes(&row, "guest_tag").map_err(Error::Db)?;
        let link = SetupLink::of(&row).map_err(Error::Db)?;
        let Some(org) = self.snapshot(&token.org, token.region).await? else {
            return Err(ended().into());
        };
        let now = self.now();
        let maker = link.made_by.parse().ok().map(Owner::Member);
        // What whoever made it may not do any more, the link does not do either.
        let maker = maker.and_then(|maker| org.holder(&maker)).filter(|maker| {
            maker.state == MemberState::Active && maker.access.may(Permission::UsersConnections)
        });
        let (Some(maker), true, true) = (maker, seal::equal(&stored, &tag), link.is_open(now))
        else {
            return Err(ended().into());
        };
        let actor = Actor::Guest(link.id.to_string());
        if let Err(problem) = org.rules.admit_person(&origin) {
            let who = powerless(&token.org, token.region, actor, None, origin);
            return Err(Refused { problem, who: Some(who) });
        }
        let grant = Grant {
            role: "setup".to_owned(),
            permissions: permissions(),
            on: None,
            through: format!("setup link {}", link.id),
        };
        Ok(Caller::identified(Identified {
            org: token.org,
            region: token.region,
            actor,
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, org.version)),
            models: None,
            origin,
            standing: org.standing(now, None, &maker.life),
        }))
    }
}
