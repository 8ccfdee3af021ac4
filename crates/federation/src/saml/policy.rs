//! What one connection asks for and accepts.

use serde::{Deserialize, Serialize};

/// The most that clocks may differ, in seconds.
pub const CLOCK_SKEW_SECS_MAX: u32 = 300;

/// What a connection asks for and accepts. The defaults accept what identity providers send
/// today; each widening is chosen by an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of one connection")]
pub struct Policy {
    /// Demands what SPID demands: both signatures' worth of form, transient names, every optional
    /// part in place. See `docs/decisions/0019-saml.md`.
    pub strict: bool,
    /// Accepts a sign-in that nobody asked for, begun at the identity provider.
    pub idp_initiated: bool,
    /// How far clocks may differ, at most [`CLOCK_SKEW_SECS_MAX`].
    pub clock_skew_secs: u32,
    /// Accepts SHA-1 in signatures, and AES-CBC outside a signed response.
    pub widened_algorithms: bool,
    /// Signs requests even if the identity provider does not ask for it.
    pub sign_requests: bool,
    /// Demands that assertions are signed themselves.
    pub want_assertions_signed: bool,
    /// Asks for this format of the name identifier.
    pub name_id_format: Option<String>,
    /// Asks that the person is authenticated anew.
    pub force_authn: bool,
    /// Means of authentication that are accepted, weakest first. The first is asked for as the
    /// least; an answer that names none of them is refused. None: nothing is asked for.
    pub authn_contexts: Vec<String>,
    /// Accepts signatures of certificates whose time is over, as the interoperability profile of
    /// SAML metadata has it.
    pub expired_certificates: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            strict: false,
            idp_initiated: false,
            clock_skew_secs: 60,
            widened_algorithms: false,
            sign_requests: true,
            want_assertions_signed: false,
            name_id_format: None,
            force_authn: false,
            authn_contexts: Vec::new(),
            expired_certificates: false,
        }
    }
}

/// What the strict switch asks for when nothing else is chosen.
const STRICT_CONTEXTS: [&str; 3] = [
    "https://www.spid.gov.it/SpidL1",
    "https://www.spid.gov.it/SpidL2",
    "https://www.spid.gov.it/SpidL3",
];

impl Policy {
    /// How far clocks may differ.
    pub(crate) fn skew(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(self.clock_skew_secs.min(CLOCK_SKEW_SECS_MAX).into())
    }

    /// The means of authentication that are accepted, weakest first.
    pub(crate) fn contexts(&self) -> Vec<&str> {
        if self.authn_contexts.is_empty() && self.strict {
            return STRICT_CONTEXTS.to_vec();
        }
        self.authn_contexts.iter().map(String::as_str).collect()
    }
}
