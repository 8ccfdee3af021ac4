//! What members change of themselves.

use access::{Caller, MemberId};
use audit::Event;
use base::args;
use serde::Deserialize;
use serde_json::json;

use crate::check::Checks;
use crate::member::{Member, standing};
use crate::{Error, Identity, sql};

/// What members can change of themselves.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPatch {
    /// What people call them.
    pub name: String,
}

impl Identity {
    /// The member that the caller is.
    pub async fn me(&self, caller: &Caller) -> Result<Member, Error> {
        let id = member(caller)?;
        let scope = caller.itself();
        let row = self.0.databases.of(&scope)?.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?;
        standing(row.as_ref())
    }

    /// Changes the caller's own name.
    pub async fn change_me(&self, caller: &Caller, patch: &OwnPatch) -> Result<Member, Error> {
        let id = member(caller)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &patch.name);
        checks.done()?;
        let mut work = self.begin(&caller.itself()).await?;
        let before = work.member(id).await?;
        let after = Member { name, ..before.clone() };
        let args = args![id.as_str(), &after.name, &after.role, after.state.as_str()];
        work.change.run(sql::MEMBER_CHANGE, args).await?;
        // Names of people are not kept in the record.
        let event = Event::done("identity.member.renamed", "member", id.as_str());
        let changes = json!({"renamed": before.name != after.name});
        self.commit(work, event.changes(changes)).await?;
        Ok(after)
    }
}

/// The member that the caller is.
pub(crate) fn member(caller: &Caller) -> Result<&MemberId, Error> {
    caller.actor.member().ok_or(Error::NotAMember)
}
