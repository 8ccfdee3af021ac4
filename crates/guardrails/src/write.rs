//! Making, changing and removing guardrails. A change is in force on this node when it is
//! answered, and on every other node when that reads the org anew.

use access::{Caller, Permission, Scope};
use audit::Event;
use base::args;
use base::problem::FieldError;
use base::time::At;
use serde_json::{Map, Value, json};

use crate::bounds::POLICIES_MAX;
use crate::error::Error;
use crate::kept::{Guardrail, GuardrailId, GuardrailPatch, NewGuardrail, Zone};
use crate::set::{self, Set};
use crate::{Guardrails, Severity, sql};

impl Guardrails {
    /// Makes a guardrail.
    pub async fn create(&self, caller: &Caller, new: &NewGuardrail) -> Result<Guardrail, Error> {
        let scope = may_write(caller)?;
        let (name, policy) = self.checked(Some(&new.name), Some(&new.policy))?;
        let now = self.clock.now();
        let made = Guardrail {
            id: GuardrailId::new(now),
            name: name.unwrap_or_default(),
            policy: policy.unwrap_or_default(),
            on: new.on.unwrap_or(true),
            created_at: now,
            changed_at: now,
        };
        let mut work = self.identity.begin(&scope).await?;
        let mut set = Set::read(&mut work.change).await?;
        if set.items.len() >= POLICIES_MAX {
            return Err(Error::TooMany);
        }
        set.free(&made.name, &made.id)?;
        set.items.push(made.clone());
        set.keeps_in(caller)?;
        let args = args![made.id.as_str(), &made.name, &made.policy, now, off_at(&made, now)];
        work.change.run(sql::ADD, args).await?;
        let event = Event::done("guardrails.policy.created", "guardrail", made.id.as_str());
        let event = event.changes(json!({
            "name": {"to": made.name}, "policy": {"to": made.policy}, "on": {"to": made.on},
        }));
        self.identity.commit(work, event).await?;
        Ok(made)
    }

    /// Changes a guardrail, or switches it on or off.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &GuardrailId,
        patch: &GuardrailPatch,
    ) -> Result<Guardrail, Error> {
        let scope = may_write(caller)?;
        let (name, policy) = self.checked(patch.name.as_deref(), patch.policy.as_deref())?;
        let now = self.clock.now();
        let mut work = self.identity.begin(&scope).await?;
        let mut set = Set::read(&mut work.change).await?;
        let one = set.one(id)?;
        let before = one.clone();
        *one = Guardrail {
            name: name.unwrap_or_else(|| before.name.clone()),
            policy: policy.unwrap_or_else(|| before.policy.clone()),
            on: patch.on.unwrap_or(before.on),
            changed_at: now,
            ..before.clone()
        };
        let after = one.clone();
        set.free(&after.name, id)?;
        set.keeps_in(caller)?;
        let args = args![id.as_str(), &after.name, &after.policy, now, off_at(&after, now)];
        work.change.run(sql::CHANGE, args).await?;
        let event = Event::done("guardrails.policy.changed", "guardrail", id.as_str());
        self.identity.commit(work, event.changes(differences(&before, &after))).await?;
        Ok(after)
    }

    /// Removes a guardrail.
    pub async fn remove(&self, caller: &Caller, id: &GuardrailId) -> Result<(), Error> {
        let scope = may_write(caller)?;
        let mut work = self.identity.begin(&scope).await?;
        let mut set = Set::read(&mut work.change).await?;
        let gone = set.one(id)?.clone();
        work.change.run(sql::REMOVE, args![id.as_str()]).await?;
        let event = Event::done("guardrails.policy.removed", "guardrail", id.as_str());
        let event =
            event.changes(json!({"name": {"from": gone.name}, "policy": {"from": gone.policy}}));
        self.identity.commit(work, event).await?;
        Ok(())
    }

    /// Sets the time zone in which policies read hours and days.
    pub async fn set_zone(&self, caller: &Caller, given: &Zone) -> Result<Zone, Error> {
        let scope = may_write(caller)?;
        let named = set::zone(given.zone.trim())?;
        let zone = named.iana_name().unwrap_or_else(|| given.zone.trim()).to_owned();
        let mut work = self.identity.begin(&scope).await?;
        let mut set = Set::read(&mut work.change).await?;
        let before = std::mem::replace(&mut set.zone, zone.clone());
        set.keeps_in(caller)?;
        work.change.run(sql::SET_ZONE, args![&zone, self.clock.now()]).await?;
        let event = Event::done("guardrails.zone.set", "org", caller.org.as_str());
        let event = event.changes(json!({"zone": {"from": before, "to": zone}}));
        self.identity.commit(work, event).await?;
        Ok(Zone { zone })
    }

    /// Name and policy, if they may be kept; every reason why not.
    fn checked(
        &self,
        name: Option<&str>,
        policy: Option<&str>,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let mut wrong = Vec::new();
        let mut refuse = |pointer: &str, detail: String| {
            wrong.push(FieldError { pointer: pointer.to_owned(), detail });
        };
        let name = name.map(|name| name.trim().to_owned());
        if let Some(name) = &name {
            let length = name.chars().count();
            if length == 0 || length > 120 || name.chars().any(char::is_control) {
                refuse("/name", "must have 1 to 120 characters".to_owned());
            }
        }
        let policy = policy.map(|policy| policy.trim_end().to_owned());
        if let Some(policy) = &policy {
            let checked = self.rulebook.check("new", policy);
            let errors = checked.findings.iter().filter(|one| one.severity == Severity::Error);
            for found in errors {
                let (line, column) = (found.line, found.column);
                let detail = format!("line {line}, character {column}: {}", found.message);
                refuse("/policy", detail);
            }
        }
        if wrong.is_empty() { Ok((name, policy)) } else { Err(Error::Invalid(wrong)) }
    }
}

/// The permission, and a second factor that was shown lately.
fn may_write(caller: &Caller) -> Result<Scope, Error> {
    let scope = caller.require(Permission::SettingsGuardrails)?;
    caller.recent_factor()?;
    Ok(scope)
}

fn off_at(one: &Guardrail, now: At) -> Option<i64> {
    (!one.on).then(|| now.as_microsecond())
}

/// Before and after of what differs.
fn differences(before: &Guardrail, after: &Guardrail) -> Value {
    let fields = [
        ("name", json!(before.name), json!(after.name)),
        ("policy", json!(before.policy), json!(after.policy)),
        ("on", json!(before.on), json!(after.on)),
    ];
    let differ = fields.into_iter().filter(|(_, from, to)| from != to);
    let differ = differ.map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})));
    Value::Object(differ.collect::<Map<_, _>>())
}
