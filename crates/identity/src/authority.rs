//! What somebody may as of a change. Between the moment at which a request was identified, or
//! a link made, and the one at which it takes effect, what it stands on may have been taken:
//! so it is looked at again behind the lock of the org, where nothing changes any more.

use access::{Actor, Caller, KeyId, MemberId, PermissionSet};
use base::args;
use base::db::{DbError, Row};
use serde_json::json;

use crate::keys::Key;
use crate::member::MemberState;
use crate::room::Work;
use crate::session::Session;
use crate::setup::SetupLink;
use crate::subject::Owner;
use crate::{Error, load, sql};

/// Who answers for a link, as stored.
pub(crate) fn maker(caller: &Caller) -> String {
    let owner = Owner::of(&caller.actor);
    owner.map_or_else(|| caller.actor.kind().to_owned(), |owner| owner.as_str().to_owned())
}

/// Permissions, as stored beside a link or a session.
pub(crate) fn words(set: PermissionSet) -> String {
    json!(set.words()).to_string()
}

/// The same, read again; none: nothing was said.
pub(crate) fn read(row: &Row, column: &'static str) -> Result<Option<PermissionSet>, DbError> {
    Ok(load::list::<String>(row, column)?.map(PermissionSet::of_words))
}

/// What a member or service account may, as of a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authority {
    /// Whether they may act at all.
    pub(crate) acting: bool,
    /// What they may on the whole org, by a key that they show too.
    pub(crate) wide: PermissionSet,
    /// The same, by any of their keys.
    pub(crate) wide_by_any: PermissionSet,
    /// That, and what they may on one thing only.
    pub(crate) power: PermissionSet,
}

impl Authority {
    /// Whether somebody with it still may all this, on the whole org.
    pub(crate) const fn allows(self, all: PermissionSet) -> bool {
        self.acting && self.wide.covers(all)
    }
}

impl Work {
    /// What somebody may, as of this change; whoever is gone may nothing.
    pub(crate) async fn authority(
        &mut self,
        owner: &Owner,
        key: Option<&KeyId>,
    ) -> Result<Authority, Error> {
        let found = match owner {
            Owner::Member(id) => self.member(id).await.map(|of| (of.role, of.state)),
            Owner::Service(id) => self.service(id).await.map(|of| (of.role, MemberState::Active)),
        };
        let (role, state) = match found {
            Err(Error::NotFound) => (String::new(), MemberState::Removed),
            found => found?,
        };
        let own = self.role(&role).await?.unwrap_or_default();
        let (mut wide, mut wide_by_any, mut power) = (own, own, own);
        let key = key.map(KeyId::as_str).unwrap_or_default();
        let args = args![owner.as_str(), key, self.at];
        for row in self.change.all(sql::GRANTS_HELD, args).await? {
            let given = self.role(&row.text("role")?).await?.unwrap_or_default();
            power = power.or(given);
            if row.count("wide")? > 0 {
                wide = wide.or(given);
            }
            if row.count("wide_by_any")? > 0 {
                wide_by_any = wide_by_any.or(given);
            }
        }
        Ok(Authority { acting: state == MemberState::Active, wide, wide_by_any, power })
    }

    /// Whether a link is still worth what whoever it lets in may: neither is that more than
    /// it ever lets in to, nor more than whoever made it may.
    pub(crate) async fn is_worth(
        &mut self,
        link: &Row,
        could: PermissionSet,
        member: &MemberId,
    ) -> Result<bool, Error> {
        let Some(maker) = link.opt_text("made_by")? else { return Ok(false) };
        let reach = self.authority(&Owner::Member(member.clone()), None).await?.power;
        if !could.covers(reach) {
            return Ok(false);
        }
        match maker.parse::<Owner>() {
            Ok(maker) => {
                let maker = self.authority(&maker, None).await?;
                Ok(maker.acting && maker.wide_by_any.covers(reach))
            }
            // The operator, who may everything.
            Err(_) => Ok(true),
        }
    }

    /// Refuses a caller whose credential ended since they were identified, or who may less
    /// than they did then on the whole org. Nothing is read if nothing was changed since.
    pub(crate) async fn still(&mut self, caller: &Caller) -> Result<(), Error> {
        if self.follows(caller.access.version()) {
            return Ok(());
        }
        let still = match (&caller.actor, &caller.key, &caller.standing.session) {
            (Actor::Guest(id), ..) => self.maker_of_setup(id).await?,
            (_, Some(key), _) => self.owner_of_key(caller, key).await?,
            (Actor::Member(member), None, Some(session)) => {
                self.member_of_session(member, &session.id).await?
            }
            // The operator, a node, a directory: they may what the room that lets them in says.
            // Whoever comes by a link: what that is worth is judged where it is used up.
            _ => return Ok(()),
        };
        match still {
            Some(authority) if authority.allows(caller.access.wide()) => Ok(()),
            Some(_) | None => Err(Error::NoLonger),
        }
    }

    async fn owner_of_key(
        &mut self,
        caller: &Caller,
        id: &KeyId,
    ) -> Result<Option<Authority>, Error> {
        let at = self.at;
        let row = self.change.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
        let key = row.as_ref().map(Key::of).transpose()?.filter(|key| key.is_live(at));
        let (Some(key), Some(owner)) = (key, Owner::of(&caller.actor)) else { return Ok(None) };
        let mut authority = self.authority(&owner, Some(id)).await?;
        if let Some(roles) = &key.roles {
            let mut within = PermissionSet::EMPTY;
            for role in roles {
                within = within.or(self.role(role).await?.unwrap_or_default());
            }
            authority.wide = authority.wide.and(within);
        }
        Ok(Some(authority))
    }

    async fn member_of_session(
        &mut self,
        member: &MemberId,
        id: &str,
    ) -> Result<Option<Authority>, Error> {
        let row = self.change.maybe(sql::SESSION_ONE, args![id]).await?;
        let session = row.as_ref().map(Session::of).transpose()?;
        if session.is_none_or(|session| session.revoked_at.is_some()) {
            return Ok(None);
        }
        self.authority(&Owner::Member(member.clone()), None).await.map(Some)
    }

    async fn maker_of_setup(&mut self, id: &str) -> Result<Option<Authority>, Error> {
        let at = self.at;
        let row = self.change.maybe(sql::SETUP_ONE, args![id]).await?;
        let link = row.as_ref().map(SetupLink::of).transpose()?.filter(|link| link.is_open(at));
        let maker = link.and_then(|link| link.made_by.parse().ok()).map(Owner::Member);
        match maker {
            Some(maker) => self.authority(&maker, None).await.map(Some),
            None => Ok(None),
        }
    }
}
