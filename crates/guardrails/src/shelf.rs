//! Where identification gets an org's guardrails from, whenever it reads the org.

use std::sync::Arc;

use access::{Guard, OrgDb, OrgId};
use base::args;
use base::db::{DbError, Row, Statement};
use identity::Guards;

use crate::guard::Rules;
use crate::kept::{Guardrail, ZONE_DEFAULT, zone_named};
use crate::sql;

/// Reads guardrails for [`identity::Needs`]. One that cannot be read keeps the org closed.
#[derive(Debug, Clone, Copy)]
pub struct Shelf;

impl Guards for Shelf {
    fn read(&self) -> Statement {
        sql::HOLDING
    }

    fn of(&self, org: &OrgId, rows: &[Row]) -> Result<Option<Arc<dyn Guard>>, DbError> {
        let Some(first) = rows.first() else { return Ok(None) };
        let kept: Result<Vec<_>, _> = rows.iter().map(Guardrail::of).collect();
        let kept = kept?;
        let holding: Result<Vec<_>, _> = kept.iter().map(Guardrail::ready).collect();
        let zone = first.opt_text("zone")?;
        let zone = zone_named(zone.as_deref().unwrap_or(ZONE_DEFAULT))
            .map_err(|cause| DbError::unreadable("zone", cause))?;
        let rules = Rules::compile(org, zone, &holding?)
            .map_err(|cause| DbError::unreadable("policy", cause))?;
        Ok(Some(Arc::new(rules)))
    }
}

/// Every guardrail of an org.
pub(crate) async fn all(db: &OrgDb<'_>) -> Result<Vec<Guardrail>, DbError> {
    db.all(sql::ALL, args![]).await?.iter().map(Guardrail::of).collect()
}
