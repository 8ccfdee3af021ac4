//! Reading rows of the record with the keys that there are.

use std::sync::Arc;

use access::{OrgDb, Scope};
use base::db::{DbError, Row};
use serde_json::Value;

use crate::entry::{Opened, Stored};
use crate::keys::{Key, Source, Tag};
use crate::withhold::Veil;
use crate::{Filter, Record};

impl Record {
    /// What a row with `seq` and `body` says, also what is withheld from people: for the node's
    /// own work.
    pub(crate) async fn opened(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        row: &Row,
    ) -> Result<Opened, DbError> {
        let stored = Stored::of(row)?;
        let keys = self.keys_of(db, scope, &stored).await?;
        stored.open(&keys.each_ref().map(Option::as_deref))
    }

    /// The keys that a stored event is opened with; none where one is destroyed.
    pub(crate) async fn keys_of(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        stored: &Stored,
    ) -> Result<[Option<Arc<Key>>; 3], DbError> {
        let [subject_of, payload_of] = &stored.sealed.tags;
        let mut keys = [None, None, None];
        for (tag, key) in [&Tag::new(), subject_of, payload_of].into_iter().zip(&mut keys) {
            let source = Source::Beside(db, scope.org());
            *key = self.keys.to_read(source, scope.region(), tag).await?;
        }
        Ok(keys)
    }

    /// The filter as the columns of the record hold what it names: people by keyed hashes.
    pub(crate) fn as_stored(&self, scope: &Scope, filter: &Filter) -> Result<Filter, DbError> {
        let stored = |id: &str| self.keys.stored(scope.region(), scope.org(), id);
        let (user, resource) = (stored(&filter.user)?, stored(&filter.resource)?);
        Ok(Filter { user, resource, ..filter.clone() })
    }

    /// The events as people see them: without what is withheld.
    pub(crate) async fn shown(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        rows: &[Row],
    ) -> Result<Vec<Value>, DbError> {
        let mut veil = Veil::of(db).await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let withheld = veil.over(db, &Stored::of(row)?.sealed).await?;
            events.push(self.opened(db, scope, row).await?.without(withheld).into_event());
        }
        Ok(events)
    }
}
