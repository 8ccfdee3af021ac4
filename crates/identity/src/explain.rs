//! "May they, and why not?": the decision without the act.

use access::{Caller, Decision, Permission, Resource, Thing};
use base::time::At;
use serde::{Deserialize, Serialize};

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

/// The decision, and what guardrails have to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Checked {
    /// The decision.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub decision: Decision,
    /// Whether guardrails had their say in it.
    pub guardrails: Guardrails,
}

/// What guardrails have to do with a decision that nobody acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guardrails {
    /// The org has none.
    None,
    /// It is about the caller, and they were judged by the circumstances of this very
    /// request: where from, when, how signed in. `policies` names those that forbid it.
    Judged,
    /// It is about somebody else, whose circumstances are not known: guardrails may forbid
    /// in some of them what is allowed here.
    NotJudged,
}

impl Identity {
    /// The decision, as it would be made and recorded if it were asked for real.
    pub async fn check_access(&self, caller: &Caller, check: &Check) -> Result<Checked, Error> {
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
        let on = resource.map(Thing::of);
        let org = self.own(caller).await?;
        let guarded = org.is_guarded() || caller.standing.guard.is_some();
        let checked = |decision, judged: Guardrails| Checked {
            decision,
            guardrails: if guarded { judged } else { Guardrails::None },
        };
        let subject = subject.and_then(Result::ok).filter(|subject| !asks(caller, subject));
        let Some(subject) = subject else {
            let models = caller.models.as_deref();
            let on = match resource {
                Some(resource) => Some(self.thing(caller, permission, resource).await?),
                None => None,
            };
            let decision = within(models, resource, caller.decide(permission, on));
            return Ok(checked(decision, Guardrails::Judged));
        };
        if subject.as_str() != caller.actor.id() {
            caller.require(Permission::UsersRead)?;
        }
        let holder = |owner| {
            let holder = org.holder(&owner)?;
            Some(acting(Some(holder.state), holder.access.decide(permission, on)))
        };
        let decision = match subject {
            Subject::Member(id) => holder(Owner::Member(id)),
            Subject::Service(id) => holder(Owner::Service(id)),
            Subject::Key(id) => org.key_of_id(&id).map(|key| {
                let decision = key.access.decide(permission, on);
                let decision = within(key.models.as_deref(), resource, decision);
                alive(key, self.now(), acting(key.owner_state, decision))
            }),
            Subject::Team(_) => None,
        };
        Ok(checked(decision.ok_or(Error::NotFound)?, Guardrails::NotJudged))
    }
}

/// Whether it is the caller who is asked about, with what they show: a key is not its
/// owner, who may more.
fn asks(caller: &Caller, subject: &Subject) -> bool {
    match subject {
        Subject::Key(id) => caller.key.as_ref() == Some(id),
        Subject::Member(_) | Subject::Service(_) => {
            caller.key.is_none() && subject.as_str() == caller.actor.id()
        }
        Subject::Team(_) => false,
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
