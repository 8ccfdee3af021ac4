//! Setting and removing a limit.

use std::sync::atomic::Ordering;

use access::{Caller, Permission};
use audit::{Change, Event};
use base::args;
use base::db::Value as Arg;
use base::money::NanoCents;
use base::problem::FieldError;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::ceilings::stored;
use crate::core::{Ceiling, Level};
use crate::org::Unsure;
use crate::subject::Target;
use crate::{Error, Limits, sql};

/// Limits of one org at most; for more subjects there is `*`.
const LIMITS_MAX: u64 = 10_000;
/// Requests, tokens or calls at once that a limit may allow at most.
const COUNT_MAX: u64 = 1_000_000_000_000;
/// Money that a limit may allow at most: ten million whole units.
const MONEY_MAX: NanoCents = NanoCents(10_000_000 * 100_000_000_000);

impl Limits {
    /// Sets the limit of a subject; it applies before this returns.
    pub async fn set(
        &self,
        caller: &Caller,
        level: Level,
        subject: &str,
        ceiling: Ceiling,
    ) -> Result<(), Error> {
        caller.require(Permission::SettingsUpdate)?;
        check(&ceiling)?;
        self.change(caller, Target::new(level, subject)?, Some(ceiling)).await
    }

    /// Removes the limit of a subject; it no longer applies when this returns.
    pub async fn remove(&self, caller: &Caller, level: Level, subject: &str) -> Result<(), Error> {
        caller.require(Permission::SettingsUpdate)?;
        self.change(caller, Target::new(level, subject)?, None).await
    }

    /// Runs to its end even if whoever asked goes away: what the database says and
    /// what applies here must not part.
    async fn change(
        &self,
        caller: &Caller,
        target: Target,
        after: Option<Ceiling>,
    ) -> Result<(), Error> {
        let (limits, caller) = (self.clone(), caller.clone());
        let (ended, end) = oneshot::channel();
        self.0.tasks.spawn(async move {
            // Whoever asked may have gone: the change stands all the same.
            drop(ended.send(limits.change_now(&caller, &target, after).await));
        });
        end.await.unwrap_or(Err(Error::Unavailable))
    }

    async fn change_now(
        &self,
        caller: &Caller,
        target: &Target,
        after: Option<Ceiling>,
    ) -> Result<(), Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let org = self.org(&caller.org);
        let _turn = org.turn.lock().await;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let at = self.0.clock.now();
        let key = || args![target.level.as_str(), target.key()];
        let before = change.maybe(sql::LIMIT, key()).await?;
        let before = before.as_ref().map(stored).transpose()?;
        let (statement, args, action) = match after {
            Some(after) => {
                if before.is_none() && count(&mut change).await? >= LIMITS_MAX {
                    return Err(Error::TooMany(LIMITS_MAX));
                }
                let set_by = caller.actor.id();
                let values = values(&after);
                let who = args![at, set_by];
                (sql::SET, [key(), values, who].concat(), "limits.limit.set")
            }
            None if before.is_none() => return Err(Error::NoSuchLimit),
            None => (sql::REMOVE, key(), "limits.limit.removed"),
        };
        change.run(statement, args).await?;
        let event = Event::done(action, "limit", target.key())
            .changes(differences(before.unwrap_or_default(), after.unwrap_or_default()));
        let unsure = Unsure::about(&org);
        change.commit(event).await?;
        unsure.arrived(target, after, at);
        if let Some(shared) = &org.shared {
            // Here as well they are read again, for others may have changed them meanwhile.
            shared.renew.store(true, Ordering::Release);
            self.tell_of_change(shared).await?;
        }
        Ok(())
    }
}

async fn count(change: &mut Change) -> Result<u64, Error> {
    let row = change.maybe(sql::COUNT, args![]).await?;
    Ok(row.map(|row| row.count("limits")).transpose()?.unwrap_or_default())
}

fn values(ceiling: &Ceiling) -> Vec<Arg> {
    let count = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    args![
        count(ceiling.requests_per_minute),
        count(ceiling.tokens_per_minute),
        count(ceiling.concurrency),
        ceiling.money_per_day.map(|money| money.0),
        ceiling.money_per_month.map(|money| money.0),
    ]
}

/// A limit of nothing is a mistake: to take away a permission there are roles.
fn check(ceiling: &Ceiling) -> Result<(), Error> {
    let count = |limit: Option<u64>| limit.is_some_and(|limit| !(1..=COUNT_MAX).contains(&limit));
    let money = |limit: Option<NanoCents>| {
        limit.is_some_and(|limit| !(NanoCents(1)..=MONEY_MAX).contains(&limit))
    };
    let counts = format!("must be 1 to {COUNT_MAX}; leave it out for no limit");
    let amounts = format!("must be more than 0 and at most {MONEY_MAX}; leave it out for no limit");
    let wrong: Vec<FieldError> = [
        ("requests_per_minute", count(ceiling.requests_per_minute), &counts),
        ("tokens_per_minute", count(ceiling.tokens_per_minute), &counts),
        ("concurrency", count(ceiling.concurrency), &counts),
        ("money_per_day", money(ceiling.money_per_day), &amounts),
        ("money_per_month", money(ceiling.money_per_month), &amounts),
    ]
    .into_iter()
    .filter(|(_, wrong, _)| *wrong)
    .map(|(field, _, rule)| FieldError {
        pointer: format!("/{field}"),
        detail: format!("`{field}` {rule}"),
    })
    .collect();
    if ceiling.is_open() || !wrong.is_empty() { Err(Error::BadCeiling(wrong)) } else { Ok(()) }
}

/// `{"concurrency": {"from": null, "to": 5}}`, of what differs.
fn differences(before: Ceiling, after: Ceiling) -> Value {
    let mut changes = Map::new();
    let mut note = |field: &str, from: Value, to: Value| {
        if from != to {
            changes.insert(field.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    note(
        "requests_per_minute",
        json!(before.requests_per_minute),
        json!(after.requests_per_minute),
    );
    note("tokens_per_minute", json!(before.tokens_per_minute), json!(after.tokens_per_minute));
    note("concurrency", json!(before.concurrency), json!(after.concurrency));
    note("money_per_day", json!(before.money_per_day), json!(after.money_per_day));
    note("money_per_month", json!(before.money_per_month), json!(after.money_per_month));
    Value::Object(changes)
}
