//! The public name of a connection: what stands in every address that an identity provider
//! is given. Like a key, it says region and org without a lookup.

use std::fmt;
use std::str::FromStr;

use access::{Caller, OrgId, Origin, Region, Scope};

use crate::Sso;

base::ids! {
    /// Names a connection to an identity provider.
    ConnectionId = "con";
}

/// Longer texts are not even looked at.
const LENGTH_MAX: usize = 64;

/// Which connection of which org, and where that org began: what a provider was told once
/// holds on wherever the org moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// Where the org began.
    pub region: Region,
    /// The org.
    pub org: OrgId,
    /// The connection.
    pub connection: ConnectionId,
}

/// The text names no connection, whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a connection")]
pub struct NotAHandle;

impl Sso {
    /// The public name of a connection of a scope's org.
    pub(crate) fn handle(&self, scope: &Scope, connection: &ConnectionId) -> Handle {
        let (homes, org) = (self.0.databases.homes(), scope.org().clone());
        let region = homes.born(&org, scope.region());
        Handle { region, org, connection: connection.clone() }
    }

    /// The scope in which a request of nobody yet is answered; none: that org is not served here.
    pub(crate) fn scope(&self, handle: &Handle, origin: Origin) -> Option<Scope> {
        let (databases, org) = (&self.0.databases, handle.org.clone());
        let region = databases.homes().home(&org, handle.region);
        let answering = || Caller::answering(org, region, "sso", origin).itself();
        databases.serves(region).then(answering)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.region, self.org.ulid(), self.connection.ulid())
    }
}

impl FromStr for Handle {
    type Err = NotAHandle;

    fn from_str(text: &str) -> Result<Self, NotAHandle> {
        let mut parts = text.split('_');
        let [Some(region), Some(org), Some(connection), None] =
            std::array::from_fn(|_| parts.next())
        else {
            return Err(NotAHandle);
        };
        if text.len() > LENGTH_MAX {
            return Err(NotAHandle);
        }
        Ok(Self {
            region: region.parse().map_err(|_| NotAHandle)?,
            org: OrgId::from_ulid(org).map_err(|_| NotAHandle)?,
            connection: ConnectionId::from_ulid(connection).map_err(|_| NotAHandle)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_says_region_org_and_connection_and_nothing_else_is_one() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let handle =
            Handle { region: Region::Eu, org: OrgId::new(at), connection: ConnectionId::new(at) };
        let text = handle.to_string();
        assert_eq!(text.parse::<Handle>().unwrap(), handle);
        for wrong in [
            String::new(),
            text.to_lowercase(),
            format!("{text}_x"),
            text.replace("eu_", "xx_"),
            text.replace('_', "/"),
            text[..text.len() - 1].to_owned(),
            "_".repeat(10_000),
        ] {
            assert_eq!(wrong.parse::<Handle>(), Err(NotAHandle), "{wrong}");
        }
    }
}
