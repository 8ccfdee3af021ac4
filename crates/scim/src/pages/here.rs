//! Where this console is reached from outside: what is pasted into an identity provider.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::Scim;

/// The address as the browser called it: `https://portico.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Here(pub(super) String);

impl FromRequestParts<Scim> for Here {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, scim: &Scim) -> Result<Self, Infallible> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(parts.uri.authority().map(Authority::as_str));
        Ok(Self(scim.origin(host)))
    }
}
