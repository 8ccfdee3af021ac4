//! How somebody stands here: when and by what they were identified, what narrows
//! what they may, and what ends it.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};

use crate::{Caller, Identified, Life, Permission, Thing};

/// The circumstances of a caller. The default is a system caller's: nothing narrows or
/// ends it.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When the request was identified: what conditions of time are judged by.
    pub at: Option<At>,
    /// The session, if one was shown.
    pub session: Option<ShownSession>,
    /// What narrows `access`: the guardrails of the org.
    pub guard: Option<Arc<dyn Guard>>,
    /// Ends when the credential does.
    pub life: Life,
    /// What the org wants of its calls while they cannot be recorded.
    pub unrecorded: Unrecorded,
}

/// What becomes of an org's calls while the database of its record is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unrecorded {
    /// They are refused: nothing without a record.
    #[default]
    Refuse,
    /// They go on, recorded in the journal of the node until the database is back.
    Journal,
}

impl Unrecorded {
    /// As stored, recorded and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Journal => "journal",
        }
    }
}

/// A session, as far as decisions need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSession {
    /// Its id.
    pub id: String,
    /// How it was begun.
    pub method: Method,
    /// When a second factor was last shown in it.
    pub factor_at: Option<At>,
    /// Whether its member has a second factor, or must have one.
    pub factor_due: bool,
    /// May do nothing yet but show a second factor, or set one where there is none.
    pub confined: bool,
}

/// A second factor that was shown this lately is asked for by whatever is sensitive:
/// keys, roles, exports, connections.
pub const FACTOR_RECENT_SECS: i64 = 900;

/// How a session was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// With a password of Portico's own.
    Password,
    /// With a passkey alone, which is two factors in one.
    Passkey,
    /// By a SAML identity provider.
    Saml,
    /// By an `OpenID` provider.
    Oidc,
    /// By the org's consent to the operator's support.
    Support,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 5] =
        [Self::Password, Self::Passkey, Self::Saml, Self::Oidc, Self::Support];

    /// As stored and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::Saml => "saml",
            Self::Oidc => "oidc",
            Self::Support => "support",
        }
    }

    /// The method of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// Narrows what roles give. An org's guardrails are one.
pub trait Guard: Send + Sync + fmt::Debug {
    /// What is said against it; none: nothing. What cannot be judged is refused.
    fn refuses(
        &self,
        who: &Identified,
        permission: Permission,
        on: Option<Thing<'_>>,
    ) -> Option<Objection>;
}

/// Why a guard refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The policies that forbid it.
    pub policies: Vec<String>,
    /// In words, for whoever is refused.
    pub detail: String,
}

/// A second factor must be shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "confirm with your second factor first: this needs one that is younger than {max_age_secs} seconds"
)]
pub struct NeedsFactor {
    /// How old it may be.
    pub max_age_secs: i64,
}

impl Caller {
    /// Refuses a session in which no second factor was shown lately, if its member has
    /// one or must have one. Keys, services and the operator have none to show: a key is
    /// made behind one.
    pub fn recent_factor(&self) -> Result<(), NeedsFactor> {
        match &self.standing.session {
            Some(session) if session.factor_due => self.factor_shown(),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a session in which no second factor was shown lately, whatever its org asks
    /// of its members.
    pub fn factor_shown(&self) -> Result<(), NeedsFactor> {
        let Some(session) = &self.standing.session else { return Ok(()) };
        let shown = session.factor_at.zip(self.standing.at);
        let age_secs = shown.map(|(at, now)| now.as_second() - at.as_second());
        match age_secs {
            Some(age) if age <= FACTOR_RECENT_SECS => Ok(()),
            Some(_) | None => Err(NeedsFactor { max_age_secs: FACTOR_RECENT_SECS }),
        }
    }
}

impl From<NeedsFactor> for Problem {
    fn from(needs: NeedsFactor) -> Self {
        Self::new(StatusCode::FORBIDDEN, "factor_required", needs.to_string())
            .with("max_age_secs", needs.max_age_secs.into())
    }
}
