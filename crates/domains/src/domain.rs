//! Domains that an org claims: named, proven, given up.

use std::fmt;
use std::str::FromStr;

use access::{Caller, Permission, Scope};
use audit::{Change, Event};
use base::args;
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Domains, Error, sql};

/// Domains of one org at most.
const DOMAINS_MAX: usize = 50;
/// The name, before the domain's, that the TXT record is under.
const LABEL: &str = "_portico";

/// A domain name as the DNS has it: in lower case, `xn--…` where it is not ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(value_type = String)]
pub struct DomainName(String);

/// The text is no domain that anybody could prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a domain, such as acme.example")]
pub struct NotADomain;

/// Whether a domain is the org's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DomainState {
    /// Its record was not seen yet.
    Pending,
    /// It is.
    Verified,
    /// It is, but its record is not there any more: it will be given up.
    Missing,
}

/// A domain of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Domain {
    /// The domain.
    pub domain: DomainName,
    /// Whether it is the org's.
    pub state: DomainState,
    /// The name of the TXT record that proves it.
    pub record_name: String,
    /// What that record says.
    pub record_value: String,
    /// Since when it is claimed.
    #[schema(value_type = String)]
    pub claimed_at: At,
    /// Since when it is the org's.
    #[schema(value_type = Option<String>)]
    pub verified_at: Option<At>,
    /// When the DNS last answered.
    #[schema(value_type = Option<String>)]
    pub checked_at: Option<At>,
    /// Since when the record is gone.
    #[schema(value_type = Option<String>)]
    pub missing_since: Option<At>,
}

/// A domain to claim.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `acme.example`; what stands before an `@` is left out.
    pub domain: String,
}

impl FromStr for DomainName {
    type Err = NotADomain;

    fn from_str(text: &str) -> Result<Self, NotADomain> {
        let text = text.trim().trim_end_matches('.');
        let text = text.rsplit_once('@').map_or(text, |(_, domain)| domain);
        // Longer ones do not fit into the DNS, with our label before them.
        if text.len() > 240 {
            return Err(NotADomain);
        }
        let name = idna::domain_to_ascii_strict(text).map_err(|_| NotADomain)?;
        let numeric =
            name.rsplit('.').next().is_none_or(|top| top.bytes().all(|b| b.is_ascii_digit()));
        if !name.contains('.') || numeric || name.len() > 240 {
            return Err(NotADomain);
        }
        Ok(Self(name))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl DomainName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn record_name(&self) -> String {
        format!("{LABEL}.{}", self.0)
    }
}

impl DomainState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Missing => "missing",
        }
    }

    fn named(text: &str) -> Option<Self> {
        [Self::Pending, Self::Verified, Self::Missing].into_iter().find(|it| it.as_str() == text)
    }
}

impl Domain {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        let domain: DomainName = row.parse("domain")?;
        let state = DomainState::named(&row.text("state")?);
        Ok(Self {
            record_name: domain.record_name(),
            record_value: format!("portico-verify={}", row.text("token")?),
            state: state.ok_or_else(|| DbError::unreadable("state", NotADomain))?,
            claimed_at: row.at("claimed_at")?,
            verified_at: row.opt_at("verified_at")?,
            checked_at: row.opt_at("checked_at")?,
            missing_since: row.opt_at("missing_since")?,
            domain,
        })
    }
}

impl Domains {
    /// The domains of the org.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Domain>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let rows = self.0.databases.of(&scope)?.all(sql::LIST, args![]).await?;
        Ok(rows.iter().map(Domain::of).collect::<Result<_, _>>()?)
    }

    /// One of them.
    pub async fn get(&self, caller: &Caller, domain: &DomainName) -> Result<Domain, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        self.one(&scope, domain).await
    }

    /// Claims a domain: from now on its DNS can prove it. Claimed already: as it is.
    pub async fn claim(&self, caller: &Caller, claim: &Claim) -> Result<Domain, Error> {
        let scope = may_change(caller)?;
        let domain: DomainName = claim.domain.parse().map_err(Error::NotADomain)?;
        let known = self.list(caller).await?;
        if let Some(known) = known.iter().find(|known| known.domain == domain) {
            return Ok(known.clone());
        }
        if known.len() >= DOMAINS_MAX {
            return Err(Error::TooMany(DOMAINS_MAX));
        }
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let added = change.run(sql::ADD, args![domain.as_str(), token()?, self.now()]).await;
        match added {
            Err(error) if error.is_conflict() => return self.one(&scope, &domain).await,
            added => added?,
        };
        change.commit(Event::done("domains.domain.claimed", "domain", domain.as_str())).await?;
        self.one(&scope, &domain).await
    }

    /// Gives a domain up.
    pub async fn remove(&self, caller: &Caller, domain: &DomainName) -> Result<(), Error> {
        let scope = may_change(caller)?;
        let before = self.one(&scope, domain).await?;
        self.release(&scope, domain).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        change.run(sql::REMOVE, args![domain.as_str()]).await?;
        let event = Event::done("domains.domain.removed", "domain", domain.as_str());
        change.commit(event.changes(json!({"state": {"from": before.state}}))).await?;
        // A look that was under way may have put it there again.
        self.release(&scope, domain).await
    }

    pub(crate) async fn one(&self, scope: &Scope, domain: &DomainName) -> Result<Domain, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::ONE, args![domain.as_str()]).await?;
        Ok(Domain::of(&row.ok_or(Error::NotFound)?)?)
    }
}

/// A change needs a second factor that was shown lately.
pub(crate) fn may_change(caller: &Caller) -> Result<Scope, Error> {
    let scope = caller.require(Permission::UsersConnections)?;
    caller.recent_factor()?;
    Ok(scope)
}

/// What the DNS must say: of this org and this domain alone.
fn token() -> Result<String, std::io::Error> {
    Ok(format!("{:032x}", u128::from_be_bytes(base::seal::random()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_domain() {
        let long = "a.".repeat(200) + "example";
        for wrong in [
            "",
            "acme",
            "acme .example",
            "a_b.example",
            "-a.example",
            "1.2.3.4",
            "[::1]",
            "http://acme.example",
            "acme.example/x",
            "..",
            "@",
            ".example",
            "acme..example",
            &long,
        ] {
            assert_eq!(wrong.parse::<DomainName>(), Err(NotADomain), "{wrong}");
        }
        for (typed, meant) in [
            ("ACME.example", "acme.example"),
            (" acme.example. ", "acme.example"),
            ("ada@acme.example", "acme.example"),
            ("bücher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(typed.parse::<DomainName>().map(|it| it.0), Ok(meant.to_owned()));
        }
    }
}
