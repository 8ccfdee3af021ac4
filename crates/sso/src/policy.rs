//! What an org decides about one connection.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use base::checks::Checks;

/// Seconds that clocks may differ at most: more is no skew any more.
pub(crate) const SKEW_SECS_MAX: u32 = 300;
/// Entries of a list at most, and characters of an entry.
const ENTRIES_MAX: usize = 20;
const ENTRY_CHARS_MAX: usize = 256;

/// How a sign-in through a connection goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the page")]
pub struct Policy {
    /// Whoever the provider lets in becomes a member at their first sign-in; and name, role
    /// and teams follow the provider at each. Off while a directory provisions members.
    pub jit: bool,
    /// Members who are here already are recognised by their e-mail address at their first
    /// sign-in. Owners never are: they connect themselves while they are signed in.
    pub link_by_email: bool,
    /// Signing out here also signs out at the provider, and the other way round.
    pub single_logout: bool,
    /// Ask for credentials even of those who are signed in at the provider.
    pub force_authn: bool,
    /// SAML: take answers that nobody asked for, from the provider's own portal. The browser
    /// then asks whether to go on.
    pub idp_initiated: bool,
    /// SAML: send requests as a form instead of an address.
    pub post_requests: bool,
    /// SAML: sign requests, also if the provider does not ask for it.
    pub sign_requests: bool,
    /// SAML: take signatures of certificates whose time is over.
    pub expired_certificates: bool,
    /// SAML: the assertion itself must be signed, not only the response around it.
    pub assertions_signed: bool,
    /// SAML: requests and answers as public authorities profile them.
    pub strict: bool,
    /// SAML: also take algorithms of the past: SHA-1.
    pub widened_algorithms: bool,
    /// SAML: seconds by which clocks may differ, 0 to 300.
    pub clock_skew_secs: u32,
    /// SAML: the form of name to ask for; empty: whatever the provider gives.
    pub name_id_format: String,
    /// SAML: ways to sign in that are accepted, the weakest first; empty: any.
    pub authn_contexts: Vec<String>,
    /// `OpenID` Connect: what is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Names of ways to sign in (`AuthnContextClassRef`, `acr`, `amr`) that are two factors,
    /// beside the well-known ones.
    pub factor_contexts: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            jit: true,
            link_by_email: true,
            single_logout: true,
            force_authn: false,
            idp_initiated: false,
            post_requests: false,
            sign_requests: true,
            expired_certificates: false,
            assertions_signed: false,
            strict: false,
            widened_algorithms: false,
            clock_skew_secs: 60,
            name_id_format: String::new(),
            authn_contexts: Vec::new(),
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            factor_contexts: Vec::new(),
        }
    }
}

/// Ways to sign in that are two factors, whoever names them.
const FACTORS: [&str; 9] = [
    "http://schemas.microsoft.com/claims/multipleauthn",
    "https://refeds.org/profile/mfa",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "mfa",
    "phr",
    "phrh",
];

impl Policy {
    pub(crate) fn check(&self, checks: &mut Checks) {
        if self.clock_skew_secs > SKEW_SECS_MAX {
            checks.refuse("/policy/clock_skew_secs", "must be 0 to 300 seconds");
        }
        let entry = |text: &String| {
            !text.is_empty()
                && text.chars().count() <= ENTRY_CHARS_MAX
                && !text.contains(|c: char| c.is_control() || c.is_whitespace())
        };
        for (name, list) in [
            ("scopes", &self.scopes),
            ("authn_contexts", &self.authn_contexts),
            ("factor_contexts", &self.factor_contexts),
        ] {
            if list.len() > ENTRIES_MAX || !list.iter().all(entry) {
                let detail = "must be at most 20 words of at most 256 characters";
                checks.refuse(&format!("/policy/{name}"), detail);
            }
        }
        if !self.name_id_format.is_empty() && !entry(&self.name_id_format) {
            checks.refuse("/policy/name_id_format", "must be a URN of at most 256 characters");
        }
    }

    /// Whether one of these ways to sign in is two factors.
    pub(crate) fn is_factor<'a>(&self, mut ways: impl Iterator<Item = &'a str>) -> bool {
        ways.any(|way| FACTORS.contains(&way) || self.factor_contexts.iter().any(|own| own == way))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_to_sign_in_is_two_factors_only_if_it_is_known_as_such() {
        let policy = Policy { factor_contexts: vec!["urn:acme:gold".into()], ..Policy::default() };
        for (way, is) in [
            ("https://refeds.org/profile/mfa", true),
            ("mfa", true),
            ("urn:acme:gold", true),
            ("pwd", false),
            ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", false),
            ("", false),
        ] {
            assert_eq!(policy.is_factor(std::iter::once(way)), is, "{way}");
        }
        assert!(!policy.is_factor(std::iter::empty()));
    }

    #[test]
    fn a_skew_beyond_five_minutes_and_long_lists_are_refused() {
        let long = vec!["a".to_owned(); 21];
        for policy in [
            Policy { clock_skew_secs: 301, ..Policy::default() },
            Policy { scopes: long.clone(), ..Policy::default() },
            Policy { factor_contexts: long, ..Policy::default() },
            Policy { scopes: vec!["a b".into()], ..Policy::default() },
        ] {
            let mut checks = Checks::default();
            policy.check(&mut checks);
            assert!(checks.done().is_err(), "{policy:?}");
        }
        let mut checks = Checks::default();
        Policy::default().check(&mut checks);
        assert!(checks.done().is_ok());
    }
}
