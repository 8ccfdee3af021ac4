//! Where identification gets an org's guardrails from, whenever it reads the org.

use std::sync::Arc;

use access::{Databases, Guard, OrgDb, Scope};
use base::args;
use base::db::DbError;
use identity::{Guards, Judged};

use crate::guard::Rules;
use crate::kept::{Guardrail, zone_named, zone_of};
use crate::sql;

/// Reads guardrails for [`identity::Needs`]. One that cannot be read keeps the org closed.
#[derive(Debug, Clone)]
pub struct Shelf(Databases);

impl Shelf {
    /// A shelf on these databases.
    pub fn new(databases: &Databases) -> Self {
        Self(databases.clone())
    }

    async fn read(&self, scope: &Scope) -> Result<Option<Arc<dyn Guard>>, DbError> {
        let db = self.0.of(scope)?;
        let (kept, zone) = (all(&db).await?, db.maybe(sql::ZONE, args![]).await?);
        let holding: Result<Vec<_>, _> =
            kept.iter().filter(|one| one.on).map(Guardrail::ready).collect();
        let holding = holding?;
        if holding.is_empty() {
            return Ok(None);
        }
        let zone = zone_named(&zone_of(zone.as_ref())?)
            .map_err(|cause| DbError::unreadable("zone", cause))?;
        let rules = Rules::compile(scope.org(), zone, &holding)
            .map_err(|cause| DbError::unreadable("policy", cause))?;
        Ok(Some(Arc::new(rules)))
    }
}

/// Every guardrail of an org.
pub(crate) async fn all(db: &OrgDb<'_>) -> Result<Vec<Guardrail>, DbError> {
    db.all(sql::ALL, args![]).await?.iter().map(Guardrail::of).collect()
}

impl Guards for Shelf {
    fn of<'a>(&'a self, scope: &'a Scope) -> Judged<'a> {
        Box::pin(self.read(scope))
    }
}
