//! What the DNS says of a domain, and what follows from it.

use access::{Caller, Scope};
use audit::{Change, Event, Outcome};
use base::args;
use base::time::At;
use jiff::SignedDuration;
use serde_json::json;

use crate::domain::{Domain, DomainName, DomainState, may_change};
use crate::{Domains, Error, sql};

/// How often a proven domain is looked at, and how soon again when its record is gone or
/// the DNS is silent.
const EVERY_HOURS: i64 = 7 * 24;
const SOONER_HOURS: i64 = 24;
/// How long a record may be gone before the domain is given up.
const GONE_HOURS: i64 = 14 * 24;
/// Somebody who waits for a record asks no more often than that.
const ASK_EVERY_SECS: i64 = 10;

impl Domains {
    /// Looks now, because somebody waits for it.
    pub async fn check(&self, caller: &Caller, domain: &DomainName) -> Result<Domain, Error> {
        let scope = may_change(caller)?;
        let before = self.one(&scope, domain).await?;
        let now = self.now();
        let age = |at: At| now.as_second() - at.as_second();
        if before.checked_at.is_some_and(|at| age(at) < ASK_EVERY_SECS) {
            return Err(Error::TooSoon);
        }
        let after = self.look(&scope, &before).await?;
        match after.state {
            DomainState::Verified => Ok(after),
            DomainState::Pending | DomainState::Missing => Err(Error::NoRecord),
        }
    }

    /// Asks the DNS and writes what follows.
    pub(crate) async fn look(&self, scope: &Scope, before: &Domain) -> Result<Domain, Error> {
        let now = self.now();
        let texts = match self.0.dns.texts(&before.record_name).await {
            Ok(texts) => texts,
            Err(error) => {
                tracing::warn!(
                    org.id = %scope.org(),
                    error = &error as &dyn std::error::Error,
                    "a domain could not be checked"
                );
                return Err(Error::NoAnswer);
            }
        };
        let proven = texts.iter().any(|text| text.trim() == before.record_value);
        let after = judged(before, proven, now);
        if proven {
            // First where all domains stand: two orgs cannot both have it.
            self.register(scope, &after.domain).await?;
        } else if before.verified_at.is_some() && after.verified_at.is_none() {
            self.release(scope, &after.domain).await?;
        }
        if self.write(scope, before, &after).await? {
            return Ok(after);
        }
        // It was given up, or another look came first: that holds, and where all domains stand
        // it stands so again.
        let now = match self.one(scope, &after.domain).await {
            Ok(now) => Some(now),
            Err(Error::NotFound) => None,
            Err(other) => return Err(other),
        };
        if now.as_ref().is_some_and(|now| now.verified_at.is_some()) {
            self.register(scope, &after.domain).await?;
        } else {
            self.release(scope, &after.domain).await?;
        }
        now.ok_or(Error::NotFound)
    }

    async fn register(&self, scope: &Scope, domain: &DomainName) -> Result<(), Error> {
        let put = self.0.registry.put(domain.as_str(), scope.org(), scope.region()).await;
        if put.map_err(Error::Problem)? { Ok(()) } else { Err(Error::Taken) }
    }

    pub(crate) async fn release(&self, scope: &Scope, domain: &DomainName) -> Result<(), Error> {
        self.0.registry.release(domain.as_str(), scope.org()).await.map_err(Error::Problem)
    }

    /// Writes what came of a look, if the domain still is what it was before.
    async fn write(&self, scope: &Scope, before: &Domain, after: &Domain) -> Result<bool, Error> {
        let now = self.now();
        let hours = match after.state {
            DomainState::Verified => Some(EVERY_HOURS),
            DomainState::Missing => Some(SOONER_HOURS),
            DomainState::Pending => None,
        };
        let args = args![
            after.domain.as_str(),
            after.state.as_str(),
            after.verified_at,
            now,
            hours.map(|hours| now + SignedDuration::from_hours(hours)),
            after.missing_since,
            before.claimed_at,
            before.checked_at,
        ];
        let mut change = Change::begin(&self.0.record, scope).await?;
        if change.run(sql::CHECKED, args).await? == 0 {
            return Ok(false);
        }
        change.commit(told(before, after)).await?;
        Ok(true)
    }

    /// The DNS was silent: nothing is concluded, and it is asked again tomorrow.
    pub(crate) async fn later(&self, scope: &Scope, domain: &DomainName) -> Result<(), Error> {
        let next = self.now() + SignedDuration::from_hours(SOONER_HOURS);
        let mut change = Change::begin(&self.0.record, scope).await?;
        change.run(sql::UNANSWERED, args![domain.as_str(), next]).await?;
        let event = Event::done("domains.domain.checked", "domain", domain.as_str());
        let event = event.outcome(Outcome::Failed).reason(json!({"code": "dns_unavailable"}));
        change.commit(event).await?;
        Ok(())
    }
}

/// What a domain is after a look at it.
fn judged(before: &Domain, proven: bool, now: At) -> Domain {
    let mut after = Domain { checked_at: Some(now), ..before.clone() };
    if proven {
        after.state = DomainState::Verified;
        after.verified_at = before.verified_at.or(Some(now));
        after.missing_since = None;
        return after;
    }
    if before.verified_at.is_none() {
        return after;
    }
    let since = *after.missing_since.get_or_insert(now);
    if now.as_second() - since.as_second() >= GONE_HOURS * 3600 {
        after.state = DomainState::Pending;
        after.verified_at = None;
        after.missing_since = None;
    } else {
        after.state = DomainState::Missing;
    }
    after
}

fn told(before: &Domain, after: &Domain) -> Event {
    let action = match (before.state, after.state) {
        (DomainState::Verified | DomainState::Missing, DomainState::Pending) => {
            "domains.domain.lost"
        }
        (DomainState::Verified, DomainState::Missing) => "domains.domain.missing",
        (DomainState::Pending | DomainState::Missing, DomainState::Verified) => {
            "domains.domain.verified"
        }
        (DomainState::Pending, DomainState::Pending | DomainState::Missing)
        | (DomainState::Verified, DomainState::Verified)
        | (DomainState::Missing, DomainState::Missing) => "domains.domain.checked",
    };
    let event = Event::done(action, "domain", after.domain.as_str());
    event.changes(json!({"state": {"from": before.state, "to": after.state}}))
}
