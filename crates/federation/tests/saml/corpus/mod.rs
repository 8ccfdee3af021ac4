//! The corpus: every attack by name with the reason that it must be refused by, and every
//! legitimate shape.
#![expect(
    clippy::too_many_lines,
    clippy::assigning_clones,
    clippy::semicolon_if_nothing_returned,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a corpus is a long list of short texts"
)]

mod accepted;
mod contents;
mod encryption;
mod logout;
mod metadata;
mod signatures;
mod times;
mod wrapping;
mod xml;

pub(crate) use metadata::metadata;

use federation::saml::{IdentityProvider, Incoming, Policy, Refusal};

use crate::toolbox::{Draft, NAME, NOW, REQUEST, World, at};

/// What a case is handed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Response,
    LogoutRequestPost,
    LogoutRequestRedirect,
    LogoutResponsePost,
    LogoutResponseRedirect,
    Metadata,
}

/// One case.
pub(crate) struct Case {
    pub(crate) class: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) message: Vec<u8>,
    pub(crate) policy: Policy,
    /// The request that was sent.
    pub(crate) expected: Option<&'static str>,
    /// `accepted`, or the code of the refusal.
    pub(crate) verdict: &'static str,
    /// The provider is the honest one but for this.
    pub(crate) provider: Option<IdentityProvider>,
    /// What is encrypted in it.
    pub(crate) inner: Option<String>,
}

impl Case {
    pub(crate) fn new(
        class: &'static str,
        name: &'static str,
        kind: Kind,
        message: Vec<u8>,
        verdict: &'static str,
    ) -> Self {
        let (policy, provider, inner) = (Policy::default(), None, None);
        Self {
            class,
            name,
            kind,
            message,
            policy,
            expected: Some(REQUEST),
            verdict,
            provider,
            inner,
        }
    }

    pub(crate) fn response(
        class: &'static str,
        name: &'static str,
        draft: &Draft<'_>,
        verdict: &'static str,
    ) -> Self {
        let inner = draft.encrypted_inner();
        Self { inner, ..Self::new(class, name, Kind::Response, draft.posted(), verdict) }
    }

    pub(crate) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub(crate) fn unasked(mut self) -> Self {
        self.expected = None;
        self
    }

    pub(crate) fn from(mut self, provider: IdentityProvider) -> Self {
        self.provider = Some(provider);
        self
    }
}

/// The whole corpus.
pub(crate) fn all(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(accepted::cases(world));
    cases.extend(accepted::shapes(world));
    cases.extend(wrapping::cases(world));
    cases.extend(wrapping::around_assertions(world));
    cases.extend(signatures::cases(world));
    cases.extend(signatures::algorithms(world));
    cases.extend(contents::response(world));
    cases.extend(contents::assertion(world));
    cases.extend(contents::strict(world));
    cases.extend(times::cases(world));
    cases.extend(xml::values(world));
    cases.extend(xml::documents(world));
    cases.extend(encryption::cases(world));
    cases.extend(encryption::forgeries(world));
    cases.extend(logout::cases(world));
    cases.extend(logout::redirects(world));
    cases.extend(metadata::cases(world));
    cases
}

/// What we say of a case. An acceptance of anybody but the honest person is `forged`.
pub(crate) fn judge(world: &World, case: &Case) -> String {
    let idp = case.provider.as_ref().unwrap_or(&world.provider);
    let (policy, message) = (&case.policy, case.message.as_slice());
    let now = at(NOW);
    let query = || std::str::from_utf8(message).expect("a query");
    let request = |incoming| {
        world.sp.verify_logout_request(idp, policy, &incoming, None, now).map(|found| found.name_id)
    };
    let response = |incoming| {
        let expected = case.expected.unwrap_or_default();
        let found = world.sp.verify_logout_response(idp, policy, &incoming, expected, now);
        found.map(|_| NAME.to_owned())
    };
    let found: Result<String, Refusal> = match case.kind {
        Kind::Response => world
            .sp
            .verify_response(idp, policy, message, case.expected, now)
            .map(|found| found.name_id),
        Kind::LogoutRequestPost => request(Incoming::Post { message }),
        Kind::LogoutRequestRedirect => request(Incoming::Redirect { query: query() }),
        Kind::LogoutResponsePost => response(Incoming::Post { message }),
        Kind::LogoutResponseRedirect => response(Incoming::Redirect { query: query() }),
        Kind::Metadata => IdentityProvider::read(message, case.expected.filter(|_| false), now)
            .map(|_| NAME.to_owned()),
    };
    match found {
        Ok(name) if name == NAME || name == "_transient" => "accepted".to_owned(),
        Ok(name) => format!("forged: {name}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}
