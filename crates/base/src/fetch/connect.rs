//! From a URL to a connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::fetch::Failed;
use crate::fetch::address::is_public;

/// Bytes of a URL at most.
const URL_BYTES_MAX: usize = 2_048;
/// Addresses of one host that are tried, within the deadline.
const ADDRESSES_MAX: usize = 4;

/// A URL, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The host, without the brackets of an IPv6 address.
    pub(super) host: String,
    port: u16,
    tls: bool,
    /// The host as it goes into a request, with its port if that is not the usual one.
    pub(super) authority: String,
    pub(super) path: PathAndQuery,
}

/// A connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Target {
    pub(super) fn read(url: &str, plain_http: bool) -> Result<Self, Failed> {
        if url.len() > URL_BYTES_MAX || url.contains('#') {
            return Err(Failed::NotAnAddress);
        }
        let uri: Uri = url.parse().map_err(|_| Failed::NotAnAddress)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if plain_http => false,
            Some(_) => return Err(Failed::NotHttps),
            None => return Err(Failed::NotAnAddress),
        };
        let authority = uri.authority().ok_or(Failed::NotAnAddress)?;
        // A name and a password before the host deceive the reader.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(Failed::NotAnAddress);
        }
        // A port that is no number reads as none.
        let after_host = authority.as_str().get(authority.host().len()..).unwrap_or_default();
        if authority.port_u16().is_none() && !after_host.is_empty() {
            return Err(Failed::NotAnAddress);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self { host, port, tls, authority: authority.to_string(), path })
    }
}

/// Connects to the host of `target`, at an address that may be asked.
pub(super) async fn connect(
    target: &Target,
    tls: &Arc<ClientConfig>,
    private_addresses: bool,
) -> Result<Stream, Failed> {
    let addresses = resolve(target).await?;
    let mut connected = None;
    for address in may_be_asked(addresses, private_addresses, &target.host)? {
        if let Ok(stream) = TcpStream::connect(address).await {
            connected = Some(stream);
            break;
        }
    }
    let stream = connected.ok_or_else(|| Failed::Unreachable(target.host.clone()))?;
    if !target.tls {
        return Ok(Stream::Plain(stream));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|_| Failed::NotAnAddress)?;
    let connector = TlsConnector::from(tls.clone());
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(Failed::Untrusted(target.host.clone(), why_untrusted(&error))),
    }
}

/// The addresses of the host, found once: what is checked is what is connected to.
async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Failed> {
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, target.port)]);
    }
    match tokio::net::lookup_host((target.host.as_str(), target.port)).await {
        Ok(found) => Ok(found.collect()),
        Err(_) => Err(Failed::NotFound(target.host.clone())),
    }
}

fn may_be_asked(
    mut addresses: Vec<SocketAddr>,
    private_addresses: bool,
    host: &str,
) -> Result<Vec<SocketAddr>, Failed> {
    let found = addresses.len();
    addresses.retain(|address| private_addresses || is_public(address.ip()));
    addresses.truncate(ADDRESSES_MAX);
    if addresses.is_empty() {
        tracing::info!(host, found, "a host has no address that may be asked");
        return Err(Failed::NotFound(host.to_owned()));
    }
    Ok(addresses)
}

/// What is wrong with the other side's TLS, as far as its admin can mend it.
fn why_untrusted(error: &std::io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let why = match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            CertificateError::UnknownIssuer => {
                "its certificate is from an authority that is not trusted, or a certificate in \
                 between is missing"
            }
            CertificateError::Revoked => "its certificate was revoked",
            _ => "its certificate is not accepted",
        },
        Some(rustls::Error::PeerIncompatible(_)) => "it knows neither TLS 1.2 nor TLS 1.3",
        _ => "it does not speak TLS as expected",
    };
    why.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_to_a_host_and_nothing_cleverer() {
        for (url, plain_http, why) in [
            ("https://id.example.com/x?y=z", false, None),
            ("https://[2001:db8::1]:8443/", false, None),
            ("http://id.example.com", true, None),
            ("http://id.example.com", false, Some(Failed::NotHttps)),
            ("file:///etc/passwd", false, Some(Failed::NotAnAddress)),
            ("gopher://id.example.com/", true, Some(Failed::NotHttps)),
            ("/etc/passwd", true, Some(Failed::NotAnAddress)),
            ("id.example.com", true, Some(Failed::NotAnAddress)),
            ("https://", true, Some(Failed::NotAnAddress)),
            ("https://id.example.com@10.0.0.1/", true, Some(Failed::NotAnAddress)),
            ("https://a:b@id.example.com/", true, Some(Failed::NotAnAddress)),
            ("https://id.example.com:99999/", true, Some(Failed::NotAnAddress)),
            ("https://id.example.com/#x", true, Some(Failed::NotAnAddress)),
            ("https://id.example.com/\r\nx: y", true, Some(Failed::NotAnAddress)),
            ("", true, Some(Failed::NotAnAddress)),
        ] {
            assert_eq!(Target::read(url, plain_http).err(), why, "{url}");
        }
        let target = Target::read("https://[2001:db8::1]:8443/a?b", false).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("2001:db8::1", 8443));
        assert_eq!(target.authority, "[2001:db8::1]:8443");
        let long = format!("https://id.example.com/{}", "a".repeat(URL_BYTES_MAX));
        assert_eq!(Target::read(&long, false).err(), Some(Failed::NotAnAddress));
    }

    #[test]
    fn of_a_hosts_addresses_only_the_public_ones_are_asked() {
        let parsed = |all: &[&str]| -> Vec<SocketAddr> {
            all.iter().map(|address| address.parse().unwrap()).collect()
        };
        let (public, private) = ("93.184.215.14:443", "10.0.0.1:443");
        let asked = |all: &[&str], allowed| may_be_asked(parsed(all), allowed, "host");
        assert_eq!(asked(&[private, public], false), Ok(parsed(&[public])));
        assert_eq!(asked(&[private, public], true), Ok(parsed(&[private, public])));
        assert_eq!(asked(&[private], false), Err(Failed::NotFound("host".to_owned())));
        assert_eq!(asked(&[], true), Err(Failed::NotFound("host".to_owned())));
        assert_eq!(asked(&[public; 9], false).unwrap().len(), ADDRESSES_MAX);
    }
}
