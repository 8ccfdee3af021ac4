//! Reading limits, what is left of them, and what was used.

use std::sync::Arc;

use access::{Caller, Permission};
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::money::NanoCents;
use base::problem::Problem;
use base::time::day;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ceilings::stored;
use crate::core::{Ceiling, Level};
use crate::load::{first_of_month, level};
use crate::org::Org;
use crate::subject::{Subjects, Target, bare, key};
use crate::view::{Applies, Limit, Usage};
use crate::{Error, Limits, sql};

/// Which days and subjects.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageFilter {
    /// The first day, UTC: `2026-11-01`. If not given, the first of this month.
    #[param(value_type = Option<String>)]
    pub from: Option<Date>,
    /// The last day, UTC. If not given, today.
    #[param(value_type = Option<String>)]
    pub to: Option<Date>,
    /// Only this level.
    #[param(inline)]
    pub level: Option<Level>,
    /// Only this subject of the level.
    pub subject: Option<String>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

impl Limits {
    /// All limits of the org.
    pub async fn limits(&self, caller: &Caller) -> Result<Vec<Limit>, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        let rows = self.0.databases.of(&scope)?.all(sql::LIMITS, args![]).await?;
        Ok(rows.iter().map(stored_limit).collect::<Result<_, _>>()?)
    }

    /// What applies to a subject now, and what is left of it; with or without a limit.
    pub async fn standing(
        &self,
        caller: &Caller,
        level: Level,
        subject: &str,
    ) -> Result<Applies, Error> {
        caller.require(Permission::SettingsRead)?;
        let target = Target::new(level, subject)?;
        let org = self.known(caller).await?;
        let ceiling = org.with_ceilings(|known| *known.of(level, target.key()));
        let ceiling = ceiling.ok_or(Error::Unavailable)?;
        let applies = self.applies(&org, vec![(level, target.key(), ceiling)]).await?;
        applies.into_iter().next().ok_or(Error::Unavailable)
    }

    /// Every limit that calls of this caller are under; of models, those that are named.
    pub async fn mine(&self, caller: &Caller) -> Result<Vec<Applies>, Error> {
        let org = self.known(caller).await?;
        let names = Subjects::of(caller);
        let under = org.with_ceilings(|known| {
            let own =
                names.iter().map(|(level, key)| (level, key.to_owned(), *known.of(level, key)));
            own.chain(known.models()).collect::<Vec<_>>()
        });
        let limited = under.ok_or(Error::Unavailable)?.into_iter().filter(|one| !one.2.is_open());
        self.applies(&org, limited.collect()).await
    }

    /// What is left of some limits.
    pub(crate) async fn applies<K: AsRef<str> + Send + Sync>(
        &self,
        org: &Arc<Org>,
        limits: Vec<(Level, K, Ceiling)>,
    ) -> Result<Vec<Applies>, Error> {
        let keys: Vec<&str> = limits.iter().map(|(_, key, _)| key.as_ref()).collect();
        let tallies = self.tallies(org, &keys).await?;
        let told = limits.iter().zip(&tallies).map(|((level, key, ceiling), tally)| {
            Applies::new(*level, key.as_ref(), *ceiling, tally)
        });
        Ok(told.collect())
    }

    /// What was used, by day and subject, newest day first.
    pub async fn usage(&self, caller: &Caller, filter: &UsageFilter) -> Result<Page<Usage>, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        let limit = page_limit(filter.limit).map_err(Error::BadQuery)?;
        let today = day(self.0.clock.now());
        let from = filter.from.map_or_else(|| first_of_month(&today), |from| from.to_string());
        let to = filter.to.map_or(today, |to| to.to_string());
        let (subject, level) = match (filter.level, &filter.subject) {
            (Some(level), Some(subject)) => {
                (Target::new(level, subject)?.key().to_owned(), "%".to_owned())
            }
            (Some(Level::Org), None) => ("org".to_owned(), "%".to_owned()),
            (Some(level), None) => (String::new(), format!("{}:%", level.as_str())),
            (None, None) => (String::new(), "%".to_owned()),
            (None, Some(_)) => return Err(bad("subject", "`subject` needs its `level`")),
        };
        let (last_day, last) = match &filter.after {
            Some(after) => after
                .split_once(':')
                .ok_or_else(|| bad("after", "`after` must be the `next` of an earlier page"))?,
            None => ("9999-99-99", ""),
        };
        let args = args![from, to, subject, level, last_day, last, i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::USAGE, args).await?;
        let rows = rows.iter().map(used).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(rows, limit, |row| format!("{}:{}", row.day, key(row.level, &row.subject))))
    }
}

fn bad(param: &str, detail: &str) -> Error {
    Error::BadQuery(Problem::bad_request("invalid_query", detail).param(param))
}

pub(crate) fn stored_limit(row: &Row) -> Result<Limit, DbError> {
    Ok(Limit {
        level: level(&row.text("level")?)?,
        subject: bare(&row.text("subject")?).to_owned(),
        ceiling: stored(row)?,
        set_at: row.at("set_at")?,
        set_by: row.text("set_by")?,
    })
}

fn used(row: &Row) -> Result<Usage, DbError> {
    let key = row.text("subject")?;
    Ok(Usage {
        day: row.text("day")?,
        level: level(key.split(':').next().unwrap_or_default())?,
        subject: bare(&key).to_owned(),
        calls: row.count("calls")?,
        tokens_in: row.count("tokens_in")?,
        tokens_out: row.count("tokens_out")?,
        money: NanoCents(row.int("nanocents")?),
    })
}
