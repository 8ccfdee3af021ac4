//! Whom a passkey is for: this Portico, by the name under which people reach it.

use webauthn_rs::prelude::{Url, Webauthn, WebauthnBuilder};

use crate::Error;

/// What authenticators show beside the name of the account.
const NAME: &str = "Portico";

/// The relying party, or why there is none.
#[derive(Debug)]
pub(crate) struct RelyingParty(Result<Box<Webauthn>, &'static str>);

impl RelyingParty {
    /// A passkey belongs to a domain: where people come to an address, there are none.
    pub(crate) fn of(public_url: Option<&Url>) -> Self {
        Self(
            public_url.ok_or("the operator has not said where people reach this Portico").and_then(
                |url| {
                    let why =
                        "passkeys need a domain name, and this Portico is reached at an address";
                    let domain = url.domain().ok_or(why)?;
                    // On one's own machine a port is not a place.
                    let own = domain == "localhost";
                    if url.scheme() != "https" && !own {
                        return Err("passkeys need HTTPS, and this Portico is reached without");
                    }
                    let builder = WebauthnBuilder::new(domain, url).map_err(|_| why)?;
                    let built = builder.rp_name(NAME).allow_any_port(own).build();
                    built.map(Box::new).map_err(|_| why)
                },
            ),
        )
    }

    pub(crate) fn get(&self) -> Result<&Webauthn, Error> {
        self.0.as_deref().map_err(|why| Error::NoPasskeys(why))
    }

    /// Why there are no passkeys here.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        self.0.as_ref().err().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_domain_and_https_but_for_ones_own_machine() {
        for (url, there) in [
            ("https://portico.example", true),
            ("https://portico.example:8443", true),
            ("http://localhost:8080", true),
            ("http://portico.example", false),
            ("https://192.0.2.7", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(RelyingParty::of(Some(&url)).why_not().is_none(), there, "{url}");
        }
        assert!(RelyingParty::of(None).get().is_err());
    }
}
