//! Valid tokens in which something small was changed.

use federation::oidc::{Expected, KeySet, Registration, verify_id_token};
use serde_json::json;

use crate::fake::{Fake, NOW, at};
use crate::signer::Signer;

#[tokio::test]
async fn a_token_in_which_one_character_was_changed_added_or_lost_is_none() {
    for alg in ["ES256", "EdDSA", "RS256"] {
        let signer = Signer::new("first", alg);
        let begun = Fake::listening(&signer).await.begun().await;
        let published = json!({ "keys": [signer.jwk()] }).to_string();
        let keys = KeySet::read(published.as_bytes()).expect("keys");
        let (provider, client) = (&begun.provider, &begun.client);
        let on = Registration { provider, client, clock_skew_secs: 60, claims_wanted: &[] };
        let nonce = begun.pending.nonce.reveal();
        let expected = Expected { nonce, max_age_secs: None };
        let accepted = |token: &str| verify_id_token(token, &keys, &on, &expected, at(NOW)).is_ok();
        let token = signer.token(&begun.claims());
        assert!(accepted(&token));
        let mut tried = 0;
        for (place, was) in token.char_indices() {
            let (before, after) = (&token[..place], &token[place + 1..]);
            // The next one of the alphabet differs in the last bit, which could be padding.
            for other in ['A', 'B', '_', '.', '=', 'é', char::from(was as u8 ^ 1)] {
                if other != was {
                    assert!(!accepted(&format!("{before}{other}{after}")), "{alg} {place} {other}");
                }
                assert!(
                    !accepted(&format!("{before}{other}{was}{after}")),
                    "{alg} {place} {other}"
                );
                tried += 2;
            }
            assert!(!accepted(&format!("{before}{after}")), "{alg} {place}");
            assert!(!accepted(before));
        }
        assert!(tried > 5_000);
    }
}
