//! An event of the record as the question that it once was.

use std::net::IpAddr;

use access::{Actor, Method, Permission, Resource, TeamId, Thing};
use base::time::At;
use serde::Deserialize;
use serde_json::Value;

use crate::asked::Asked;
use crate::needs::{Needed, needed};

/// What is read of an event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    sequence: i64,
    user_id: String,
    actor_kind: String,
    key_id: Option<String>,
    support_request: Option<String>,
    session: Option<Session>,
    #[serde(default)]
    team_ids: Vec<TeamId>,
    action: String,
    #[serde(default)]
    resource_type: String,
    #[serde(default)]
    resource_id: String,
    outcome: String,
    ip_address: Option<IpAddr>,
    timestamp: At,
    call: Option<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    method: String,
    factor_age_secs: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Call {
    model: String,
    pattern: Option<String>,
}

/// What is known of an event, of what policies can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// How the caller was identified.
    pub(crate) session: bool,
    /// Which thing it was. If not, it was one of many.
    pub(crate) thing: bool,
    /// How sensitive it was then: only where there was no thing at all.
    pub(crate) class: bool,
}

/// One thing that somebody asked for.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) sequence: i64,
    pub(crate) event: String,
    pub(crate) at: At,
    pub(crate) actor: Actor,
    pub(crate) permission: Permission,
    pub(crate) on: Option<Resource>,
    pub(crate) known: Known,
    teams: Vec<TeamId>,
    ip: Option<IpAddr>,
    with_key: bool,
    method: Option<Method>,
    factor_at: Option<At>,
}

/// What an event is to a simulation.
#[derive(Debug)]
pub(crate) enum Told {
    /// A question that guardrails can be asked.
    Asked(Box<Past>),
    /// Nothing that guardrails have a say in.
    Nothing,
    /// It was refused at the time.
    Refused,
    /// Nobody knows what it needed.
    Unknown,
}

/// Reads an event.
pub(crate) fn told(event: &Value) -> Told {
    let Ok(body) = Body::deserialize(event) else { return Told::Unknown };
    let Some(actor) = actor(&body) else { return Told::Nothing };
    if body.outcome == "denied" || body.action.ends_with(".refused") {
        return Told::Refused;
    }
    let needs = needs(&body);
    let Some((permission, on, thing_unknown)) = needs else {
        let free = needed(&body.action) == Needed::Nothing;
        return if free { Told::Nothing } else { Told::Unknown };
    };
    // Whoever teaches is asked about what they teach, too.
    let known = Known {
        session: body.key_id.is_some() || body.session.is_some(),
        thing: !thing_unknown,
        class: !thing_unknown && on.is_none() && permission != Permission::PatternsCreate,
    };
    let method = body.session.as_ref().and_then(|session| Method::named(&session.method));
    let age = body.session.as_ref().and_then(|session| session.factor_age_secs);
    let ago =
        age.and_then(|age| body.timestamp.checked_sub(jiff::SignedDuration::from_secs(age)).ok());
    Told::Asked(Box::new(Past {
        sequence: body.sequence,
        with_key: body.key_id.is_some(),
        event: body.action,
        at: body.timestamp,
        actor,
        permission,
        on,
        known,
        teams: body.team_ids,
        ip: body.ip_address,
        method,
        factor_at: ago,
    }))
}

/// Who asked; none: somebody whom guardrails do not narrow.
fn actor(body: &Body) -> Option<Actor> {
    match body.actor_kind.as_str() {
        "member" => body.user_id.parse().ok().map(Actor::Member),
        "service_account" => body.user_id.parse().ok().map(Actor::Service),
        "operator" if body.support_request.is_some() => Some(Actor::Operator(body.user_id.clone())),
        _ => None,
    }
}

/// The permission, on what, and whether it was on something that is not told.
fn needs(body: &Body) -> Option<(Permission, Option<Resource>, bool)> {
    if body.action == "gateway.call.started" {
        let call = body.call.as_ref()?;
        // A pattern stands there by its short name and version; policies name its id.
        return Some(match call.pattern {
            Some(_) => (Permission::PatternsRun, None, true),
            None => (Permission::ModelsInvoke, Some(Resource::new("model", &call.model)), false),
        });
    }
    let Needed::This(permission) = needed(&body.action) else { return None };
    let on = (body.resource_type == "pattern" && permission == Permission::PatternsPublish)
        .then(|| Resource::new("pattern", &body.resource_id));
    Some((permission, on, false))
}

impl Past {
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            actor: &self.actor,
            teams: &self.teams,
            access: None,
            ip: self.ip,
            with_key: self.with_key,
            method: self.method,
            factor_at: self.factor_at,
            at: Some(self.at),
            on: self.on.as_ref().map(Thing::of),
        }
    }
}
