//! The limits of an org, as its admins set them.

use std::collections::{BTreeMap, HashMap};

use base::db::{DbError, Row};
use base::money::NanoCents;

use crate::core::{Ceiling, Level};
use crate::subject::Target;

/// No limit.
static OPEN: Ceiling = Ceiling {
    requests_per_minute: None,
    tokens_per_minute: None,
    concurrency: None,
    money_per_day: None,
    money_per_month: None,
};

/// Every limit of one org.
#[derive(Debug, Default)]
pub(crate) struct Ceilings {
    named: HashMap<Box<str>, Ceiling>,
    each: [Option<Ceiling>; 5],
    set_at: SetAt,
}

/// When each limit of an org was set, in microseconds since 1970. Limits that were set at other
/// times are others.
pub(crate) type SetAt = BTreeMap<Box<str>, i64>;

impl Ceilings {
    /// The ceiling of a subject: its own, else the one that each of its level has.
    pub(crate) fn of(&self, level: Level, key: &str) -> &Ceiling {
        let own = if self.named.is_empty() { None } else { self.named.get(key) };
        own.or_else(|| self.each.get(place(level))?.as_ref()).unwrap_or(&OPEN)
    }

    /// The models that have a limit of their own.
    pub(crate) fn models(&self) -> impl Iterator<Item = (Level, String, Ceiling)> {
        let named = self.named.iter().filter(|(key, _)| key.starts_with("model:"));
        named.map(|(key, ceiling)| (Level::Model, key.to_string(), *ceiling))
    }

    /// When they were set.
    pub(crate) fn set_at(&self) -> &SetAt {
        &self.set_at
    }

    /// Whether something of the org is limited in money.
    pub(crate) fn limit_money(&self) -> bool {
        let each = self.each.iter().flatten();
        self.named.values().chain(each).any(Ceiling::limits_money)
    }

    /// Sets a limit, or removes it.
    pub(crate) fn set(&mut self, target: &Target, ceiling: Option<Ceiling>, at: i64) {
        match ceiling {
            Some(_) => drop(self.set_at.insert(target.key().into(), at)),
            None => drop(self.set_at.remove(target.key())),
        }
        if target.is_each() {
            if let Some(each) = self.each.get_mut(place(target.level)) {
                *each = ceiling;
            }
        } else if let Some(ceiling) = ceiling {
            self.named.insert(target.key().into(), ceiling);
        } else {
            self.named.remove(target.key());
        }
    }
}

fn place(level: Level) -> usize {
    match level {
        Level::Org => 0,
        Level::Team => 1,
        Level::Member => 2,
        Level::Key => 3,
        Level::Model => 4,
    }
}

/// The ceiling of a stored row.
pub(crate) fn stored(row: &Row) -> Result<Ceiling, DbError> {
    let count = |column: &str| -> Result<Option<u64>, DbError> {
        let number = row.opt_int(column)?.map(u64::try_from).transpose();
        number.map_err(|cause| DbError::unreadable(column, cause))
    };
    Ok(Ceiling {
        requests_per_minute: count("requests_per_minute")?,
        tokens_per_minute: count("tokens_per_minute")?,
        concurrency: count("concurrency")?,
        money_per_day: row.opt_int("money_per_day_nanocents")?.map(NanoCents),
        money_per_month: row.opt_int("money_per_month_nanocents")?.map(NanoCents),
    })
}
