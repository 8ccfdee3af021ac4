//! Reading guardrails, and looking at a policy before it is kept.

use access::{Caller, Permission, Scope};
use base::args;
use base::db::DbError;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kept::{Guardrail, GuardrailId, Overview, zone_of};
use crate::{Finding, Guardrails, Severity, schema, shelf, sql};

/// A policy to look at.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// One `forbid` policy in Cedar.
    pub policy: String,
}

/// What a look at a policy gave.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Validated {
    /// Whether it can be kept.
    pub valid: bool,
    /// What is wrong with it, or looks wrong; at most 20.
    pub findings: Vec<Finding>,
}

/// What policies can speak of.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Vocabulary {
    /// A schema in Cedar's own language.
    pub schema: String,
}

impl Guardrails {
    /// All guardrails of the org.
    pub async fn all(&self, caller: &Caller) -> Result<Overview, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        Ok(self.kept(&scope).await?)
    }

    /// All guardrails, for whoever may know them.
    pub(crate) async fn kept(&self, scope: &Scope) -> Result<Overview, DbError> {
        let db = self.databases.of(scope)?;
        let zone = db.maybe(sql::ZONE, args![]).await?;
        Ok(Overview { zone: zone_of(zone.as_ref())?, items: shelf::all(&db).await? })
    }

    /// One guardrail.
    pub async fn one(&self, caller: &Caller, id: &GuardrailId) -> Result<Guardrail, Error> {
        let all = self.all(caller).await?.items;
        all.into_iter().find(|one| one.id == *id).ok_or(Error::NoSuchGuardrail)
    }

    /// Looks at a policy without keeping it.
    pub fn validate(&self, caller: &Caller, draft: &Draft) -> Result<Validated, Error> {
        caller.require(Permission::SettingsGuardrails)?;
        let checked = self.rulebook.check("draft", &draft.policy);
        let findings = checked.findings;
        let valid = findings.iter().all(|finding| finding.severity == Severity::Warning);
        Ok(Validated { valid, findings })
    }

    /// What policies can speak of.
    pub fn vocabulary(&self, caller: &Caller) -> Result<Vocabulary, Error> {
        caller.require(Permission::SettingsRead)?;
        Ok(Vocabulary { schema: schema::text() })
    }
}
