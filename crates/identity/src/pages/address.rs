//! Where this console is reached from outside: for links that people send to others.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::header::HOST;
use http::request::Parts;

use crate::Identity;

/// The address of this console as the browser called it: `https://portico.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Here(pub(super) String);

/// Of an HTTP/1 request the `Host` header says it, of an HTTP/2 request its target.
/// Where session cookies go over TLS only, so do the links.
impl FromRequestParts<Identity> for Here {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        identity: &Identity,
    ) -> Result<Self, Infallible> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(parts.uri.authority().map(http::uri::Authority::as_str));
        let host = host.filter(|host| is_host(host)).unwrap_or("localhost");
        let scheme = if identity.0.config.cookie_secure { "https" } else { "http" };
        Ok(Self(format!("{scheme}://{host}")))
    }
}

/// A name or an address, and perhaps a port: nothing that could begin a path or a user.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_stand_in_links() {
        for host in ["portico.example", "localhost:8080", "[::1]:8080", "10.0.0.7"] {
            assert!(is_host(host), "{host}");
        }
        for other in ["", "evil.example/x", "a@evil.example", "a b", "\"><script>"] {
            assert!(!is_host(other), "{other}");
        }
    }
}
