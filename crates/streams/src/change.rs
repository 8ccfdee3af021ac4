//! A sink is changed, paused, resumed; its secret is made anew.

use access::{Caller, Scope};
use audit::{Change, Event};
use base::args;
use base::checks::Checks;
use base::secret::Secret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::format::Format;
use crate::manage::{Given, Made, check_secret, may_change};
use crate::secrets::{Secrets, fresh};
use crate::sink::Known;
use crate::target::Target;
use crate::{Error, Sink, SinkId, Streams, sql};

/// What can be changed of a sink. What is not given stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSink {
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// Where the record flows to: of the same kind.
    #[serde(default)]
    pub target: Option<Target>,
    /// How it is written.
    #[serde(default)]
    pub format: Option<Format>,
    /// What proves us there. Needed where the target leads to another host than before: the one
    /// that is kept is between us and that host.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Whether it is kept still.
    #[serde(default)]
    pub paused: Option<bool>,
}

impl Streams {
    /// Changes a sink. With another setting it is tried again at once: what it refused may have
    /// been that setting's fault. Where it leads to another host than before, the secret must be
    /// given anew.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &SinkId,
        wanted: ChangeSink,
    ) -> Result<Sink, Error> {
        let scope = may_change(caller)?;
        let (change, before) = self.take(&scope, id).await?;
        let mut checks = Checks::default();
        let mut after = before.clone();
        if let Some(name) = &wanted.name {
            after.name = checks.name("/name", name);
        }
        if let Some(target) = wanted.target {
            if target.kind() != before.target.kind() {
                checks.refuse("/target/kind", "cannot be changed: make another sink");
            }
            target.check(&self.0.wires.fetch, &mut checks);
            after.target = target;
        }
        after.format = wanted.format.unwrap_or(before.format);
        let secret = wanted.secret.filter(|secret| !secret.reveal().is_empty());
        match (&secret, before.target.entrusts_another(&after.target)) {
            (None, Some(field)) => checks.refuse(
                "/secret",
                format!(
                    "must be given anew: `{field}` leads to another host than the one it was given for"
                ),
            ),
            (Some(_), _) | (None, None) => {
                check_secret(&mut checks, &after.target, secret.as_ref(), Given::Again);
            }
        }
        checks.done()?;
        after.paused_at = match wanted.paused {
            Some(true) => before.paused_at.or(Some(self.now())),
            Some(false) => None,
            None => before.paused_at,
        };
        let mut changes = told(&before, &after);
        if let Some(secret) = secret {
            after.sealed = Some(self.0.seals.seal(&scope, id, &Secrets::of(secret))?);
            changes.insert("secret".to_owned(), json!("replaced"));
        }
        if changes.is_empty() {
            drop(change);
            return self.shown(&scope, before).await;
        }
        let action = match (changes.len(), wanted.paused) {
            (1, Some(true)) => "streams.sink.paused",
            (1, Some(false)) => "streams.sink.resumed",
            _ => "streams.sink.changed",
        };
        let event = Event::done(action, "sink", id.as_str()).changes(Value::Object(changes));
        self.put(change, &before, &after, event).await
    }

    /// Makes a new secret of a webhook. The one before signs beside it for a day.
    pub async fn rotate(&self, caller: &Caller, id: &SinkId) -> Result<Made, Error> {
        let scope = may_change(caller)?;
        let (change, before) = self.take(&scope, id).await?;
        let secrets = self.secrets(&scope, &before)?;
        let (Target::Webhook { .. }, Some(secrets)) = (&before.target, secrets) else {
            return Err(Error::NotOurs);
        };
        let made = fresh()?;
        let secrets = secrets.rotated(made.clone(), self.now());
        let sealed = Some(self.0.seals.seal(&scope, id, &secrets)?);
        let after = Known { sealed, ..before.clone() };
        let event = Event::done("streams.sink.rotated", "sink", id.as_str());
        let sink = self.put(change, &before, &after, event).await?;
        Ok(Made { sink, secret: Some(made.reveal().to_owned()) })
    }

    /// Begins a change of a sink that nobody else changes meanwhile.
    async fn take(&self, scope: &Scope, id: &SinkId) -> Result<(Change, Known), Error> {
        let mut change = Change::begin(&self.0.record, scope).await?;
        if change.run(sql::TAKE, args![id.as_str()]).await? == 0 {
            return Err(Error::NotFound);
        }
        let row = change.maybe(sql::ONE, args![id.as_str()]).await?;
        let known = Known::of(&row.ok_or(Error::NotFound)?)?;
        Ok((change, known))
    }

    async fn put(
        &self,
        mut change: Change,
        before: &Known,
        after: &Known,
        event: Event,
    ) -> Result<Sink, Error> {
        let (id, now) = (after.id.as_str(), self.now());
        let target = crate::sink::target_json(&after.target)?;
        let sealed = base::db::Value::Bytes(after.sealed.clone());
        let changed =
            args![id, &after.name, after.format.as_str(), target, sealed, after.paused_at, now];
        if change.run(sql::CHANGE, changed).await? == 0 {
            return Err(Error::NotFound);
        }
        let anew = is_set_anew(before, after);
        let resumed = before.paused_at.is_some() && after.paused_at.is_none();
        if (anew || resumed) && change.run(sql::MEND, args![id, now]).await? == 0 {
            return Err(Error::NotFound);
        }
        // What is under way by the settings of before is no delivery by these.
        if anew && change.run(sql::SUPERSEDE, args![id]).await? == 0 {
            return Err(Error::NotFound);
        }
        let scope = change.scope().clone();
        change.commit(event).await?;
        self.0.wires.forget_token(after);
        let known = self.known(&scope, &after.id).await?;
        self.shown(&scope, known).await
    }
}

/// Whether a sink may take now what it refused before. A new name mends nothing, and what
/// stands in the way of a sink stays in view while it is paused.
fn is_set_anew(before: &Known, after: &Known) -> bool {
    before.target != after.target || before.format != after.format || before.sealed != after.sealed
}

/// What an event says of a change: everything but secrets.
fn told(before: &Known, after: &Known) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut tell = |name: &str, from: Value, to: Value| {
        if from != to {
            changes.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    tell("name", json!(before.name), json!(after.name));
    tell("target", json!(before.target), json!(after.target));
    tell("format", json!(before.format), json!(after.format));
    tell("paused", json!(before.paused_at.is_some()), json!(after.paused_at.is_some()));
    changes
}
