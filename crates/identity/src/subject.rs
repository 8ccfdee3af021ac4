//! Whom a key belongs to and whom a grant is given to: told apart by the prefix of the id.

use std::fmt;
use std::str::FromStr;

use access::{Actor, KeyId, MemberId, ServiceId, TeamId};

base::ids! {
    /// A role given to somebody.
    GrantId = "grt";
    /// A member's session in a browser.
    SessionId = "ses";
    /// A passkey.
    PasskeyId = "pky";
    /// An invitation.
    InvitationId = "inv";
    /// A link for setting up single sign-on.
    SetupId = "stp";
}

/// Whom a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A person.
    Member(MemberId),
    /// A program.
    Service(ServiceId),
}

/// Whom a grant is given to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person.
    Member(MemberId),
    /// Everybody in a team.
    Team(TeamId),
    /// One key.
    Key(KeyId),
    /// A program.
    Service(ServiceId),
}

/// The text is no id of this kind of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of such a subject")]
pub struct NotASubject;

impl Owner {
    /// `member` or `service`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::Service(_) => "service",
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Member(id) => id.as_str(),
            Self::Service(id) => id.as_str(),
        }
    }

    /// The owner that this actor is; an operator or a node owns nothing.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Member(id) => Some(Self::Member(id.clone())),
            Actor::Service(id) => Some(Self::Service(id.clone())),
            Actor::Operator(_) | Actor::Node(_) | Actor::Directory(_) | Actor::Guest(_) => None,
        }
    }

    /// The actor that this owner is.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Member(id) => Actor::Member(id.clone()),
            Self::Service(id) => Actor::Service(id.clone()),
        }
    }
}

impl Subject {
    /// `member`, `team`, `key` or `service`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::Team(_) => "team",
            Self::Key(_) => "key",
            Self::Service(_) => "service",
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Member(id) => id.as_str(),
            Self::Team(id) => id.as_str(),
            Self::Key(id) => id.as_str(),
            Self::Service(id) => id.as_str(),
        }
    }
}

impl FromStr for Owner {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        match text.parse()? {
            Subject::Member(id) => Ok(Self::Member(id)),
            Subject::Service(id) => Ok(Self::Service(id)),
            Subject::Team(_) | Subject::Key(_) => Err(NotASubject),
        }
    }
}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let prefix = text.split('_').next().unwrap_or_default();
        match prefix {
            MemberId::PREFIX => text.parse().map(Self::Member),
            TeamId::PREFIX => text.parse().map(Self::Team),
            KeyId::PREFIX => text.parse().map(Self::Key),
            ServiceId::PREFIX => text.parse().map(Self::Service),
            _ => return Err(NotASubject),
        }
        .map_err(|_| NotASubject)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
