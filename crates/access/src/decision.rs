//! Why somebody may or may not.

use serde::{Deserialize, Serialize};

use crate::{DataClass, Objection, Permission, Thing};

/// One thing a permission can be limited to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// `pattern` or `model`.
    pub kind: String,
    /// The id of a pattern, the name of a model.
    pub id: String,
}

impl Resource {
    /// Names a resource.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned() }
    }
}

/// One decision with its reason: the same object in the 403 body, in the record
/// and in the answer of `POST /api/access/check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it is permitted.
    pub allowed: bool,
    /// What was asked for.
    pub permission: &'static str,
    /// On what, when it was about one thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// How sensitive its data is, when somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
    /// What gave the permission: `org:admin by member`, `support by team team_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// The roles that were looked at.
    pub roles: Vec<String>,
    /// What would be needed, in words; only on a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The guardrails that forbade it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The version of the org's members, roles and grants that was decided on.
    pub policy_version: u64,
}

impl Decision {
    pub(crate) fn refused(
        permission: Permission,
        on: Option<Thing<'_>>,
        roles: Vec<String>,
        missing: String,
        policy_version: u64,
    ) -> Self {
        Self {
            allowed: false,
            permission: permission.as_str(),
            resource: on.map(Thing::resource),
            data_class: on.and_then(|on| on.data_class),
            granted_by: None,
            roles,
            missing: Some(missing),
            policies: Vec::new(),
            policy_version,
        }
    }

    /// What was permitted is forbidden by guardrails.
    pub(crate) fn against(self, objection: Objection) -> Self {
        Self {
            allowed: false,
            granted_by: None,
            missing: Some(objection.detail),
            policies: objection.policies,
            ..self
        }
    }
}
