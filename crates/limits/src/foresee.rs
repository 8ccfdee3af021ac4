//! Looking ahead: where budgets go, and who is near a ceiling now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use access::{Caller, Permission, Scope};
use base::args;
use base::db::{DbError, Value as Arg};
use base::http::Page;
use base::money::NanoCents;
use base::problem::Problem;

use crate::core::{Ceiling, Level};
use crate::explore::stored_limit;
use crate::forecast::{Forecast, days_read};
use crate::org::Org;
use crate::subject::{Target, key};
use crate::view::{Applies, Limit};
use crate::{Error, Limits, sql};

/// Thousandths of a limit from which on its subject is told to be near it.
pub(crate) const NEAR_THOUSANDTHS: u64 = 800;
/// Subjects near a ceiling that are told at most, the fullest first.
const NEAR_MAX: usize = 50;

/// Which limits a page shows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    /// Of every level.
    All,
    /// Of one level.
    Of(Level),
    /// Those in money.
    Budgets,
}

impl Limits {
    /// Where the spending of one subject goes at the pace of its last days, with its
    /// budgets or without.
    pub async fn forecast(
        &self,
        caller: &Caller,
        level: Level,
        subject: &str,
    ) -> Result<Forecast, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        let target = Target::new(level, subject)?;
        if target.is_each() {
            let detail = "`*` stands for many, each with spending of its own: name one of them";
            return Err(Error::BadQuery(Problem::invalid("subject", detail)));
        }
        let org = self.known(caller).await?;
        let ceiling = org.with_ceilings(|known| *known.of(level, target.key()));
        self.foresee(&scope, level, subject, &ceiling.ok_or(Error::Unavailable)?).await
    }

    /// Who has used four fifths of a limit or more, of everything that is counted now;
    /// the fullest first, at most 50.
    pub async fn near(&self, caller: &Caller) -> Result<Vec<Applies>, Error> {
        caller.require(Permission::SettingsRead)?;
        let org = self.known(caller).await?;
        let came = Instant::now();
        let mut looked = org.looked.lock().await;
        // Who had to wait shares what was seen since.
        if let Some((began, near)) = &*looked
            && *began >= came
        {
            return Ok(near.clone());
        }
        let began = Instant::now();
        let near = self.look(&org).await?;
        *looked = Some((began, near.clone()));
        Ok(near)
    }

    async fn look(&self, org: &Arc<Org>) -> Result<Vec<Applies>, Error> {
        let names = self.counted(org).await?;
        let mut near: Vec<Applies> = self
            .applies(org, org.limited(names).ok_or(Error::Unavailable)?)
            .await?
            .into_iter()
            .filter(|applies| applies.fullest() >= NEAR_THOUSANDTHS)
            .collect();
        near.sort_by(|a, b| {
            b.fullest()
                .cmp(&a.fullest())
                .then_with(|| (a.level, &a.subject).cmp(&(b.level, &b.subject)))
        });
        near.truncate(NEAR_MAX);
        Ok(near)
    }

    /// A page of the limits, from the org down to models. `after` is the `next` of the
    /// page before.
    pub(crate) async fn some(
        &self,
        caller: &Caller,
        which: Which,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Limit>, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        let (level, money) = match which {
            Which::All => ("", ""),
            Which::Of(level) => (level.as_str(), ""),
            Which::Budgets => ("", "only"),
        };
        let args = args![level, money, after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::SOME, args).await?;
        let rows = rows.iter().map(stored_limit).collect::<Result<Vec<_>, DbError>>()?;
        Ok(Page::of(rows, limit, place))
    }

    /// The limit that was set on a subject, if one was.
    pub(crate) async fn limit(
        &self,
        caller: &Caller,
        level: Level,
        subject: &str,
    ) -> Result<Option<Limit>, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        let target = Target::new(level, subject)?;
        let args = args![level.as_str(), target.key()];
        let row = self.0.databases.of(&scope)?.maybe(sql::LIMIT, args).await?;
        Ok(row.as_ref().map(stored_limit).transpose()?)
    }

    /// What is left now of each of these limits.
    pub(crate) async fn standings(
        &self,
        caller: &Caller,
        limits: &[Limit],
    ) -> Result<Vec<Applies>, Error> {
        caller.require(Permission::SettingsRead)?;
        let org = self.known(caller).await?;
        let those = limits.iter().map(|limit| {
            let key = key(limit.level, &limit.subject);
            (limit.level, key, limit.ceiling)
        });
        self.applies(&org, those.collect()).await
    }

    /// The org of a caller, its limits read.
    pub(crate) async fn known(&self, caller: &Caller) -> Result<Arc<Org>, Error> {
        let org = self.org(&caller.org);
        if !org.is_known() {
            self.load(&org, &caller.itself()).await?;
        }
        Ok(org)
    }

    pub(crate) async fn foresee(
        &self,
        scope: &Scope,
        level: Level,
        subject: &str,
        ceiling: &Ceiling,
    ) -> Result<Forecast, Error> {
        let now = self.0.clock.now();
        let mut args: Vec<Arg> = args![key(level, subject)];
        args.extend(days_read(now).map(Arg::from));
        let rows = self.0.databases.of(scope)?.all(sql::SPENT_BY_DAY, args).await?;
        let ledger =
            rows.iter().map(|row| Ok((row.text("day")?, NanoCents(row.int("nanocents")?))));
        let ledger: BTreeMap<_, _> = ledger.collect::<Result<_, DbError>>()?;
        Ok(Forecast::of((level, subject), ceiling, now, &ledger))
    }
}

/// Where a limit stands in a list: by level, then by subject. As `sql::SOME` reckons it.
fn place(limit: &Limit) -> String {
    let level = match limit.level {
        Level::Org => 0,
        Level::Team => 1,
        Level::Member => 2,
        Level::Key => 3,
        Level::Model => 4,
    };
    format!("{level}{}", key(limit.level, &limit.subject))
}
