//! What must hold for any bytes, for `fuzz/`.

use base::secret::Secret;
use base::time::At;

use crate::oidc::discovery::described;
use crate::oidc::{
    Algorithm, Client, ClientAuthentication, Expected, KeySet, Provider, Registration,
    verify_id_token, verify_logout_token,
};

/// Public keys, of RFC 7515 (A.3) and RFC 8037 (A.2): no mutation comes upon a signature.
const KEYS: &str = r#"{"keys":[
  {"kty":"EC","crv":"P-256","kid":"a",
   "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
  {"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
]}"#;

/// Any text as a token: it is refused, as nobody can sign it, and by a reason with a name.
///
/// # Panics
///
/// If it is not.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(keys) = KeySet::read(KEYS.as_bytes()) else { return };
    let provider = provider();
    let client = Client {
        client_id: "portico".to_owned(),
        client_secret: Secret::new(String::new()),
        redirect_uri: "https://portico.example.com/back".to_owned(),
    };
    let on = Registration {
        provider: &provider,
        client: &client,
        clock_skew_secs: 60,
        claims_wanted: &[],
    };
    let expected = Expected { nonce: "n", max_age_secs: None };
    let as_id = verify_id_token(text, &keys, &on, &expected, At::UNIX_EPOCH);
    let as_logout = verify_logout_token(text, &keys, &on, At::UNIX_EPOCH);
    for refused in [as_id.map(drop), as_logout.map(drop)] {
        assert!(refused.is_err_and(|refusal| !refusal.code().is_empty()));
    }
}

/// Any bytes as published keys and as a description.
///
/// # Panics
///
/// If a description is accepted that is not of the issuer that was asked.
pub fn documents(bytes: &[u8]) {
    drop(KeySet::read(bytes));
    if let Ok(provider) = described(bytes, "https://id.example.com", |_| Ok(())) {
        assert!(provider.issuer.starts_with("https://id.example.com"));
        assert!(!provider.algorithms.is_empty());
    }
}

fn provider() -> Provider {
    let at = |path: &str| format!("https://id.example.com/{path}");
    Provider {
        issuer: "https://id.example.com".to_owned(),
        authorization_endpoint: at("auth"),
        token_endpoint: at("token"),
        jwks_uri: at("keys"),
        userinfo_endpoint: None,
        end_session_endpoint: None,
        algorithms: vec![Algorithm::ES256, Algorithm::EdDSA],
        client_authentication: ClientAuthentication::Basic,
        names_itself: false,
        backchannel_logout: true,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    #[test]
    fn what_fuzzers_begin_with_is_refused_by_name() {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let claims = r#"{"iss":"https://id.example.com","aud":"portico","sub":"a","nonce":"n"}"#;
        for header in [r#"{"alg":"ES256","kid":"a"}"#, r#"{"alg":"EdDSA","kid":"b"}"#, "{}"] {
            for end in ["", ".", ".AAAA", ".AAAA.AAAA.AAAA"] {
                super::token(format!("{}.{}{end}", part(header), part(claims)).as_bytes());
            }
        }
        super::token(b"\xff");
        super::documents(br#"{"keys":[],"issuer":"https://id.example.com"}"#);
    }
}
