//! What is held of a person, as they may read it: for requests for access.

use access::{Caller, Permission, Scope};
use audit::{Exported, Holds, Person, Standing};
use base::time::At;
use serde::Serialize;

use crate::{Error, Privacy, events};

/// What is held of a person.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// Which form this has.
    pub format: &'static str,
    /// When it was made.
    pub made_at: At,
    /// Who it is.
    pub person: Person,
    /// What is held, by store.
    pub stores: Vec<Exported>,
    /// Stores that were left out: only the person alone reads them while they are a member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Privacy {
    /// Everything that is held of a person, for somebody who answers their request. What a
    /// member alone may read is left out while they are one: they can export it themselves.
    pub async fn export(&self, caller: &Caller, who: &str) -> Result<Export, Error> {
        let scope = caller.require(Permission::PrivacyExport)?;
        caller.factor_shown()?;
        let person = self.person(&scope, who).await?;
        let alone = person.standing == Standing::Former;
        self.exported(caller, &scope, person, alone).await
    }

    /// Everything that is held of the caller.
    pub async fn export_own(&self, caller: &Caller) -> Result<Export, Error> {
        let scope = caller.itself();
        if caller.key.is_some() {
            // A key sees no conversation of its owner.
            return Err(Error::NoSuchPerson);
        }
        caller.recent_factor()?;
        let person = self.person(&scope, caller.actor.id()).await?;
        self.exported(caller, &scope, person, true).await
    }

    async fn exported(
        &self,
        caller: &Caller,
        scope: &Scope,
        person: Person,
        also_private: bool,
    ) -> Result<Export, Error> {
        let db = self.0.databases.of(scope)?;
        let (mut stores, mut left_out) = (Vec::new(), Vec::new());
        for keeper in &self.0.keepers {
            let private: Vec<_> =
                keeper.tables().iter().filter(|table| table.private && !also_private).collect();
            if !private.is_empty() {
                left_out.extend(private.iter().map(|table| table.name.to_owned()));
            }
            let all = keeper.tables().iter().filter(|table| table.holds != Holds::Nothing).count();
            if !private.is_empty() && private.len() == all {
                continue;
            }
            let whole = keeper.export(&db, scope, &person).await?;
            let shown = |store: &Exported| !private.iter().any(|table| table.name == store.store);
            stores.extend(whole.into_iter().filter(shown));
        }
        let rows = stores.iter().map(|store| store.rows.len()).sum();
        // On disk before the first byte leaves.
        self.0.record.note(caller, &events::exported(&person.id, rows)).await?;
        Ok(Export { format: "portico-person/v1", made_at: self.now(), person, stores, left_out })
    }
}
