//! Where a request came from, when proxies that we trust stand in between.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The peer; or, when the peer is a proxy that we trust, the last address that is none.
/// What stands further left was written by strangers.
pub(super) fn caller_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    let hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for hop in hops {
        if !trusted.iter().any(|network| network.contains(&address)) {
            break;
        }
        // Nonsense hides who came before: the proxy that passed it on answers for it.
        let Some(before) = parse(hop.trim()) else { break };
        address = before;
    }
    address
}

/// An address, as proxies write it: some add the port.
fn parse(hop: &str) -> Option<IpAddr> {
    let plain = hop.parse::<IpAddr>();
    let with_port = || hop.parse::<SocketAddr>().map(|socket| socket.ip());
    let bracketed = || hop.trim_matches(['[', ']']).parse::<IpAddr>();
    plain
        .or_else(|_| with_port())
        .or_else(|_| bracketed())
        .ok()
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_trusted_proxy_the_caller_is_the_last_address_that_is_no_proxy() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let cases = [
            ("10.0.0.1", vec!["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", vec!["6.6.6.6, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("10.0.0.1", vec!["6.6.6.6", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            ("::ffff:10.0.0.1", vec!["203.0.113.7:4711"], "203.0.113.7"),
            ("fd00::1", vec!["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", vec!["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", vec!["203.0.113.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            // A stranger may write what it likes.
            ("198.51.100.9", vec!["10.0.0.1"], "198.51.100.9"),
        ];
        for (peer, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = caller_address(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }
}
