//! Where people reach this Portico: what links, identity providers and passkeys are
//! told.

use axum::http::Uri;

use super::Config;

impl Config {
    /// `https://portico.example`, without a slash behind it. Where nothing is said it is
    /// this machine, which suffices for a trial.
    pub(crate) fn public_url(&self) -> Result<String, &'static str> {
        if let Some(url) = &self.listen.public_url {
            return public(url, self.session.secure_cookies).map(|(url, _)| url);
        }
        let scheme = if self.listen.tls_cert_file.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://localhost:{}", self.listen.address.port()))
    }

    /// The host of it.
    pub(crate) fn public_host(&self) -> Result<String, &'static str> {
        let url: Uri = self.public_url()?.parse().map_err(|_| KNOWN)?;
        Ok(authority(&url).ok_or(KNOWN)?.0.to_owned())
    }
}

const KNOWN: &str = "must be `https://HOST`, perhaps with a port, and nothing behind it";

fn public(url: &str, secure_cookies: bool) -> Result<(String, String), &'static str> {
    let url: Uri = url.parse().map_err(|_| KNOWN)?;
    let (host, _) = authority(&url).ok_or(KNOWN)?;
    let scheme = match url.scheme_str() {
        Some("https") => "https",
        Some("http") if secure_cookies => {
            return Err("must begin with `https://`: session.secure_cookies is on");
        }
        Some("http") => "http",
        _ => return Err(KNOWN),
    };
    let base = url.authority().map(|authority| format!("{scheme}://{authority}"));
    Ok((base.ok_or(KNOWN)?, host.to_owned()))
}

/// A host and perhaps a port, and nothing else: no user, no path, no question.
pub(crate) fn authority(url: &Uri) -> Option<(&str, Option<u16>)> {
    let (authority, port) = (url.authority()?, url.port_u16());
    let host = authority.host();
    let whole = match port {
        Some(port) => authority.as_str() == format!("{host}:{port}"),
        None => authority.as_str() == host,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let nothing_else = matches!(url.path(), "" | "/") && url.query().is_none();
    (whole && nothing_else && port != Some(0) && !bare.is_empty()).then_some((bare, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_led_to_where_they_reach_portico() {
        let public = |url: &str, secure| public(url, secure).map(|(base, _)| base);
        let base = Ok("https://portico.example:8443".to_owned());
        assert_eq!(public("https://portico.example:8443/", true), base);
        assert_eq!(public("http://localhost:8080", false), Ok("http://localhost:8080".to_owned()));
        assert!(public("http://localhost:8080", true).is_err(), "nobody could sign in there");
        for url in [
            "portico.example",
            "ftp://portico.example",
            "https://portico.example/console",
            "https://portico.example?x",
            "https://me@portico.example",
        ] {
            assert!(public(url, false).is_err(), "{url}");
        }
        assert_eq!(Config::default().public_url(), Ok("http://localhost:8080".to_owned()));
        assert_eq!(Config::default().public_host(), Ok("localhost".to_owned()));
    }
}
