//! Sinks: seen, made, removed.

use access::{Caller, Method, Permission, Scope};
use audit::{Change, Event};
use base::args;
use base::checks::Checks;
use base::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::format::Format;
use crate::secrets::{Secrets, fresh, signing_key};
use crate::sink::Known;
use crate::target::Target;
use crate::{Error, Sink, SinkId, Streams, sql};

/// Sinks of one org at most.
pub const SINKS_MAX: usize = 10;
/// Characters of a secret. A shorter one would be found, and hidden, in any text.
const SECRET: std::ops::RangeInclusive<usize> = 8..=1_024;

/// A sink to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSink {
    /// What people call it.
    pub name: String,
    /// Where the record flows to.
    pub target: Target,
    /// How it is written; what is usual for the kind, if not given.
    #[serde(default)]
    pub format: Option<Format>,
    /// What proves us there: the token, the API key, the secret. For a webhook a `whsec_…`;
    /// one is made if none is given.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The index of the first event that is sent: 0 if not given, so that the copy is complete.
    #[serde(default)]
    pub from: Option<i64>,
}

/// A sink that was made, or whose secret was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Made {
    /// The sink.
    pub sink: Sink,
    /// The secret that was made here. It is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl Streams {
    /// The sinks of the org.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Sink>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let mut sinks = Vec::new();
        for known in self.all(&scope).await? {
            sinks.push(self.shown(&scope, known).await?);
        }
        Ok(sinks)
    }

    /// One of them.
    pub async fn get(&self, caller: &Caller, id: &SinkId) -> Result<Sink, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let known = self.known(&scope, id).await?;
        self.shown(&scope, known).await
    }

    /// Makes a sink. From now on the record flows into it.
    pub async fn create(&self, caller: &Caller, new: NewSink) -> Result<Made, Error> {
        let scope = may_change(caller)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        new.target.check(&self.0.wires.fetch, &mut checks);
        let given = new.secret.filter(|secret| !secret.reveal().is_empty());
        check_secret(&mut checks, &new.target, given.as_ref(), Given::Anew);
        let size = self.0.record.size(&scope).await?;
        let from = new.from.unwrap_or_default();
        if !(0..=size).contains(&from) {
            checks.refuse("/from", format!("must be 0 to {size}, the size of the record"));
        }
        checks.done()?;
        let made = match (&new.target, &given) {
            (Target::Webhook { .. }, None) => Some(fresh()?),
            _ => None,
        };
        let (id, now) = (SinkId::new(self.now()), self.now());
        let secrets = given.or_else(|| made.clone()).map(Secrets::of);
        let sealed = secrets.map(|it| self.0.seals.seal(&scope, &id, &it)).transpose()?;
        let format = new.format.unwrap_or_else(|| new.target.usual_format());
        let target = crate::sink::target_json(&new.target)?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        change.run(sql::TURN, args![]).await?;
        let row = change.maybe(sql::COUNT, args![]).await?;
        let sinks = row.map(|row| row.count("rows")).transpose()?.unwrap_or_default();
        if usize::try_from(sinks).unwrap_or(usize::MAX) >= SINKS_MAX {
            return Err(Error::TooMany(SINKS_MAX));
        }
        let sealed = base::db::Value::Bytes(sealed);
        let added = args![id.as_str(), &name, format.as_str(), target, sealed, now];
        change.run(sql::ADD, added).await?;
        change.run(sql::ADD_POSITION, args![id.as_str(), from, now]).await?;
        let event = Event::done("streams.sink.added", "sink", id.as_str()).changes(json!({
            "name": { "to": name }, "format": { "to": format }, "target": { "to": new.target },
            "from": { "to": from },
        }));
        change.commit(event).await?;
        let sink = self.shown(&scope, self.known(&scope, &id).await?).await?;
        Ok(Made { sink, secret: made.map(|secret| secret.reveal().to_owned()) })
    }

    /// Removes a sink: nothing flows into it any more.
    pub async fn remove(&self, caller: &Caller, id: &SinkId) -> Result<(), Error> {
        let scope = may_change(caller)?;
        let known = self.known(&scope, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::REMOVE, args![id.as_str()]).await? == 0 {
            return Err(Error::NotFound);
        }
        change.run(sql::REMOVE_POSITION, args![id.as_str()]).await?;
        let event = Event::done("streams.sink.removed", "sink", id.as_str());
        let was =
            json!({ "name": { "from": known.name }, "next": { "from": known.position.next } });
        change.commit(event.changes(was)).await?;
        self.0.wires.forget_token(&known);
        Ok(())
    }

    async fn all(&self, scope: &Scope) -> Result<Vec<Known>, Error> {
        let rows = self.0.databases.of(scope)?.all(sql::LIST, args![]).await?;
        Ok(rows.iter().map(Known::of).collect::<Result<_, _>>()?)
    }

    pub(crate) async fn known(&self, scope: &Scope, id: &SinkId) -> Result<Known, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::ONE, args![id.as_str()]).await?;
        Ok(Known::of(&row.ok_or(Error::NotFound)?)?)
    }

    pub(crate) async fn shown(&self, scope: &Scope, known: Known) -> Result<Sink, Error> {
        let size = self.0.record.size(scope).await?;
        let lag_secs = self.lag_secs(scope, &known, size).await?;
        Ok(known.shown(size, lag_secs))
    }

    /// Age of the oldest event that a sink lacks; of one in the archive, about. Nobody waits for
    /// an archive to be told how far behind a sink is.
    pub(crate) async fn lag_secs(
        &self,
        scope: &Scope,
        known: &Known,
        size: i64,
    ) -> Result<i64, Error> {
        if known.position.next >= size {
            return Ok(0);
        }
        let at = self.0.record.recorded_about(scope, known.position.next).await?;
        Ok(at.map_or(0, |at| (self.now().as_second() - at.as_second()).max(0)))
    }

    pub(crate) fn secrets(&self, scope: &Scope, known: &Known) -> Result<Option<Secrets>, Error> {
        let sealed = known.sealed.as_ref();
        Ok(sealed.map(|sealed| self.0.seals.open(scope, &known.id, sealed)).transpose()?)
    }
}

/// A change needs a second factor that was shown lately: whoever names a sink takes the
/// whole record elsewhere. The operator's support changes none, whatever the org consented
/// to: a stream would outlive the visit.
pub(crate) fn may_change(caller: &Caller) -> Result<Scope, Error> {
    let scope = caller.require(Permission::EventsExport)?;
    if caller.standing.session.as_ref().is_some_and(|shown| shown.method == Method::Support) {
        return Err(Error::Visiting);
    }
    caller.recent_factor()?;
    Ok(scope)
}

/// Whether a secret must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// There is none yet.
    Anew,
    /// There is one, which stays if none is given.
    Again,
}

pub(crate) fn check_secret(
    checks: &mut Checks,
    target: &Target,
    secret: Option<&Secret>,
    given: Given,
) {
    let is_webhook = matches!(target, Target::Webhook { .. });
    match secret {
        None if given == Given::Anew && target.has_secret() && !is_webhook => {
            checks.refuse("/secret", "must be given: it proves us there");
        }
        None => {}
        Some(_) if !target.has_secret() => checks.refuse("/secret", "is not used by this kind"),
        Some(secret) if is_webhook && signing_key(secret).is_none() => {
            checks.refuse("/secret", "must be `whsec_` and 24 to 64 bytes in base64");
        }
        Some(secret) => {
            let text = secret.reveal();
            let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
            if !SECRET.contains(&text.len()) || !plain {
                checks.refuse("/secret", "must have 8 to 1,024 characters without spaces");
            }
        }
    }
}
