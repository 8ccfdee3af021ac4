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
    /// What proves us there.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Whether it is kept still.
    #[serde(default)]
    pub paused: Option<bool>,
}

impl Streams {
    /// Changes a sink. It is tried again at once: what it refused may have been a setting's
    /// fault.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &SinkId,
        wanted: ChangeSink,
    ) -> Result<Sink, Error> {
        let scope = may_change(caller)?;
        let before = self.known(&scope, id).await?;
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
        check_secret(&mut checks, &after.target, secret.as_ref(), Given::Again);
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
            return self.shown(&scope, before).await;
        }
        let action = match (changes.len(), wanted.paused) {
            (1, Some(true)) => "streams.sink.paused",
            (1, Some(false)) => "streams.sink.resumed",
            _ => "streams.sink.changed",
        };
        let event = Event::done(action, "sink", id.as_str()).changes(Value::Object(changes));
        self.put(&scope, &after, event).await
    }

    /// Makes a new secret of a webhook. The one before signs beside it for a day.
    pub async fn rotate(&self, caller: &Caller, id: &SinkId) -> Result<Made, Error> {
        let scope = may_change(caller)?;
        let mut known = self.known(&scope, id).await?;
        let secrets = self.secrets(&scope, &known)?;
        let (Target::Webhook { .. }, Some(secrets)) = (&known.target, secrets) else {
            return Err(Error::NotOurs);
        };
        let made = fresh()?;
        let secrets = secrets.rotated(made.clone(), self.now());
        known.sealed = Some(self.0.seals.seal(&scope, id, &secrets)?);
        let event = Event::done("streams.sink.rotated", "sink", id.as_str());
        let sink = self.put(&scope, &known, event).await?;
        Ok(Made { sink, secret: Some(made.reveal().to_owned()) })
    }

    async fn put(&self, scope: &Scope, known: &Known, event: Event) -> Result<Sink, Error> {
        let (id, now) = (known.id.as_str(), self.now());
        let target = crate::sink::target_json(&known.target)?;
        let sealed = base::db::Value::Bytes(known.sealed.clone());
        let mut change = Change::begin(&self.0.record, scope).await?;
        let changed =
            args![id, &known.name, known.format.as_str(), target, sealed, known.paused_at, now];
        if change.run(sql::CHANGE, changed).await? == 0 {
            return Err(Error::NotFound);
        }
        change.run(sql::MEND, args![id, now]).await?;
        change.commit(event).await?;
        self.0.wires.forget_token(known);
        let known = self.known(scope, &known.id).await?;
        self.shown(scope, known).await
    }
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
