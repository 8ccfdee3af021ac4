//! An event on its way to the record: encoded once, off the database's path.

use std::borrow::Cow;

use access::{Caller, Method, OrgId, Region, TeamId};
use aws_lc_rs::rand;
use base::db::DbError;
use base::time::At;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Class;
use super::exact::exact;
use super::fields::class_of;
use super::sealed::EMPTY;
use crate::event::{CallFacts, Event, Outcome};
use crate::keys::Holder;

/// Bytes of an event's nonce.
pub(crate) const NONCE_LEN: usize = 16;

/// What an event says, by class, as canonical JSON, and whose key each class is under.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) org: OrgId,
    pub(crate) region: Region,
    pub(crate) at: At,
    pub(crate) action: Cow<'static, str>,
    pub(crate) user: Named,
    pub(crate) resource_type: Cow<'static, str>,
    pub(crate) resource: Named,
    pub(crate) outcome: Cow<'static, str>,
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) core: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) payload_of: Holder,
}

/// An id, and whose key is the key of what stands beside it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) holder: Holder,
}

/// What may never be forgotten. Fields stand as RFC 8785 sorts them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Core<'a> {
    action: &'static str,
    actor_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'a CallFacts>,
    /// For a call: who has it in hand, and would close it after a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    organization_id: &'a str,
    outcome: Outcome,
    region: Region,
    request_id: &'a str,
    /// Of whatever is no person.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a str>,
    resource_type: &'static str,
    timestamp: At,
    v: u8,
}

/// Whoever did it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subject<'a> {
    ip_address: Option<std::net::IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    /// The session, if one was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Shown>,
    /// For whatever the operator's support does: the request that the org consented to.
    #[serde(skip_serializing_if = "Option::is_none")]
    support_request: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    team_ids: &'a [TeamId],
    user_agent: Option<&'a str>,
    user_id: &'a str,
}

/// What it was done to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, Value>>,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<&'a str>,
}

impl Payload<'_> {
    fn is_empty(&self) -> bool {
        self.changes.is_none() && self.reason.is_none() && self.resource_id.is_none()
    }
}

/// How a session stood: what guardrails were judged by.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// How old its second factor was; absent: none was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    factor_age_secs: Option<i64>,
    method: &'static str,
}

impl Shown {
    fn by(caller: &Caller) -> Option<Self> {
        let session = caller.standing.session.as_ref()?;
        let (factor, now) = (session.factor_at, caller.standing.at);
        let age = factor.zip(now).map(|(factor, now)| now.as_second() - factor.as_second());
        Some(Self { method: session.method.as_str(), factor_age_secs: age.map(|age| age.max(0)) })
    }
}

impl Draft {
    /// `node` is noted with calls.
    pub(crate) fn new(
        caller: &Caller,
        event: &Event,
        node: Option<&str>,
        at: At,
    ) -> Result<Self, DbError> {
        let user = Named::new(caller.actor.id());
        let resource = Named::new(&event.resource_id);
        let is_person = resource.holder != Holder::Org;
        let payload_of = Holder::of_payload(event.resource_type, &event.resource_id, &user.holder);
        let core = Core {
            action: event.action,
            actor_kind: caller.actor.kind(),
            call: event.call.as_ref(),
            node: node.filter(|_| event.call.is_some()),
            organization_id: caller.org.as_str(),
            outcome: event.outcome,
            region: caller.region,
            request_id: &caller.origin.request_id,
            resource_id: (!is_person).then_some(&event.resource_id),
            resource_type: event.resource_type,
            timestamp: at,
            v: 1,
        };
        let session = caller.standing.session.as_ref();
        let subject = Subject {
            ip_address: caller.origin.ip,
            key_id: caller.key.as_ref().map(access::KeyId::as_str),
            session: Shown::by(caller),
            support_request: session
                .filter(|session| session.method == Method::Support)
                .map(|session| session.id.as_str()),
            team_ids: &caller.teams,
            user_agent: caller.origin.user_agent.as_deref(),
            user_id: caller.actor.id(),
        };
        let payload = Payload {
            changes: event.changes.as_ref().map(exact),
            reason: event.reason.as_ref().map(exact),
            resource_id: is_person.then_some(&event.resource_id),
        };
        Ok(Self {
            org: caller.org.clone(),
            region: caller.region,
            at,
            action: event.action.into(),
            user,
            resource_type: event.resource_type.into(),
            resource,
            outcome: event.outcome.as_str().into(),
            nonce: nonce()?,
            core: sorted(&core)?,
            subject: sorted(&subject)?,
            payload: if payload.is_empty() { EMPTY.to_vec() } else { canonical(&payload)? },
            payload_of,
        })
    }

    /// An event as version 0 stored it: one object.
    pub(crate) fn of_version_0(
        place: (OrgId, Region),
        at: At,
        event: Map<String, Value>,
    ) -> Result<Self, DbError> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let (action, outcome) = (text("action").to_owned(), text("outcome").to_owned());
        let (user, resource) = (Named::new(text("userId")), Named::new(text("resourceId")));
        let resource_type = text("resourceType").to_owned();
        let payload_of = Holder::of_payload(&resource_type, &resource.id, &user.holder);
        let [mut core, mut subject, mut payload] = [Map::new(), Map::new(), Map::new()];
        for (name, value) in event {
            let of = class_of(&name, resource.holder != Holder::Org);
            if of == Class::Payload && value.is_null() {
                continue;
            }
            let class = match of {
                Class::Core => &mut core,
                Class::Subject => &mut subject,
                Class::Payload => &mut payload,
            };
            class.insert(name, exact(&value).into_owned());
        }
        core.insert("v".to_owned(), 1.into());
        let (org, region) = place;
        Ok(Self {
            org,
            region,
            at,
            action: action.into(),
            user,
            resource_type: resource_type.into(),
            resource,
            outcome: outcome.into(),
            nonce: nonce()?,
            core: canonical(&core)?,
            subject: canonical(&subject)?,
            payload: canonical(&payload)?,
            payload_of,
        })
    }

    /// The canonical JSON of a class.
    pub(crate) fn json(&self, class: Class) -> &[u8] {
        match class {
            Class::Core => &self.core,
            Class::Subject => &self.subject,
            Class::Payload => &self.payload,
        }
    }

    /// Whose key a class is under.
    pub(crate) fn holder(&self, class: Class) -> &Holder {
        match class {
            Class::Core => &Holder::Org,
            Class::Subject => &self.user.holder,
            Class::Payload => &self.payload_of,
        }
    }
}

impl Named {
    pub(super) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), holder: Holder::of_person(id) }
    }
}

/// Equal events must not look equal: without randomness nothing is recorded.
fn nonce() -> Result<[u8; NONCE_LEN], DbError> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|cause| DbError::unreadable("body", cause))?;
    Ok(nonce)
}

/// As RFC 8785 writes it; what it cannot write is not recorded as something else.
pub(super) fn canonical(value: &impl Serialize) -> Result<Vec<u8>, DbError> {
    serde_json_canonicalizer::to_vec(value).map_err(|cause| DbError::unreadable("body", cause))
}

/// The same, for what has its fields in order and no number but integers below 2^53: many
/// times quicker. `what_is_written_in_order_is_canonical` holds both against each other.
fn sorted(value: &impl Serialize) -> Result<Vec<u8>, DbError> {
    serde_json::to_vec(value).map_err(|cause| DbError::unreadable("body", cause))
}
