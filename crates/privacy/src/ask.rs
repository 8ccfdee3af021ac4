//! Asking for an erasure, and carrying it out.

use access::{Caller, Permission, Scope};
use audit::{Change, Person, Standing};
use base::args;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::locate::ids;
use crate::receipt::Statement;
use crate::request::{Request, RequestId};
use crate::{Error, Privacy, events, sql};

/// Whom to erase.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// A former member or guest: an id or an e-mail address.
    pub person: String,
}

/// An erasure that goes on from here.
struct Erasure<'a> {
    id: &'a RequestId,
    person: &'a Person,
    ids: &'a [String],
    pseudonym: String,
}

impl Privacy {
    /// Erases a person who is no member any more: at once, or, if something blocks it, as soon
    /// as nothing does; until then what the record holds of them is withheld. Who was erased
    /// before is told again.
    pub async fn erase(&self, caller: &Caller, ask: &Ask) -> Result<Request, Error> {
        let scope = caller.require(Permission::PrivacyErase)?;
        caller.factor_shown()?;
        let person = self.person(&scope, &ask.person).await?;
        if let Some(request) = self.asked_before(&scope, &person.id).await? {
            return Ok(request);
        }
        if person.standing == Standing::Present {
            return Err(Error::StillThere);
        }
        let last = self.0.record.last_of(&scope, &person.id).await?;
        let (now, ids) = (self.now(), ids(&person));
        let id = RequestId::new(now);
        let pseudonym = self.0.record.pseudonym(&scope, &person.id)?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        change.run(sql::TURN, args![]).await?;
        let by = caller.actor.id();
        let added = args![id.as_str(), person.id.as_str(), by, now, last];
        if change.run(sql::REQUEST_ADD, added).await? == 0 {
            // Somebody else was quicker.
            drop(change);
            return self.asked_before(&scope, &person.id).await?.ok_or(Error::NotFound);
        }
        let blocked = self.blocked_within(&mut change, &person.id, last).await?;
        let erasure = Erasure { id: &id, person: &person, ids: &ids, pseudonym };
        if blocked.is_free() {
            self.carry_out(change, erasure).await?;
        } else {
            if change.run(sql::REQUEST_RESTRICT, args![id.as_str()]).await? == 0 {
                return Err(Error::NotFound);
            }
            change.restrict(&ids).await?;
            change.commit(events::restricted(&id, &erasure.pseudonym, &blocked)).await?;
        }
        self.one(&scope, &id).await
    }

    /// Carries out an erasure that waited, if nothing blocks it any more. Says whether it did.
    pub(crate) async fn go_on(&self, scope: &Scope, request: &Request) -> Result<bool, Error> {
        // Looked at before anybody has to wait for it: what waits mostly waits on.
        let (db, last) = (self.0.databases.of(scope)?, request.last_event_at);
        if !self.blocked(&db, &request.person, last).await?.is_free() {
            return Ok(false);
        }
        let person = self.person(scope, &request.person).await?;
        let ids = ids(&person);
        let pseudonym = self.0.record.pseudonym(scope, &person.id)?;
        let mut change = Change::begin(&self.0.record, scope).await?;
        change.run(sql::TURN, args![]).await?;
        if !self.blocked_within(&mut change, &person.id, last).await?.is_free()
            || change.run(sql::REQUEST_TAKE, args![request.id.as_str()]).await? == 0
        {
            return Ok(false);
        }
        let erasure = Erasure { id: &request.id, person: &person, ids: &ids, pseudonym };
        self.carry_out(change, erasure).await?;
        Ok(true)
    }

    /// All of it in one change: every room's tables, the keys, the request and the event.
    async fn carry_out(&self, mut change: Change, erasure: Erasure<'_>) -> Result<(), Error> {
        let Erasure { id, person, ids, pseudonym } = erasure;
        let mut stores = Vec::new();
        for keeper in &self.0.keepers {
            stores.extend(keeper.erase(&mut change, person).await?);
        }
        let keys = change.forget(ids).await?;
        let scope = change.scope().clone();
        let event = events::erased(id, &pseudonym, &stores, keys);
        let now = self.now();
        let statement = Statement {
            org: scope.org().to_string(),
            region: scope.region(),
            request: id.to_string(),
            person: pseudonym,
            erased_at: now,
            stores,
            keys_destroyed: keys,
            stays: STAYS.map(str::to_owned).to_vec(),
            forget_days: self.0.log.forget_days(),
            backups_until: backups_until(now, self.0.log.forget_days()),
        };
        let statement = statement.to_json()?;
        // Nobody is erased without a request that says so.
        if change.run(sql::REQUEST_ERASED, args![id.as_str(), now, statement]).await? == 0 {
            return Err(Error::NotFound);
        }
        change.commit_noting(event, sql::REQUEST_EVENT, args![id.as_str()]).await?;
        // What was deleted may still stand in the database's log; a failure costs time alone.
        if let Err(error) = self.0.databases.region(scope.region())?.settle().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the database's log could not be emptied after an erasure");
        }
        Ok(())
    }

    async fn asked_before(&self, scope: &Scope, person: &str) -> Result<Option<Request>, Error> {
        let db = self.0.databases.of(scope)?;
        let Some(row) = db.maybe(sql::REQUEST_OF, args![person]).await? else { return Ok(None) };
        Ok(Some(self.told(scope, Request::read(&row)?).await?))
    }
}

/// What stays of anybody, and why, beside what each store tells of itself.
const STAYS: [&str; 3] = [
    "entries of the record: commitments, from which nobody can find a value without its \
     destroyed key; they keep every proof of other events valid",
    "in the columns of the record a keyed hash of the id, so that events of one person can still \
     be told from those of another",
    "the id itself where other stores name it; nothing ties it to a person any more",
];

fn backups_until(now: base::time::At, days: u32) -> Option<base::time::At> {
    now.checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days))).ok()
}
