//! What must hold for any bytes, for `fuzz/`.

use base::time::At;

use super::xml::{Limits, canonical, read};
use super::{Certificate, IdentityProvider, Incoming, Policy, ServiceProvider, base64};

/// A certificate whose key nobody has: no mutation comes upon a signature.
const CERTIFICATE: &str = "MIIBdDCCARugAwIBAgIUDLdSIkW6hiByfZn1z7os7WoMbaUwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEZnV6ejAgFw0y\
     NjExMjUxODA3MTZaGA8yMTI2MTEwMTE4MDcxNlowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEH\
     A0IABA2M4tLgBljpi49pgQNqrNHeoCa7GKp3nSdZ2eUrA0QWgNO0aTzCZeBZG7FpLoT3aksdpHuModskUnO9upXkrlCj\
     UzBRMB0GA1UdDgQWBBQ1bCk5oLrZ2foL754VLRpnlT0whjAfBgNVHSMEGDAWgBQ1bCk5oLrZ2foL754VLRpnlT0whjAP\
     BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIELXeQjPhWHthGlRxvuRWq64PulhTRiRiElTkjb/cBabAiBN\
     GUiTIMWmLKUYoiUOQo6vi4J4g49ew66VUv+fGhQNRA==";
const ENTITY: &str = "https://idp.example/metadata";
const US: &str = "https://portico.example/saml/c1";

/// Any bytes as every message and as metadata: no panic, nobody is signed in or out, and what is
/// written canonically reads as the same again.
///
/// # Panics
///
/// If that does not hold.
pub fn message(bytes: &[u8]) {
    let now: At = At::UNIX_EPOCH;
    let Ok(certificate) = Certificate::from_pem(CERTIFICATE) else { return };
    let idp = IdentityProvider {
        entity_id: ENTITY.to_owned(),
        sso_redirect: None,
        sso_post: None,
        slo_redirect: None,
        slo_post: None,
        slo_response_redirect: None,
        slo_response_post: None,
        certificates: vec![certificate],
        wants_signed_requests: false,
        name_id_formats: Vec::new(),
        valid_until: None,
    };
    let sp = ServiceProvider {
        entity_id: US.to_owned(),
        acs_url: format!("{US}/acs"),
        slo_url: format!("{US}/slo"),
        keys: Vec::new(),
    };
    let policy = Policy {
        idp_initiated: true,
        widened_algorithms: true,
        expired_certificates: true,
        ..Policy::default()
    };
    let encoded = base64::encode(bytes);
    for message in [bytes, encoded.as_bytes()] {
        assert!(sp.verify_response(&idp, &policy, message, None, now).is_err());
        let incoming = Incoming::Post { message };
        assert!(sp.verify_logout_request(&idp, &policy, &incoming, None, now).is_err());
        assert!(sp.verify_logout_response(&idp, &policy, &incoming, "_request", now).is_err());
    }
    if let Ok(query) = std::str::from_utf8(bytes) {
        let incoming = Incoming::Redirect { query };
        assert!(sp.verify_logout_request(&idp, &policy, &incoming, None, now).is_err());
        assert!(sp.verify_logout_response(&idp, &policy, &incoming, "_request", now).is_err());
    }
    let _refused_or_read = IdentityProvider::read(bytes, None, now);
    if let Ok(tree) = read(bytes, Limits { nodes_max: 10_000 }) {
        let written = canonical(&tree, &[], None, &[]);
        let again = read(written.as_bytes(), Limits { nodes_max: 10_000 });
        assert!(again.is_ok_and(|again| canonical(&again, &[], None, &[]) == written));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_bytes_are_withstood() {
        for bytes in
            [b"".as_slice(), b"<a/>", b"<a b='&#10;&lt;'>&#13;]<c xmlns='urn:c'/></a>", b"%"]
        {
            super::message(bytes);
        }
    }
}
