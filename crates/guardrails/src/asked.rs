//! What a policy is asked about: who wants what, on what, and under which circumstances.

use std::net::IpAddr;

use access::{Access, Actor, Identified, Method, TeamId, Thing};
use base::time::At;
use cedar_policy::RestrictedExpression;
use cedar_policy::{Context, EntityId, EntityTypeName, EntityUid, ParseErrors};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::reads::{Read, Reads};

/// A question, as a request or a past event puts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) teams: &'a [TeamId],
    /// What the actor was given; none: not known.
    pub(crate) access: Option<&'a Access>,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) with_key: bool,
    pub(crate) method: Option<Method>,
    pub(crate) factor_at: Option<At>,
    pub(crate) at: Option<At>,
    pub(crate) on: Option<Thing<'a>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn by(who: &'a Identified, on: Option<Thing<'a>>) -> Self {
        let session = who.standing.session.as_ref();
        Self {
            actor: &who.actor,
            teams: &who.teams,
            access: Some(&who.access),
            ip: who.origin.ip,
            with_key: who.key.is_some(),
            method: session.map(|session| session.method),
            factor_at: session.and_then(|session| session.factor_at),
            at: who.standing.at,
            on,
        }
    }

    /// The circumstances that are looked at.
    pub(crate) fn circumstances(&self, read: Read, zone: &TimeZone) -> Given {
        let age = |factor: At, now: At| now.as_second().saturating_sub(factor.as_second()).max(0);
        let there = self.at.filter(|_| read.moment()).map(|now| zone.to_datetime(now));
        let minute = there.map(|at| i64::from(at.hour()) * 60 + i64::from(at.minute()));
        Given {
            ip: self.ip.filter(|_| read.has(Reads::Ip)).map(|ip| ip.to_canonical()),
            factor_age_secs: self
                .factor_at
                .zip(self.at)
                .filter(|_| read.has(Reads::FactorAge))
                .map(|(factor, now)| age(factor, now)),
            method: self.method.filter(|_| read.has(Reads::Method)),
            with_key: read.has(Reads::WithKey).then_some(self.with_key),
            hour: minute.filter(|_| read.has(Reads::Hour)).map(|minute| minute / 60),
            minute_of_day: minute.filter(|_| read.has(Reads::MinuteOfDay)),
            weekday: there.filter(|_| read.has(Reads::Weekday)).map(jiff::civil::DateTime::weekday),
        }
    }
}

/// Circumstances, as far as they are looked at and known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Given {
    ip: Option<IpAddr>,
    factor_age_secs: Option<i64>,
    method: Option<Method>,
    with_key: Option<bool>,
    hour: Option<i64>,
    minute_of_day: Option<i64>,
    weekday: Option<Weekday>,
}

impl Given {
    /// As Cedar takes them. What is not known is left out: a policy that needs it then
    /// fails, and what fails forbids.
    pub(crate) fn context(&self) -> Option<Context> {
        let long = RestrictedExpression::new_long;
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let pairs = [
            (Reads::Ip, self.ip.map(|ip| RestrictedExpression::new_ip(ip.to_string()))),
            (Reads::FactorAge, self.factor_age_secs.map(long)),
            (Reads::Method, self.method.map(|method| text(method.as_str()))),
            (Reads::WithKey, self.with_key.map(RestrictedExpression::new_bool)),
            (Reads::Hour, self.hour.map(long)),
            (Reads::MinuteOfDay, self.minute_of_day.map(long)),
            (Reads::Weekday, self.weekday.map(|day| text(day_name(day)))),
        ];
        let known = pairs.into_iter().filter_map(|(one, value)| Some((one.as_str(), value?)));
        Context::from_pairs(known.map(|(name, value)| (name.to_owned(), value))).ok()
    }
}

/// As policies write it.
pub(crate) const fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

/// The kinds of things that policies name.
#[derive(Debug)]
pub(crate) struct Kinds {
    action: EntityTypeName,
    member: EntityTypeName,
    service: EntityTypeName,
    operator: EntityTypeName,
    node: EntityTypeName,
    directory: EntityTypeName,
    guest: EntityTypeName,
    pattern: EntityTypeName,
    model: EntityTypeName,
    org: EntityTypeName,
}

impl Kinds {
    pub(crate) fn read() -> Result<Self, Box<ParseErrors>> {
        let kind = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        Ok(Self {
            action: kind("Action")?,
            member: kind("Member")?,
            service: kind("Service")?,
            operator: kind("Operator")?,
            node: kind("Node")?,
            directory: kind("Directory")?,
            guest: kind("Guest")?,
            pattern: kind("Pattern")?,
            model: kind("Model")?,
            org: kind("Org")?,
        })
    }

    pub(crate) fn action(&self, name: &str) -> EntityUid {
        uid(&self.action, name)
    }

    pub(crate) fn org(&self, id: &str) -> EntityUid {
        uid(&self.org, id)
    }

    pub(crate) fn principal(&self, actor: &Actor) -> EntityUid {
        let kind = match actor {
            Actor::Member(_) => &self.member,
            Actor::Service(_) => &self.service,
            Actor::Operator(_) => &self.operator,
            Actor::Node(_) => &self.node,
            Actor::Directory(_) => &self.directory,
            Actor::Guest(_) => &self.guest,
        };
        uid(kind, actor.id())
    }

    /// A thing of another kind is named by no policy: it is judged as the org is.
    pub(crate) fn resource(&self, on: Option<Thing<'_>>, org: &EntityUid) -> EntityUid {
        match on.map(|on| (on.kind, on.id)) {
            Some(("pattern", id)) => uid(&self.pattern, id),
            Some(("model", name)) => uid(&self.model, name),
            Some(_) | None => org.clone(),
        }
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
