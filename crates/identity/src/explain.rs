//! "May they, and why not?": the decision without the act.

use access::{Caller, Decision, Permission, Resource};
use base::time::At;
use serde::Deserialize;

use crate::check::Checks;
use crate::member::MemberState;
use crate::snapshot::KeyEntry;
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
            let models = caller.models.as_deref();
            return Ok(within(models, resource, caller.decide(permission, resource)));
        };
        if subject.as_str() != caller.actor.id() {
            caller.require(Permission::UsersRead)?;
        }
        let org = self.own(caller).await?;
        let holder = |owner| {
            let holder = org.holder(&owner)?;
            Some(acting(Some(holder.state), holder.access.decide(permission, resource)))
        };
        let decision = match subject {
            Subject::Member(id) => holder(Owner::Member(id)),
            Subject::Service(id) => holder(Owner::Service(id)),
            Subject::Key(id) => org.key_of_id(&id).map(|key| {
                let decision = key.access.decide(permission, resource);
                let decision = within(key.models.as_deref(), resource, decision);
                alive(key, self.now(), acting(key.owner_state, decision))
            }),
            Subject::Team(_) => None,
        };
        decision.ok_or(Error::NotFound)
    }
}

/// A key that may call some models only may not call others, whatever its roles say.
fn within(models: Option<&[String]>, on: Option<&Resource>, decision: Decision) -> Decision {
    let model = on.filter(|on| on.kind == "model").map(|on| &on.id);
    match (models, model) {
        (Some(models), Some(model)) if !models.contains(model) => {
            refused(decision, format!("the key's own models do not include `{model}`"))
        }
        (Some(_) | None, _) => decision,
    }
}

/// Who may not act may nothing.
fn acting(state: Option<MemberState>, decision: Decision) -> Decision {
    match state {
        Some(MemberState::Active) => decision,
        Some(MemberState::Invited) => refused(decision, "the invitation is not accepted yet"),
        Some(MemberState::Suspended) => refused(decision, "the member is suspended"),
        Some(MemberState::Removed) | None => refused(decision, "the owner of the key is gone"),
    }
}

fn alive(key: &KeyEntry, now: At, decision: Decision) -> Decision {
    if key.revoked_at.is_some() {
        return refused(decision, "the key is revoked");
    }
    if key.expires_at.is_some_and(|expires| expires <= now) {
        return refused(decision, "the key has expired");
    }
    decision
}

/// What was refused already keeps its reason.
fn refused(decision: Decision, missing: impl Into<String>) -> Decision {
    if !decision.allowed {
        return decision;
    }
    Decision { allowed: false, granted_by: None, missing: Some(missing.into()), ..decision }
}
