//! The guardrails of an org, compiled for decisions.
//!
//! Every check of a permission comes through here, so little is done for it: policies
//! stand in lanes, one for each permission that any of them can forbid, and of the
//! circumstances only those are put together that the lane looks at.

use std::collections::BTreeMap;

use access::{Guard, Identified, Objection, OrgId, Permission, Thing};
use cedar_policy::entities_errors::EntitiesError;
use cedar_policy::{EntityUid, ParseErrors, Policy, PolicyFromJsonError, PolicyToJsonError};
use jiff::tz::TimeZone;

use crate::asked::{Asked, Kinds};
use crate::lane::Lane;

/// The guardrails of one org at one version.
#[derive(Debug)]
pub(crate) struct Rules {
    zone: TimeZone,
    kinds: Kinds,
    org: EntityUid,
    lanes: BTreeMap<Permission, Lane>,
    /// What people call each policy.
    names: BTreeMap<String, String>,
}

/// A policy with its name.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) policy: Policy,
}

/// Policies that cannot be judged by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("a kind of thing is not understood")]
    Kind(#[from] Box<ParseErrors>),
    #[error("a policy is not understood")]
    Read(#[from] Box<PolicyFromJsonError>),
    #[error("a policy cannot be put into another form")]
    Write(#[from] Box<PolicyToJsonError>),
    #[error("an action is not understood")]
    Action(#[from] Box<EntitiesError>),
}

impl Rules {
    pub(crate) fn compile(
        org: &OrgId,
        zone: TimeZone,
        policies: &[Named],
    ) -> Result<Self, Unusable> {
        let kinds = Kinds::read()?;
        let all: Vec<_> = policies.iter().map(|one| &one.policy).collect();
        let mut lanes = BTreeMap::new();
        for permission in Permission::ALL {
            if let Some(lane) = Lane::of(*permission, &all, &kinds)? {
                lanes.insert(*permission, lane);
            }
        }
        let name = |one: &Named| (one.policy.id().to_string(), one.name.clone());
        Ok(Self {
            zone,
            org: kinds.org(org.as_str()),
            kinds,
            lanes,
            names: policies.iter().map(name).collect(),
        })
    }

    /// The ids of the policies that forbid it, and of those that could not be judged.
    pub(crate) fn against(&self, asked: &Asked<'_>, permission: Permission) -> Against {
        let Some(lane) = self.lanes.get(&permission) else { return Against::default() };
        lane.ask(asked, &self.kinds, &self.org, &self.zone)
    }

    fn called(&self, id: &str) -> String {
        self.names.get(id).map_or_else(|| id.to_owned(), |name| format!("“{name}”"))
    }
}

/// What stands against something.
#[derive(Debug, Default)]
pub(crate) struct Against {
    pub(crate) forbid: Vec<String>,
    /// These could not be judged, and so forbid as well.
    pub(crate) failed: Vec<String>,
}

impl Against {
    pub(crate) fn nothing(&self) -> bool {
        self.forbid.is_empty() && self.failed.is_empty()
    }

    /// All that forbid, for whatever reason, in one order.
    pub(crate) fn policies(self) -> Vec<String> {
        let mut all = self.forbid;
        all.extend(self.failed);
        all.sort_unstable();
        all
    }
}

impl Guard for Rules {
    fn refuses(
        &self,
        who: &Identified,
        permission: Permission,
        on: Option<Thing<'_>>,
    ) -> Option<Objection> {
        let against = self.against(&Asked::by(who, on), permission);
        if against.nothing() {
            return None;
        }
        let called =
            |ids: &[String]| ids.iter().map(|id| self.called(id)).collect::<Vec<_>>().join(", ");
        let (forbid, failed) = (called(&against.forbid), called(&against.failed));
        let detail = match (against.forbid.is_empty(), against.failed.is_empty()) {
            (false, true) => format!("a guardrail forbids it: {forbid}"),
            (true, _) => format!("a guardrail could not be judged, and so forbids it: {failed}"),
            (false, false) => {
                format!("guardrails forbid it: {forbid}; could not be judged: {failed}")
            }
        };
        Some(Objection { policies: against.policies(), detail })
    }
}
