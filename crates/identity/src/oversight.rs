//! Sessions of others: seen and ended by those who govern members.

use access::{Actor, Caller, MemberId, Permission};
use audit::Event;
use base::args;
use base::http::Page;
use serde_json::json;

use crate::member::standing;
use crate::rights::covers;
use crate::{Error, Identity, Session, sql};

impl Identity {
    /// A page of the live sessions of a member.
    pub async fn member_sessions(
        &self,
        caller: &Caller,
        id: &MemberId,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Session>, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let row = self.0.databases.of(&scope)?.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?;
        standing(row.as_ref())?;
        self.live_sessions(&scope, id, None, (after, limit)).await
    }

    /// Ends all sessions of a member: they sign in again. Nobody does that to somebody
    /// who may more.
    pub async fn end_member_sessions(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let member = work.member(id).await?;
        if caller.actor != Actor::Member(id.clone()) {
            let role = work.role(&member.role).await?.unwrap_or_default();
            covers(caller, held.or(role))?;
        }
        let args = args![id.as_str(), "", self.now()];
        let ended = work.change.run(sql::SESSIONS_REVOKE, args).await?;
        let event = Event::done("identity.member.signed_out", "member", id.as_str());
        self.commit(work, event.changes(json!({"sessions": {"ended": ended}}))).await?;
        Ok(())
    }
}
