//! What admins type, and what providers describe themselves as.

use base::fetch::Failed;
use federation::oidc::{Algorithm, ClientAuthentication, Provider, Refusal};
use serde_json::{Value, json};

use crate::fake::Fake;
use crate::signer::Signer;

async fn fake() -> Fake {
    Fake::listening(&Signer::new("first", "ES256")).await
}

#[tokio::test]
async fn a_provider_is_found_by_what_an_admin_typed() {
    let fake = fake().await;
    let issuer = fake.issuer.clone();
    for typed in [
        issuer.clone(),
        format!("{issuer}/"),
        format!(" {issuer} "),
        format!("{issuer}/.well-known/openid-configuration"),
    ] {
        let provider = fake.party.discover(&typed).await.expect("found");
        assert_eq!(provider.issuer, issuer);
        assert_eq!(provider.algorithms.len(), 10);
        assert_eq!(provider.client_authentication, ClientAuthentication::Basic);
        // It is kept as it is.
        let kept = serde_json::to_string(&provider).expect("kept");
        assert_eq!(serde_json::from_str::<Provider>(&kept).expect("read"), provider);
    }
    // The slash is the provider's to choose: its tokens have it too.
    fake.said().discovery["issuer"] = json!(format!("{issuer}/"));
    let provider = fake.party.discover(&issuer).await.expect("found");
    assert_eq!(provider.issuer, format!("{issuer}/"));
    for typed in ["", "id.example.com", "https://a b", "https://x?y", "https://x#y"] {
        let code = fake.party.discover(typed).await.expect_err(typed).code();
        assert!(["issuer_malformed", "provider_unreachable"].contains(&code), "{typed}: {code}");
    }
}

#[tokio::test]
async fn an_address_of_every_tenant_is_refused_and_the_mend_is_named() {
    let fake = fake().await;
    for typed in [
        "https://login.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/Organizations/v2.0",
        "https://login.microsoftonline.com/consumers/v2.0/.well-known/openid-configuration",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://login.microsoftonline.us/common",
        "https://LOGIN.microsoftonline.com/common/v2.0",
        "https://login.microsoftonline.com/{tenantid}/v2.0",
    ] {
        let refusal = fake.party.discover(typed).await.expect_err(typed);
        assert_eq!(refusal, Refusal::ManyTenants);
        assert!(refusal.to_string().contains("the id of your own tenant"));
    }
    // Also when it is hidden behind another address.
    fake.said().discovery["issuer"] = json!("https://login.microsoftonline.com/{tenantid}/v2.0");
    let refusal = fake.party.discover(&fake.issuer).await.expect_err("a template");
    assert_eq!(refusal, Refusal::ManyTenants);
    assert_eq!(fake.asked("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_refused_and_its_name_is_shown() {
    let fake = fake().await;
    let sts = "https://sts.windows.net/11111111-2222-3333-4444-555555555555/";
    fake.said().discovery["issuer"] = json!(sts);
    let refusal = fake.party.discover(&fake.issuer).await.expect_err("another");
    assert_eq!(refusal.code(), "issuer_differs");
    assert!(refusal.to_string().contains(sts));
}

#[tokio::test]
async fn a_description_that_cannot_be_used_says_why() {
    let fake = fake().await;
    let good = fake.description();
    let outside = Failed::NotHttps;
    for (name, value, refusal) in [
        ("issuer", Value::Null, Refusal::DiscoveryLacks("issuer")),
        ("issuer", json!(["x"]), Refusal::DiscoveryMalformed),
        ("token_endpoint", Value::Null, Refusal::DiscoveryLacks("token_endpoint")),
        ("jwks_uri", Value::Null, Refusal::DiscoveryLacks("jwks_uri")),
        ("jwks_uri", json!("gopher://x/"), Refusal::EndpointRefused("jwks_uri", outside)),
        (
            "authorization_endpoint",
            json!("javascript:alert(1)"),
            Refusal::EndpointRefused("authorization_endpoint", Failed::NotAnAddress),
        ),
        (
            "end_session_endpoint",
            json!("/leave"),
            Refusal::EndpointRefused("end_session_endpoint", Failed::NotAnAddress),
        ),
        ("response_types_supported", json!(["id_token"]), Refusal::NoCodeFlow),
        ("code_challenge_methods_supported", json!(["plain"]), Refusal::NoPkce),
        (
            "id_token_signing_alg_values_supported",
            json!(["HS256", "none"]),
            Refusal::NoCommonAlgorithm,
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!(["private_key_jwt"]),
            Refusal::NoCommonClientAuthentication,
        ),
    ] {
        fake.said().discovery = good.clone();
        fake.said().discovery[name] = value;
        assert_eq!(fake.party.discover(&fake.issuer).await, Err(refusal), "{name}");
    }
    fake.said().discovery = json!("x");
    assert_eq!(fake.party.discover(&fake.issuer).await, Err(Refusal::DiscoveryMalformed));
    fake.said().down = true;
    assert_eq!(fake.party.discover(&fake.issuer).await, Err(Refusal::DiscoveryStatus(503)));
}

#[tokio::test]
async fn a_signature_that_the_provider_does_not_announce_is_not_believed() {
    let signer = Signer::new("first", "ES256");
    let fake = Fake::listening(&signer).await;
    fake.said().discovery["id_token_signing_alg_values_supported"] = json!(["RS256", "HS256"]);
    let begun = fake.begun().await;
    assert_eq!(begun.provider.algorithms, [Algorithm::RS256]);
    let refusal = begun.ends_with(&signer.token(&begun.claims())).await.expect_err("unannounced");
    assert_eq!(refusal, Refusal::AlgorithmRefused("ES256".to_owned()));
}

#[tokio::test]
async fn google_may_leave_https_out_of_its_name_and_nobody_else() {
    let signer = Signer::new("first", "RS256");
    let mut begun = Fake::listening(&signer).await.begun().await;
    let mut claims = begun.claims();
    claims["iss"] = json!("accounts.google.com");
    let token = signer.token(&claims);
    assert_eq!(begun.ends_with(&token).await.expect_err("another"), Refusal::IssuerWrong);
    begun.provider.issuer = "https://accounts.google.com".to_owned();
    assert_eq!(
        begun.ends_with(&token).await.expect("Google").issuer,
        "https://accounts.google.com"
    );
}
