//! The cookie that binds a sign-in to the browser that began it.
//!
//! It is `SameSite=Lax`. A SAML response is posted from another site, so it comes without the
//! cookie; the answer to it is a redirect to a page of our own, which the browser asks for
//! with the cookie. There the sign-in is finished, and nowhere else. So no cookie is needed
//! that goes to us from everywhere, and the same works over plain HTTP on one machine.

use access::Scope;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base::db::DbError;

use crate::flow::{self, FLOW_SECS};
use crate::seals::Known;
use crate::{Error, Sso};

/// Over TLS the name sees to it that no sibling host can set it (RFC 6265bis, 4.1.3.2).
const NAME_SECURE: &str = "__Host-portico_flow";
const NAME: &str = "portico_flow";

/// A browser, by the secret in its cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Browser(String);

impl Browser {
    /// By what it is recognised in one org.
    pub(crate) fn tag(&self, sso: &Sso, scope: &Scope) -> Result<[u8; 32], DbError> {
        sso.0.seals.tag(scope, Known::Browser, &self.0)
    }
}

impl Sso {
    /// The browser that asks, if it began something. Two cookies are none: nobody could say
    /// whose they are.
    pub(crate) fn browser(&self, headers: &HeaderMap) -> Option<Browser> {
        let name = self.cookie_name();
        let mut all = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(known, _)| *known == name)
            .map(|(_, value)| value);
        let only = all.next().filter(|_| all.next().is_none())?;
        flow::is_token(only).then(|| Browser(only.to_owned()))
    }

    /// The same, or one that is new.
    pub(crate) fn browser_or_new(&self, headers: &HeaderMap) -> Result<Browser, Error> {
        match self.browser(headers) {
            Some(browser) => Ok(browser),
            None => Ok(Browser(flow::token()?)),
        }
    }

    /// Marks the browser for as long as a sign-in may take.
    pub(crate) fn mark(&self, browser: &Browser, response: &mut Response) {
        let secure = if self.0.config.cookie_secure { "; Secure" } else { "" };
        let text = format!(
            "{}={}; HttpOnly; SameSite=Lax; Path=/; Max-Age={FLOW_SECS}{secure}",
            self.cookie_name(),
            browser.0
        );
        if let Ok(mut cookie) = HeaderValue::from_str(&text) {
            cookie.set_sensitive(true);
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    fn cookie_name(&self) -> &'static str {
        if self.0.config.cookie_secure { NAME_SECURE } else { NAME }
    }
}
