//! What an org decides about its sessions, and from where it may be used.

use std::net::IpAddr;

use access::{Actor, Caller, Permission, Unrecorded};
use audit::Event;
use base::args;
use base::time::At;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::address::{net, no_net, within};
use crate::check::Checks;
use crate::rules::Rules;
use crate::{Config, Error, Identity, sql};

/// A shorter session would keep people signing in.
const SESSION_SECS_MIN: i64 = 5 * 60;
/// Nets in one list at most.
const NETS_MAX: usize = 100;

/// What an org decided, and what the operator lets it decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Settings {
    /// A session ends this long after it began; absent: as the operator decided.
    pub session_lifetime_secs: Option<i64>,
    /// A session ends when it was not used for this long; absent: as the operator decided.
    pub session_idle_secs: Option<i64>,
    /// Sessions are accepted from these nets only; absent: from anywhere.
    #[schema(value_type = Option<Vec<String>>)]
    pub console_addresses: Option<Vec<IpNet>>,
    /// Keys are accepted from these nets only; absent: from anywhere.
    #[schema(value_type = Option<Vec<String>>)]
    pub key_addresses: Option<Vec<IpNet>>,
    /// Whether members must have a second factor: `optional` or `required`.
    pub factors: Factors,
    /// Whether a sign-in by an identity provider is asked for a second factor too; else
    /// the provider's own counts.
    pub factors_also_sso: bool,
    /// Since when only identity providers let members in; absent: they do not.
    #[schema(value_type = Option<String>)]
    pub sso_enforced_at: Option<At>,
    /// What becomes of calls while the database of the record is away: `refuse` or `journal`.
    #[schema(value_type = String)]
    pub when_unrecorded: Unrecorded,
    /// What the operator decided: an org may shorten it.
    pub session_lifetime_secs_max: i64,
    /// What the operator decided: an org may shorten it.
    pub session_idle_secs_max: i64,
}

/// What shall be changed of the settings; `null` takes a setting back.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// 300 seconds to what the operator decided; `null`: as the operator decided.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub session_lifetime_secs: Given<i64>,
    /// 300 seconds to what the operator decided; `null`: as the operator decided.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub session_idle_secs: Given<i64>,
    /// 1 to 100 addresses or nets; `null`: from anywhere. Must hold the caller's own.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub console_addresses: Given<Vec<String>>,
    /// 1 to 100 addresses or nets; `null`: from anywhere. Must hold the caller's own if
    /// the caller shows a key.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    pub key_addresses: Given<Vec<String>>,
    /// `optional` or `required`. Whoever has no second factor yet is led to set one.
    #[serde(default)]
    pub factors: Option<Factors>,
    /// Whether sign-ins by an identity provider are asked for one too.
    #[serde(default)]
    pub factors_also_sso: Option<bool>,
    /// `refuse`: calls are refused while the database of the record is away. `journal`: they
    /// go on, recorded in the journal of the node until it is back.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub when_unrecorded: Option<Unrecorded>,
}

/// Whether members must have a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Factors {
    /// As they like.
    Optional,
    /// All of them.
    Required,
}

/// A field of a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// It is left as it is.
    #[default]
    Nothing,
    /// It is taken back.
    Null,
    /// It is set.
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Null, Self::Set))
    }
}

impl<T> Given<T> {
    /// What holds then, if this was what held before.
    fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Nothing => before,
            Self::Null => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The same field, with another kind of value.
    fn map<U>(self, with: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Self::Nothing => Given::Nothing,
            Self::Null => Given::Null,
            Self::Set(value) => Given::Set(with(value)),
        }
    }
}

impl Identity {
    /// What the caller's org decided.
    pub async fn settings(&self, caller: &Caller) -> Result<Settings, Error> {
        caller.require(Permission::SettingsRead)?;
        Ok(self.own(caller).await?.rules.settings(&self.0.config))
    }

    /// Changes what the caller's org decided. It holds at once, for sessions and keys
    /// that there are as well.
    pub async fn change_settings(
        &self,
        caller: &Caller,
        patch: &SettingsPatch,
    ) -> Result<Settings, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        caller.recent_factor()?;
        let patch = Patch::checked(caller, patch, &self.0.config)?;
        let mut work = self.begin(&scope).await?;
        let row = work.change.maybe(sql::ORG_READ, args![]).await?.ok_or(Error::NotFound)?;
        let before = Rules::of(&row)?;
        let after = patch.over(before.clone(), self.now());
        let list = |nets: &Option<Vec<IpNet>>| nets.as_ref().map(|nets| json!(nets).to_string());
        let (console, keys) = (list(&after.console), list(&after.keys));
        let args = args![
            after.lifetime_secs,
            after.idle_secs,
            console,
            keys,
            after.factors_required_at,
            after.factors_also_sso_at,
            after.journal_at,
        ];
        work.change.run(sql::ORG_SETTINGS, args).await?;
        let event = Event::done("identity.settings.changed", "org", caller.org.as_str());
        self.commit(work, event.changes(before.changes(&after))).await?;
        Ok(after.settings(&self.0.config))
    }
}

/// A patch whose every field is right.
struct Patch {
    lifetime_secs: Given<i64>,
    idle_secs: Given<i64>,
    console: Given<Vec<IpNet>>,
    keys: Given<Vec<IpNet>>,
    factors: Option<bool>,
    also_sso: Option<bool>,
    journal: Option<bool>,
}

impl Patch {
    fn checked(caller: &Caller, patch: &SettingsPatch, config: &Config) -> Result<Self, Error> {
        let mut checks = Checks::default();
        let lengths = [
            ("/session_lifetime_secs", &patch.session_lifetime_secs, config.session_lifetime_secs),
            ("/session_idle_secs", &patch.session_idle_secs, config.session_idle_secs),
        ];
        for (pointer, given, longest) in lengths {
            let shortest = SESSION_SECS_MIN.min(longest);
            if let Given::Set(secs) = given
                && !(shortest..=longest).contains(secs)
            {
                checks.refuse(pointer, format!("must be {shortest} to {longest} seconds"));
            }
        }
        let mut nets = |pointer: &'static str, given: &Given<Vec<String>>| {
            given.clone().map(|texts| nets(&mut checks, pointer, &texts))
        };
        let console = nets("/console_addresses", &patch.console_addresses);
        let keys = nets("/key_addresses", &patch.key_addresses);
        checks.done()?;
        let mut checks = Checks::default();
        let here = caller.origin.ip;
        if matches!(caller.actor, Actor::Member(_)) {
            stays_in(&mut checks, "/console_addresses", &console, here);
        }
        if caller.key.is_some() {
            stays_in(&mut checks, "/key_addresses", &keys, here);
        }
        checks.done()?;
        Ok(Self {
            lifetime_secs: patch.session_lifetime_secs.clone(),
            idle_secs: patch.session_idle_secs.clone(),
            console,
            keys,
            factors: patch.factors.map(|factors| factors == Factors::Required),
            also_sso: patch.factors_also_sso,
            journal: patch.when_unrecorded.map(|choice| choice == Unrecorded::Journal),
        })
    }

    fn over(self, before: Rules, now: At) -> Rules {
        let since = |wanted: Option<bool>, since: Option<At>| match wanted {
            None => since,
            Some(false) => None,
            Some(true) => since.or(Some(now)),
        };
        Rules {
            lifetime_secs: self.lifetime_secs.over(before.lifetime_secs),
            idle_secs: self.idle_secs.over(before.idle_secs),
            console: self.console.over(before.console),
            keys: self.keys.over(before.keys),
            factors_required_at: since(self.factors, before.factors_required_at),
            factors_also_sso_at: since(self.also_sso, before.factors_also_sso_at),
            sso_enforced_at: before.sso_enforced_at,
            journal_at: since(self.journal, before.journal_at),
        }
    }
}

fn nets(checks: &mut Checks, pointer: &str, texts: &[String]) -> Vec<IpNet> {
    if texts.is_empty() || texts.len() > NETS_MAX {
        checks.refuse(pointer, "must have 1 to 100 entries, or be null");
        return Vec::new();
    }
    let mut nets = Vec::with_capacity(texts.len());
    for (place, text) in texts.iter().enumerate() {
        match net(text) {
            Some(net) => nets.push(net),
            None => {
                checks.refuse(&format!("{pointer}/{place}"), no_net(text));
            }
        }
    }
    nets
}

/// Nobody locks themselves out.
fn stays_in(checks: &mut Checks, pointer: &str, given: &Given<Vec<IpNet>>, here: Option<IpAddr>) {
    let Given::Set(nets) = given else { return };
    if within(Some(nets), here) {
        return;
    }
    let whence = here.map_or_else(String::new, |here| format!(", {}", here.to_canonical()));
    checks.refuse(pointer, format!("must hold your own address{whence}, or you are locked out"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_patch_is_left_out_taken_back_or_set() {
        let patch: SettingsPatch =
            serde_json::from_str(r#"{"session_idle_secs": null, "key_addresses": ["::1"]}"#)
                .unwrap();
        assert_eq!(patch.session_lifetime_secs, Given::Nothing);
        assert_eq!(patch.session_idle_secs.over(Some(5)), None);
        assert_eq!(patch.key_addresses, Given::Set(vec!["::1".to_owned()]));
        assert!(serde_json::from_str::<SettingsPatch>(r#"{"session_idle": 5}"#).is_err());
    }
}
