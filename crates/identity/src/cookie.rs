//! The session cookie, and whether a request that carries it comes from our own pages.

use axum::response::{IntoResponse, Response};
use base::problem::Problem;
use base::secret::Secret;
use base::time::At;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::room::Config;
use crate::{Identity, SignedIn};

/// The name of the cookie where browsers send it over TLS only. They take a cookie of
/// such a name from nobody but the very host it is for, over TLS: neither a sibling host
/// nor whoever sits in the network can set one.
const SECURE_NAME: &str = "__Host-portico_session";
/// Its name where there is no TLS, as on one's own machine.
const PLAIN_NAME: &str = "portico_session";
/// Where the org is remembered, for the page to sign in on.
const ORG: &str = "portico_org";
/// Letters of an org's short name or id at most.
const ORG_MAX: usize = 63;
/// A header that no form and no foreign page can set without our consent.
const PROOF: &str = "x-portico-csrf";

/// The session that a request carries. Two of them are none: where there is no TLS a
/// sibling host can set a second cookie of this name, and nobody could say whose session
/// it is.
pub(crate) fn of<'a>(config: &Config, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut all = every(headers, name(config));
    all.next().filter(|_| all.next().is_none())
}

/// The org that was signed in to last from this browser.
pub(crate) fn org(headers: &HeaderMap) -> Option<&str> {
    named(headers, ORG).filter(|org| is_plain(org))
}

fn name(config: &Config) -> &'static str {
    if config.cookie_secure { SECURE_NAME } else { PLAIN_NAME }
}

fn named<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    every(headers, name).next()
}

fn every<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// Sets the cookie for so long; an age of nothing takes it away.
fn set(config: &Config, token: &str, age: i64) -> Option<HeaderValue> {
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    let name = name(config);
    let text = format!("{name}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age}{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What may stand in a cookie and in a form: a short name or an id.
fn is_plain(org: &str) -> bool {
    (1..=ORG_MAX).contains(&org.len())
        && org.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl Identity {
    /// Fills the org in on the page to sign in on, for a year.
    pub(crate) fn remember_org(&self, answer: &mut Response, org: &str) {
        let org = org.trim();
        if !is_plain(org) {
            return;
        }
        let secure = if self.0.config.cookie_secure { "; Secure" } else { "" };
        let text =
            format!("{ORG}={org}; HttpOnly; SameSite=Lax; Path=/sign-in; Max-Age=31536000{secure}");
        if let Ok(cookie) = HeaderValue::from_str(&text) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// An answer that begins a session in the browser.
    pub fn with_session(&self, who: &SignedIn, answer: impl IntoResponse) -> Response {
        self.with_token(&who.token, who.expires_at, answer)
    }

    /// An answer that sets the cookie to a token, which is good until then.
    pub(crate) fn with_token(
        &self,
        token: &Secret,
        until: At,
        answer: impl IntoResponse,
    ) -> Response {
        let age = until.as_second() - self.now().as_second();
        with_cookie(set(&self.0.config, token.reveal(), age), answer)
    }

    /// An answer that ends the session in the browser.
    pub fn without_session(&self, answer: impl IntoResponse) -> Response {
        with_cookie(set(&self.0.config, "", 0), answer)
    }
}

fn with_cookie(cookie: Option<HeaderValue>, answer: impl IntoResponse) -> Response {
    let mut answer = ([(header::CACHE_CONTROL, "no-store")], answer).into_response();
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// A browser sends the cookie along whoever made it ask. A request that changes
/// something must show that our own page, or a program, made it.
pub fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => match (text("origin"), text("host")) {
            (Some(origin), Some(host)) => {
                origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
            }
            (Some(_) | None, _) => false,
        },
    };
    if ours || text(PROOF) == Some("1") {
        return Ok(());
    }
    let detail = "a change with a session cookie must come from the same origin";
    Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (cookie_secure, name) in [(true, SECURE_NAME), (false, PLAIN_NAME)] {
            let config = Config { cookie_secure, ..Config::default() };
            let found = |text: &str| {
                let text = HeaderValue::from_str(&text.replace("NAME", name)).unwrap();
                let headers = HeaderMap::from_iter([(header::COOKIE, text)]);
                of(&config, &headers).map(ToOwned::to_owned)
            };
            assert_eq!(found("a=b; NAME=ps_1; c=d").as_deref(), Some("ps_1"));
            assert_eq!(found("NAME=ps_1; NAME=ps_2"), None);
            assert_eq!(found("xNAME=ps_1"), None);
            let value = set(&config, "ps_1", 43_200).unwrap();
            let value = value.to_str().unwrap();
            assert!(value.starts_with(&format!("{name}=ps_1; ")), "{value}");
            for part in ["HttpOnly", "SameSite=Lax", "; Path=/;", "Max-Age=43200"] {
                assert!(value.contains(part), "{part} in {value}");
            }
            assert_eq!(value.contains("; Secure"), cookie_secure);
            assert!(!value.contains("Domain"), "browsers refuse such a name with a domain");
        }
    }

    #[test]
    fn a_cookie_of_the_old_name_is_nobodys() {
        let old = headers(&[("cookie", "portico_session=ps_1")]);
        assert_eq!(of(&Config::default(), &old), None);
        // Nor does it stand in the way of the new one.
        let both = headers(&[("cookie", "portico_session=ps_1; __Host-portico_session=ps_2")]);
        assert_eq!(of(&Config::default(), &both), Some("ps_2"));
    }

    #[test]
    fn only_our_own_pages_change_things_with_a_cookie() {
        for (pairs, may) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://a.b")], false),
            (&[("origin", "https://a.b"), ("host", "a.b")], true),
            (&[("origin", "https://evil.b"), ("host", "a.b")], false),
            (&[("origin", "null"), ("host", "null")], false),
            (&[("x-portico-csrf", "1")], true),
        ] {
            assert_eq!(same_site(&Method::POST, &headers(pairs)).is_ok(), may, "{pairs:?}");
            assert!(same_site(&Method::GET, &headers(pairs)).is_ok());
        }
    }
}
