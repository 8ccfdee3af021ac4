//! "May they, and why not?": the decision without the act.

use access::{Access, Caller, Decision, Permission, Resource};
use serde::Deserialize;

use crate::check::Checks;
use crate::subject::{Owner, Subject};
use crate::{Error, Identity};

/// What to decide on.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What is wanted: `patterns:read`.
    pub permission: String,
    /// On what: `{"kind": "pattern", "id": "pat_…"}`.
    #[schema(value_type = Option<Object>)]
    pub resource: Option<Resource>,
    /// Who wants it: the id of a member, a service account or a key; absent: the
    /// caller. About somebody else it needs `users:read`.
    pub subject: Option<String>,
}

impl Identity {
    /// The decision, as it would be made and recorded if it were asked for real.
    pub async fn check_access(&self, caller: &Caller, check: &Check) -> Result<Decision, Error> {
        let mut checks = Checks::default();
        let permission = check.permission.parse::<Permission>();
        if let Err(error) = &permission {
            checks.refuse("/permission", error.to_string());
        }
        let subject = check.subject.as_ref().map(|subject| subject.parse::<Subject>());
        if let Some(Err(_) | Ok(Subject::Team(_))) = subject {
            checks.refuse("/subject", "must be the id of a member, a service account or a key");
        }
        checks.done()?;
        let permission = permission.map_err(|_| Error::NotFound)?;
        let resource = check.resource.as_ref();
        let Some(Ok(subject)) = subject else {
            return Ok(caller.decide(permission, resource));
        };
        if subject.as_str() != caller.actor.id() {
            caller.require(Permission::UsersRead)?;
        }
        let org = self.own(caller).await?;
        let holder = |owner| org.holder(&owner).map(|holder| holder.access.clone());
        let access: Option<std::sync::Arc<Access>> = match subject {
            Subject::Member(id) => holder(Owner::Member(id)),
            Subject::Service(id) => holder(Owner::Service(id)),
            Subject::Key(id) => org.key_of_id(&id).map(|key| key.access.clone()),
            Subject::Team(_) => None,
        };
        Ok(access.ok_or(Error::NotFound)?.decide(permission, resource))
    }
}
