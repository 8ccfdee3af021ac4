//! What an org decided about its sessions, ready to be held to.

use access::{Origin, Unrecorded};
use base::db::{DbError, Row};
use base::problem::Problem;
use base::time::At;
use http::StatusCode;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use crate::address::within;
use crate::settings::{Factors, Settings};
use crate::{Config, load};

/// What an org decided, ready to be held to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) lifetime_secs: Option<i64>,
    pub(crate) idle_secs: Option<i64>,
    pub(crate) console: Option<Vec<IpNet>>,
    pub(crate) keys: Option<Vec<IpNet>>,
    /// Since when members must have a second factor.
    pub(crate) factors_required_at: Option<At>,
    /// Since when an identity provider's sign-in does not count as one.
    pub(crate) factors_also_sso_at: Option<At>,
    /// Since when only identity providers let members in.
    pub(crate) sso_enforced_at: Option<At>,
    /// Since when calls go on in the journal while they cannot be recorded.
    pub(crate) journal_at: Option<At>,
}

impl Rules {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            lifetime_secs: row.opt_int("session_lifetime_secs")?,
            idle_secs: row.opt_int("session_idle_secs")?,
            console: load::list(row, "console_addresses")?,
            keys: load::list(row, "key_addresses")?,
            factors_required_at: row.opt_at("factors_required_at")?,
            factors_also_sso_at: row.opt_at("factors_also_sso_at")?,
            sso_enforced_at: row.opt_at("sso_enforced_at")?,
            journal_at: row.opt_at("unrecorded_journal_at")?,
        })
    }

    /// Whether members must have a second factor.
    pub(crate) const fn require_factors(&self) -> bool {
        self.factors_required_at.is_some()
    }

    /// Whether an identity provider's sign-in is asked for a second factor too.
    pub(crate) const fn ask_sso_too(&self) -> bool {
        self.factors_also_sso_at.is_some()
    }

    /// Whether only identity providers let members in.
    pub(crate) const fn enforce_sso(&self) -> bool {
        self.sso_enforced_at.is_some()
    }

    /// What becomes of calls while they cannot be recorded.
    pub(crate) const fn unrecorded(&self) -> Unrecorded {
        if self.journal_at.is_some() { Unrecorded::Journal } else { Unrecorded::Refuse }
    }

    const fn factors(&self) -> Factors {
        if self.require_factors() { Factors::Required } else { Factors::Optional }
    }

    /// How long a session lives at most. An org never lengthens what the operator decided.
    pub(crate) fn lifetime_secs(&self, config: &Config) -> i64 {
        let longest = config.session_lifetime_secs;
        self.lifetime_secs.map_or(longest, |secs| secs.min(longest))
    }

    /// How long a session lives unused.
    pub(crate) fn idle_secs(&self, config: &Config) -> i64 {
        let longest = config.session_idle_secs;
        self.idle_secs.map_or(longest, |secs| secs.min(longest))
    }

    /// Whether a person may be there.
    pub(crate) fn admit_person(&self, origin: &Origin) -> Result<(), Problem> {
        admit(self.console.as_deref(), origin, "this org is used from other addresses only")
    }

    /// Whether a key may be there.
    pub(crate) fn admit_key(&self, origin: &Origin) -> Result<(), Problem> {
        admit(self.keys.as_deref(), origin, "keys of this org are used from other addresses only")
    }

    pub(crate) fn settings(&self, config: &Config) -> Settings {
        Settings {
            session_lifetime_secs: self.lifetime_secs,
            session_idle_secs: self.idle_secs,
            console_addresses: self.console.clone(),
            key_addresses: self.keys.clone(),
            factors: self.factors(),
            factors_also_sso: self.ask_sso_too(),
            sso_enforced_at: self.sso_enforced_at,
            when_unrecorded: self.unrecorded(),
            session_lifetime_secs_max: config.session_lifetime_secs,
            session_idle_secs_max: config.session_idle_secs,
        }
    }

    /// Before and after of what differs.
    pub(crate) fn changes(&self, after: &Self) -> Value {
        let fields = [
            ("session_lifetime_secs", json!(self.lifetime_secs), json!(after.lifetime_secs)),
            ("session_idle_secs", json!(self.idle_secs), json!(after.idle_secs)),
            ("console_addresses", json!(self.console), json!(after.console)),
            ("key_addresses", json!(self.keys), json!(after.keys)),
            ("factors", json!(self.factors()), json!(after.factors())),
            ("factors_also_sso", json!(self.ask_sso_too()), json!(after.ask_sso_too())),
            ("when_unrecorded", json!(self.unrecorded()), json!(after.unrecorded())),
        ];
        let differ = fields.into_iter().filter(|(_, from, to)| from != to);
        let differ =
            differ.map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})));
        Value::Object(differ.collect::<Map<_, _>>())
    }
}

fn admit(nets: Option<&[IpNet]>, origin: &Origin, detail: &str) -> Result<(), Problem> {
    if within(nets, origin.ip) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "address_not_allowed", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_shortens_what_the_operator_decided_and_never_lengthens_it() {
        let config = Config::default();
        let rules = |secs| Rules { lifetime_secs: secs, idle_secs: secs, ..Rules::default() };
        assert_eq!(rules(Some(600)).lifetime_secs(&config), 600);
        assert_eq!(rules(Some(600)).idle_secs(&config), 600);
        let longer = Some(config.session_lifetime_secs + 1);
        for rules in [rules(longer), rules(None)] {
            assert_eq!(rules.lifetime_secs(&config), config.session_lifetime_secs);
            assert_eq!(rules.idle_secs(&config), config.session_idle_secs);
        }
    }
}
