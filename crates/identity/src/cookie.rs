//! The session cookie, and whether a request that carries it comes from our own pages.

use axum::response::{IntoResponse, Response};
use base::problem::Problem;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::room::Config;
use crate::{Identity, SignedIn};

/// The name of the cookie.
pub(crate) const NAME: &str = "portico_session";
/// Where the org is remembered, for the page to sign in on.
const ORG: &str = "portico_org";
/// Letters of an org's short name or id at most.
const ORG_MAX: usize = 63;
/// A header that no form and no foreign page can set without our consent.
const PROOF: &str = "x-portico-csrf";

/// The session that a request carries. Two of them are none: a sibling host can set a
/// second cookie of this name, and nobody could say whose session it is.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    let mut all = every(headers, NAME);
    all.next().filter(|_| all.next().is_none())
}

/// The org that was signed in to last from this browser.
pub(crate) fn org(headers: &HeaderMap) -> Option<&str> {
    named(headers, ORG).filter(|org| is_plain(org))
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
    let text = format!("{NAME}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age}{secure}");
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
    pub(crate) fn with_session(&self, who: &SignedIn, answer: impl IntoResponse) -> Response {
        let age = who.expires_at.as_second() - self.now().as_second();
        with_cookie(set(&self.0.config, who.token.reveal(), age), answer)
    }

    /// An answer that ends the session in the browser.
    pub(crate) fn without_session(&self, answer: impl IntoResponse) -> Response {
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
        let many = headers(&[("cookie", "a=b; portico_session=ps_1; c=d")]);
        assert_eq!(of(&many), Some("ps_1"));
        let two = headers(&[("cookie", "portico_session=ps_1; portico_session=ps_2")]);
        assert_eq!(of(&two), None);
        assert_eq!(of(&headers(&[("cookie", "xportico_session=ps_1")])), None);
        let value = set(&Config::default(), "ps_1", 43_200).unwrap();
        let value = value.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200", "Secure"] {
            assert!(value.contains(part), "{part} in {value}");
        }
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
