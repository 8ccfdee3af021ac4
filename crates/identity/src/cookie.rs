//! The session cookie, and whether a request that carries it comes from our own pages.

use base::problem::Problem;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::room::Config;

/// The name of the cookie.
pub(crate) const NAME: &str = "portico_session";
/// A header that no form and no foreign page can set without our consent.
const PROOF: &str = "x-portico-csrf";

/// The session that a request carries.
pub(crate) fn of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == NAME)
        .map(|(_, value)| value)
}

/// Sets the cookie; an empty token takes it away.
pub(crate) fn set(config: &Config, token: &str) -> Option<HeaderValue> {
    let age = if token.is_empty() { 0 } else { config.session_lifetime_secs };
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    let text = format!("{NAME}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={age}{secure}");
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A browser sends the cookie along whoever made it ask. A request that changes
/// something must show that our own page, or a program, made it.
pub(crate) fn same_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
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
        assert_eq!(of(&headers(&[("cookie", "xportico_session=ps_1")])), None);
        let value = set(&Config::default(), "ps_1").unwrap();
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
