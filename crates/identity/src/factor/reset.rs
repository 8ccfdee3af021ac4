//! Whoever lost their phone and their recovery codes is helped by somebody who may as
//! much as they may.

use access::{Actor, Caller, MemberId, Permission};
use audit::Event;
use base::args;
use serde_json::json;

use super::letters::Notice;
use crate::{Error, Identity, sql};

impl Identity {
    /// Takes away all second factors of a member and ends their sessions: they sign in
    /// with what else lets them in, and set a new one. With a password link this makes
    /// somebody that member: it takes the same permissions.
    pub async fn reset_factors(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        caller.recent_factor()?;
        if caller.actor == Actor::Member(id.clone()) {
            return Err(Error::Conflict("your own second factors are changed under your own name"));
        }
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let member = work.member(id).await?;
        let reach = held.or(work.role(&member.role).await?.unwrap_or_default());
        work.gives(caller, reach)?;
        let factors = work.held(id).await?;
        work.drop_factors(id).await?;
        work.removed_factor(caller, id).await?;
        work.change.run(sql::SESSIONS_REVOKE, args![id.as_str(), "", self.now()]).await?;
        let event = Event::done("identity.factors.reset", "member", id.as_str());
        let changes = json!({
            "passkeys": {"from": factors.passkeys, "to": 0}, "apps": {"from": factors.apps, "to": 0},
        });
        self.commit(work, event.changes(changes)).await?;
        self.tell(caller, id, Notice::Reset).await;
        Ok(())
    }
}

impl crate::room::Work {
    /// Everything that a member could show.
    pub(crate) async fn drop_factors(&mut self, id: &MemberId) -> Result<(), Error> {
        for statement in [sql::PASSKEYS_DROP, sql::AUTHENTICATOR_DROP, sql::RECOVERY_DROP] {
            self.change.run(statement, args![id.as_str()]).await?;
        }
        Ok(())
    }
}
