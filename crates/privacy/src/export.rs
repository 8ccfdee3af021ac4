//! What is held of a person, as they may read it: for requests for access.

use std::time::Duration;

use access::{Caller, Permission, Scope};
use audit::{Exported, Holds, Person, Standing};
use base::args;
use base::shares::Place;
use base::time::At;
use serde::Serialize;

use crate::{Error, Privacy, Request, State, events, sql};

/// How long an export waits for another of its org.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What is held of a person.
#[derive(Debug, Serialize)]
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
    /// Stores that were left out: only the person alone reads them while they are a member, and
    /// while their erasure waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// It is as large as it is: few are held at once, and the place is free when it is dropped.
    #[serde(skip)]
    pub(crate) place: Place,
}

impl Privacy {
    /// Everything that is held of a person, for somebody who answers their request. What a
    /// member alone may read is left out while they are one: they can export it themselves. So it
    /// is while the person's erasure waits, and the record's values are withheld as everywhere.
    pub async fn export(&self, caller: &Caller, who: &str) -> Result<Export, Error> {
        let scope = caller.require(Permission::PrivacyExport)?;
        caller.factor_shown()?;
        let place = self.place(caller).await?;
        let person = self.person(&scope, who).await?;
        let db = self.0.databases.of(&scope)?;
        let request = db.maybe(sql::REQUEST_OF, args![person.id.as_str()]).await?;
        let request = request.as_ref().map(Request::read).transpose()?;
        let restricted = request.is_some_and(|request| request.state == State::Restricted);
        let also_private = person.standing == Standing::Former && !restricted;
        self.exported(caller, &scope, (person, also_private), place).await
    }

    /// Everything that is held of the caller.
    pub async fn export_own(&self, caller: &Caller) -> Result<Export, Error> {
        let scope = caller.itself();
        if caller.key.is_some() {
            // A key sees no conversation of its owner.
            return Err(Error::NoSuchPerson);
        }
        caller.recent_factor()?;
        let place = self.place(caller).await?;
        let person = self.person(&scope, caller.actor.id()).await?;
        self.exported(caller, &scope, (person, true), place).await
    }

    /// Waits for whoever exports before, and looks then whether the caller still may.
    async fn place(&self, caller: &Caller) -> Result<Place, Error> {
        let place = self.0.exports.place(Some(caller.org.as_str()));
        let place =
            tokio::time::timeout(WAIT_MAX, place).await.ok().flatten().ok_or(Error::Busy)?;
        caller.standing.life.check().map_err(|ended| Error::Request(ended.into()))?;
        Ok(place)
    }

    async fn exported(
        &self,
        caller: &Caller,
        scope: &Scope,
        (person, also_private): (Person, bool),
        place: Place,
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
        let (format, made_at) = ("portico-person/v1", self.now());
        Ok(Export { format, made_at, person, stores, left_out, place })
    }
}
