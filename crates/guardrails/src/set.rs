//! All guardrails of an org as they would stand after a change, and whether they may.

use access::{Caller, Guard as _, OrgId, Permission};
use audit::Change;
use base::args;
use base::db::DbError;
use jiff::tz::TimeZone;

use crate::error::Error;
use crate::guard::{Named, Rules};
use crate::kept::{Guardrail, GuardrailId, zone_named, zone_of};
use crate::sql;

/// What whoever changes guardrails must still be able to do, to take it back.
const MUST_REMAIN: [Permission; 2] = [Permission::SettingsRead, Permission::SettingsGuardrails];

/// The guardrails of an org.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) zone: String,
    pub(crate) items: Vec<Guardrail>,
}

impl Set {
    /// As they stand inside of a change.
    pub(crate) async fn read(change: &mut Change) -> Result<Self, DbError> {
        let rows = change.all(sql::ALL, args![]).await?;
        let zone = change.maybe(sql::ZONE, args![]).await?;
        let items = rows.iter().map(Guardrail::of).collect::<Result<_, _>>()?;
        Ok(Self { zone: zone_of(zone.as_ref())?, items })
    }

    pub(crate) fn one(&mut self, id: &GuardrailId) -> Result<&mut Guardrail, Error> {
        self.items.iter_mut().find(|one| one.id == *id).ok_or(Error::NoSuchGuardrail)
    }

    /// Nobody has the name but the one that is meant.
    pub(crate) fn free(&self, name: &str, id: &GuardrailId) -> Result<(), Error> {
        let taken = self.items.iter().any(|one| one.name == name && one.id != *id);
        if taken { Err(Error::Exists) } else { Ok(()) }
    }

    /// Nobody locks themselves out: with these guardrails the caller can still change
    /// guardrails, from here and now. A system caller is narrowed by none.
    pub(crate) fn keeps_in(&self, caller: &Caller) -> Result<(), Error> {
        if caller.standing.at.is_none() {
            return Ok(());
        }
        let holding = self.items.iter().filter(|one| one.on).map(Guardrail::ready);
        let holding = holding.collect::<Result<Vec<_>, _>>()?;
        let rules = rules(&caller.org, zone(&self.zone)?, &holding)?;
        let objection = |permission| rules.refuses(caller, permission, None);
        MUST_REMAIN.into_iter().find_map(objection).map_or(Ok(()), |why| Err(Error::LocksOut(why)))
    }
}

pub(crate) fn rules(org: &OrgId, zone: TimeZone, holding: &[Named]) -> Result<Rules, Error> {
    Rules::compile(org, zone, holding).map_err(|cause| Error::Unusable(Box::new(cause)))
}

/// A zone that was kept, or is to be.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Error> {
    let detail = "must be a time zone as the IANA calls it, such as `Europe/Berlin` or `UTC`";
    zone_named(name).map_err(|_| Error::field("zone", detail))
}
