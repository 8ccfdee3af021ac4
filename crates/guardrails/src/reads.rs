//! What of the circumstances and of the thing a policy looks at: only that is put together
//! for it.

use std::ops::BitOr;

use cedar_policy::{EntityUid, Policy};
use serde_json::Value;

/// One of the circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    Ip,
    FactorAge,
    Method,
    WithKey,
    Hour,
    MinuteOfDay,
    Weekday,
}

/// Some of the circumstances, and perhaps the class of the thing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Read(u8);

impl Reads {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ip,
        Self::FactorAge,
        Self::Method,
        Self::WithKey,
        Self::Hour,
        Self::MinuteOfDay,
        Self::Weekday,
    ];

    /// As policies write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::FactorAge => "factor_age_secs",
            Self::Method => "method",
            Self::WithKey => "with_key",
            Self::Hour => "hour",
            Self::MinuteOfDay => "minute_of_day",
            Self::Weekday => "weekday",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Ip => 1,
            Self::FactorAge => 2,
            Self::Method => 4,
            Self::WithKey => 8,
            Self::Hour => 16,
            Self::MinuteOfDay => 32,
            Self::Weekday => 64,
        }
    }
}

impl Read {
    const ALL: Self = Self(u8::MAX);
    const CLASS: Self = Self(128);
    const CIRCUMSTANCES: Self = Self(127);

    /// What a policy looks at. Whoever takes the circumstances as a whole looks at all.
    pub(crate) fn of(policy: &Policy) -> Self {
        policy.to_json().map_or(Self::ALL, |json| walked(&json))
    }

    pub(crate) const fn has(self, one: Reads) -> bool {
        self.0 & one.bit() != 0
    }

    /// Whether the class of the thing is looked at.
    pub(crate) const fn class(self) -> bool {
        self.0 & Self::CLASS.0 != 0
    }

    /// Whether anything of the moment is looked at.
    pub(crate) const fn moment(self) -> bool {
        self.has(Reads::Hour) || self.has(Reads::MinuteOfDay) || self.has(Reads::Weekday)
    }
}

impl BitOr for Read {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Goes through a policy in Cedar's JSON form.
fn walked(json: &Value) -> Read {
    match json {
        Value::Object(fields) => {
            if fields.get("Var").and_then(Value::as_str) == Some("context") {
                return Read::CIRCUMSTANCES;
            }
            let each = fields.iter().map(|(name, value)| match name.as_str() {
                "." | "has" => class(value) | attribute(value).unwrap_or_else(|| walked(value)),
                _ => walked(value),
            });
            each.fold(Read::default(), BitOr::bitor)
        }
        Value::Array(list) => list.iter().map(walked).fold(Read::default(), BitOr::bitor),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Read::default(),
    }
}

/// The class of the thing, if that is the attribute, whatever way leads to the thing.
fn class(value: &Value) -> Read {
    let attribute = value.get("attr").and_then(Value::as_str);
    if attribute == Some("data_class") { Read::CLASS } else { Read::default() }
}

/// The attribute, if it is one of the circumstances.
fn attribute(value: &Value) -> Option<Read> {
    let of = value.pointer("/left/Var").and_then(Value::as_str)?;
    let name = value.get("attr").and_then(Value::as_str)?;
    let known = Reads::ALL.into_iter().find(|one| one.as_str() == name);
    (of == "context").then(|| known.map_or(Read::CIRCUMSTANCES, |one| Read(one.bit())))
}

/// The entities of a kind that a policy names, anywhere.
pub(crate) fn named<'a>(policy: &Policy, kind: &'a str) -> impl Iterator<Item = EntityUid> + 'a {
    policy.entity_literals().into_iter().filter(move |uid| uid.type_name().basename() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;

    fn read(condition: &str) -> Vec<&'static str> {
        let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
        let read = Read::of(&policy::read("grl_1", &text).unwrap());
        Reads::ALL.into_iter().filter(|one| read.has(*one)).map(Reads::as_str).collect()
    }

    #[test]
    fn what_a_policy_looks_at_is_known_before_it_is_asked() {
        assert_eq!(read("true"), [""; 0]);
        assert_eq!(read("context.hour < 8 || context has ip"), ["ip", "hour"]);
        let nested = "if context.with_key then false else [context.weekday].contains(\"monday\")";
        assert_eq!(read(nested), ["with_key", "weekday"]);
        assert_eq!(read("principal has factor_age_secs"), [""; 0]);
        assert_eq!(read("context == {hour: 3}").len(), Reads::ALL.len());
        for condition in [
            "resource has data_class && resource.data_class == \"secret\"",
            "(if context.with_key then resource else resource) has data_class",
            "[resource.data_class, \"x\"].contains(\"secret\")",
        ] {
            let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
            assert!(Read::of(&policy::read("grl_1", &text).unwrap()).class(), "{condition}");
        }
        for condition in ["true", "context == {hour: 3}", "resource is Pattern"] {
            let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
            assert!(!Read::of(&policy::read("grl_1", &text).unwrap()).class(), "{condition}");
        }
        let text = "forbid (principal in Role::\"auditor\", action, resource)
            unless { principal in [Team::\"team_1\", Role::\"org:owner\"] };";
        let policy = policy::read("grl_1", text).unwrap();
        let mut roles: Vec<_> =
            named(&policy, "Role").map(|uid| uid.id().unescaped().to_owned()).collect();
        roles.sort_unstable();
        assert_eq!(roles, ["auditor", "org:owner"]);
        assert_eq!(named(&policy, "Team").count(), 1);
    }
}
