//! Withholding: the values of a person whose erasure must wait are kept, and not shown.

use std::collections::BTreeMap;

use access::OrgDb;
use base::args;
use base::db::DbError;

use crate::entry::Sealed;
use crate::keys::Tag;
use crate::sql;

/// What is withheld in one reading of an org's record.
#[derive(Debug)]
pub(crate) struct Veil {
    /// Whether anything is withheld in this org at all: most withhold nothing.
    any: bool,
    known: BTreeMap<Tag, bool>,
}

impl Veil {
    /// As of now.
    pub(crate) async fn of(db: &OrgDb<'_>) -> Result<Self, DbError> {
        let any = db.maybe(sql::RESTRICTED_ANY, args![]).await?.is_some();
        Ok(Self { any, known: BTreeMap::new() })
    }

    /// Which classes of an event are withheld: those under the key of somebody restricted.
    pub(crate) async fn over(
        &mut self,
        db: &OrgDb<'_>,
        sealed: &Sealed,
    ) -> Result<[bool; 3], DbError> {
        let [subject_of, payload_of] = &sealed.tags;
        Ok([false, self.hides(db, subject_of).await?, self.hides(db, payload_of).await?])
    }

    async fn hides(&mut self, db: &OrgDb<'_>, tag: &Tag) -> Result<bool, DbError> {
        // What stands under the org's own key is nobody's alone.
        if !self.any || tag.is_empty() {
            return Ok(false);
        }
        if let Some(known) = self.known.get(tag) {
            return Ok(*known);
        }
        let hidden = db.maybe(sql::RESTRICTED_ONE, args![tag.as_str()]).await?.is_some();
        self.known.insert(tag.clone(), hidden);
        Ok(hidden)
    }
}
