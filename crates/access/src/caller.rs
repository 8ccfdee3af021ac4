//! Somebody whose credentials were checked, and the proof of a permission.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use base::problem::Problem;

use crate::{
    Access, Decision, Grant, KeyId, MemberId, Objection, OrgId, Permission, PermissionSet, Region,
    ServiceId, Standing, TeamId, Thing, TraceParent,
};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person of the org.
    Member(MemberId),
    /// A program of the org.
    Service(ServiceId),
    /// The operator of this Portico, at the command line.
    Operator(String),
    /// This node itself: sweeps after a crash, the clock.
    Node(String),
    /// A directory of the org, which provisions its members over SCIM.
    Directory(String),
    /// Somebody outside the org who was given a link, to set something up.
    Guest(String),
}

impl Actor {
    /// The member, if it is one.
    pub const fn member(&self) -> Option<&MemberId> {
        match self {
            Self::Member(id) => Some(id),
            Self::Service(_)
            | Self::Operator(_)
            | Self::Node(_)
            | Self::Directory(_)
            | Self::Guest(_) => None,
        }
    }

    /// To whom a call is charged beside the org: members and service accounts. The operator and
    /// a node are nobody's member, and what they do is the org's.
    pub fn payer(&self) -> Option<&str> {
        match self {
            Self::Member(_) | Self::Service(_) => Some(self.id()),
            Self::Operator(_) | Self::Node(_) | Self::Directory(_) | Self::Guest(_) => None,
        }
    }

    /// The id, as the record's `userId`.
    pub fn id(&self) -> &str {
        match self {
            Self::Member(id) => id.as_str(),
            Self::Service(id) => id.as_str(),
            Self::Operator(name) | Self::Node(name) | Self::Directory(name) | Self::Guest(name) => {
                name
            }
        }
    }

    /// The record's `actorKind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::Service(_) => "service_account",
            Self::Operator(_) => "operator",
            Self::Node(_) => "node",
            Self::Directory(_) => "directory",
            Self::Guest(_) => "guest",
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of the peer.
    pub ip: Option<IpAddr>,
    /// What the peer calls itself.
    pub user_agent: Option<String>,
    /// The request, in logs and in the record.
    pub request_id: String,
    /// The caller's own span, if it traces.
    pub trace_parent: Option<TraceParent>,
}

/// What identification found out; the making of a [`Caller`].
#[derive(Debug, Clone)]
pub struct Identified {
    /// The org.
    pub org: OrgId,
    /// The org's region.
    pub region: Region,
    /// Who acts.
    pub actor: Actor,
    /// The key that was shown, if one was.
    pub key: Option<KeyId>,
    /// The teams of the actor.
    pub teams: Arc<[TeamId]>,
    /// What the actor may do.
    pub access: Arc<Access>,
    /// The only models that the key may call, if it is so limited.
    pub models: Option<Arc<[String]>>,
    /// Where the request came from.
    pub origin: Origin,
    /// When and how it was identified, and what narrows and ends it.
    pub standing: Standing,
}

/// Somebody whose credentials were checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller(Arc<Identified>);

/// Proof of a permission in one org of one region. Only [`Caller`] makes one.
#[derive(Debug, Clone)]
pub struct Scope(Caller);

/// The caller lacks a permission; says which, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("permission `{}` is required: {}", .0.permission, .0.missing.as_deref().unwrap_or("refused"))]
pub struct Denied(pub Box<Decision>);

impl Caller {
    /// For identification alone: a house rule keeps every other room from calling it.
    pub fn identified(who: Identified) -> Self {
        Self(Arc::new(who))
    }

    /// The operator at the command line, who may do everything in an org.
    pub fn operator(org: OrgId, region: Region, name: &str) -> Self {
        Self::system(org, region, Actor::Operator(name.to_owned()), Origin::default())
    }

    /// This node, acting by itself.
    pub fn node(org: OrgId, region: Region, name: &str) -> Self {
        Self::system(org, region, Actor::Node(name.to_owned()), Origin::default())
    }

    /// This node, answering a request that comes from nobody yet: somebody who is being
    /// signed in.
    pub fn answering(org: OrgId, region: Region, name: &str, origin: Origin) -> Self {
        Self::system(org, region, Actor::Node(name.to_owned()), origin)
    }

    /// A directory of the org. What it changes is bounded by the room that lets it in.
    pub fn directory(org: OrgId, region: Region, id: &str, origin: Origin) -> Self {
        Self::system(org, region, Actor::Directory(id.to_owned()), origin)
    }

    fn system(org: OrgId, region: Region, actor: Actor, origin: Origin) -> Self {
        let everything = Grant {
            role: "*".to_owned(),
            permissions: PermissionSet::ALL,
            on: None,
            through: actor.kind().to_owned(),
        };
        Self::identified(Identified {
            org,
            region,
            actor,
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![everything], None, 0)),
            models: None,
            origin,
            standing: Standing::default(),
        })
    }

    /// Checks, and gives the proof.
    pub fn require(&self, permission: Permission) -> Result<Scope, Denied> {
        if self.0.access.may(permission) && self.objection(permission, None).is_none() {
            Ok(Scope(self.clone()))
        } else {
            Err(Denied(Box::new(self.decide(permission, None))))
        }
    }

    /// Checks for one thing, and gives the proof.
    pub fn require_on(&self, permission: Permission, on: Thing<'_>) -> Result<Scope, Denied> {
        if self.may_on(permission, on) {
            Ok(Scope(self.clone()))
        } else {
            Err(Denied(Box::new(self.decide(permission, Some(on)))))
        }
    }

    /// Whether it is permitted for one thing, guardrails included.
    pub fn may_on(&self, permission: Permission, on: Thing<'_>) -> bool {
        self.0.access.may_on(permission, on) && self.objection(permission, Some(on)).is_none()
    }

    /// The proof for what belongs to the caller alone: own keys, own sessions. The
    /// verb must narrow its statements to the caller's own id.
    pub fn itself(&self) -> Scope {
        Scope(self.clone())
    }

    /// The decision, with its reason, without acting on it.
    pub fn decide(&self, permission: Permission, on: Option<Thing<'_>>) -> Decision {
        let decision = self.0.access.decide(permission, on);
        match self.objection(permission, on) {
            Some(objection) if decision.allowed => decision.against(objection),
            Some(_) | None => decision,
        }
    }

    /// What the org's guardrails say against it.
    fn objection(&self, permission: Permission, on: Option<Thing<'_>>) -> Option<Objection> {
        self.0.standing.guard.as_ref()?.refuses(&self.0, permission, on)
    }

    /// Whether the permission is given on the org or on anything in it: what the door
    /// asks before it reads a body; the verb asks again, guardrails included.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.0.access.may_somewhere(permission)
    }
}

impl std::ops::Deref for Caller {
    type Target = Identified;

    fn deref(&self) -> &Identified {
        &self.0
    }
}

impl Scope {
    /// The org that may be touched: `$1` of every statement.
    pub fn org(&self) -> &OrgId {
        &self.0.org
    }

    /// Where that org's data is.
    pub fn region(&self) -> Region {
        self.0.region
    }

    /// Who acts, for the record.
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let decision = serde_json::to_value(&denied.0).unwrap_or_default();
        Self::new(StatusCode::FORBIDDEN, "permission_denied", denied.to_string())
            .with("decision", decision)
    }
}

/// Handlers receive a caller only behind identification; without it every request
/// is refused, so a route mounted in the wrong place fails closed.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "credentials are required")
        })
    }
}
