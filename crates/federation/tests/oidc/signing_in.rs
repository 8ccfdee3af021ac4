//! A sign-in, from the first address to the claims.

use federation::oidc::{
    ClientAuthentication, Farewell, Pending, Prompt, Refusal, Returned, Wish, begin, logout_url,
};
use serde_json::json;

use crate::fake::{Fake, NOW, at, client};
use crate::signer::Signer;

#[tokio::test]
async fn somebody_signs_in_with_a_code_that_only_we_can_redeem() {
    let signer = Signer::new("first", "RS256");
    let begun = Fake::listening(&signer).await.begun().await;
    assert!(begun.url.starts_with(&format!("{}/auth?response_type=code&", begun.fake.issuer)));
    for part in ["client_id=portico+%26+co&", "&scope=openid&", "&code_challenge_method=S256"] {
        assert!(begun.url.contains(part), "{}", begun.url);
    }
    // The verifier stays here, and survives being kept.
    let verifier = begun.pending.verifier.reveal();
    assert!(!begun.url.contains(verifier));
    let kept = begun.pending.to_text().expect("text");
    let kept = Pending::from_text(kept.reveal()).expect("pending");
    assert_eq!(kept.verifier.reveal(), verifier);
    assert!(Pending::from_text("{}").is_none());
    assert!(!format!("{kept:?}").contains(verifier));

    let mut claims = begun.claims();
    claims["groups"] = json!(["a", "b", 3]);
    claims["realm_access"] = json!({ "roles": ["admin"] });
    claims["https://example.com/roles"] = json!("owner");
    claims["auth_time"] = json!(NOW - 5);
    let token = begun.ends_with(&signer.token(&claims)).await.expect("signed in");
    assert_eq!(token.values("groups"), ["a", "b", "3"]);
    assert_eq!(token.values("realm_access.roles"), ["admin"]);
    assert_eq!(token.values("https://example.com/roles"), ["owner"]);
    assert_eq!(token.values("email"), ["ada@example.com"]);
    assert!(token.values("nothing").is_empty() && token.values("realm_access").is_empty());
    assert_eq!(token.auth_time, Some(at(NOW - 5)));

    let said = begun.fake.said();
    // base64("portico+%26+co:s3cret%3A%2B%2F%25%C3%A9"), each half encoded as in a form.
    assert_eq!(said.authorization, "Basic cG9ydGljbyslMjYrY286czNjcmV0JTNBJTJCJTJGJTI1JUMzJUE5");
    assert!(said.form.contains("grant_type=authorization_code&code=the+code&"), "{}", said.form);
    assert!(said.form.ends_with(&format!("&code_verifier={verifier}")));
    assert!(!said.form.contains("client_secret"));
}

#[tokio::test]
async fn a_provider_that_wants_the_secret_in_the_form_gets_it_there() {
    let signer = Signer::new("first", "RS256");
    let fake = Fake::listening(&signer).await;
    fake.said().discovery["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    let begun = fake.begun().await;
    assert_eq!(begun.provider.client_authentication, ClientAuthentication::Post);
    begun.ends_with(&signer.token(&begun.claims())).await.expect("signed in");
    assert!(fake.said().authorization.is_empty());
    assert!(fake.said().form.contains("&client_secret=s3cret%3A%2B%2F%25%C3%A9"));
}

#[tokio::test]
async fn an_answer_to_another_request_is_none() {
    let signer = Signer::new("first", "RS256");
    let fake = Fake::listening(&signer).await;
    fake.said().discovery["authorization_response_iss_parameter_supported"] = json!(true);
    let begun = fake.begun().await;
    let good = Returned { iss: Some(fake.issuer.clone()), ..begun.returned() };
    let error = |error: &str| Some(error.to_owned());
    for (returned, refusal) in [
        (Returned { state: None, ..good.clone() }, Refusal::StateWrong),
        (Returned { state: Some("x".to_owned()), ..good.clone() }, Refusal::StateWrong),
        (Returned { iss: None, ..good.clone() }, Refusal::AnswerOfAnother),
        (Returned { iss: Some("https://x".to_owned()), ..good.clone() }, Refusal::AnswerOfAnother),
        (Returned { code: None, ..good.clone() }, Refusal::CodeMissing),
        (Returned { code: Some("c".repeat(9_000)), ..good.clone() }, Refusal::CodeMissing),
        (
            Returned { error: error("access_denied"), ..good.clone() },
            Refusal::ProviderRefused("access_denied".to_owned()),
        ),
        (
            Returned { error: error("<b>ada@example.com"), ..good.clone() },
            Refusal::ProviderRefused("badaexample.com".to_owned()),
        ),
    ] {
        let party = &fake.party;
        let ended = party.finish(&begun.on(&[]), &begun.pending, &returned, at(NOW)).await;
        assert_eq!(ended.expect_err("refused"), refusal);
    }
    // Nothing was redeemed for any of them.
    assert_eq!(fake.asked("/token"), 0);
}

#[tokio::test]
async fn what_the_token_endpoint_refuses_is_said_without_naming_anybody() {
    let signer = Signer::new("first", "RS256");
    let fake = Fake::listening(&signer).await;
    let begun = fake.begun().await;
    fake.said().token_status = 401;
    for (tokens, words) in [
        (
            json!({ "error": "invalid_client", "error_description": "ada@example.com",
                    "error_codes": [7_000_222] }),
            "the client id or its secret is wrong, or has expired (AADSTS7000222)",
        ),
        (json!({ "error": "invalid_grant" }), "`invalid_grant`"),
        (json!("x"), "status 401"),
    ] {
        fake.said().tokens = tokens;
        let returned = begun.returned();
        let ended = fake.party.finish(&begun.on(&[]), &begun.pending, &returned, at(NOW)).await;
        assert_eq!(ended.expect_err(words), Refusal::TokenRefused(words.to_owned()));
    }
    fake.said().token_status = 200;
    for (tokens, refusal) in [
        (json!("x"), Refusal::TokenAnswerMalformed),
        (json!({ "access_token": "x" }), Refusal::IdTokenMissing),
    ] {
        fake.said().tokens = tokens;
        let returned = begun.returned();
        let ended = fake.party.finish(&begun.on(&[]), &begun.pending, &returned, at(NOW)).await;
        assert_eq!(ended.expect_err("refused"), refusal);
    }
}

#[tokio::test]
async fn what_the_token_lacks_is_asked_for_and_never_of_another() {
    let signer = Signer::new("first", "RS256");
    let begun = Fake::listening(&signer).await.begun().await;
    let fake = &begun.fake;
    let wanted = ["email".to_owned(), "groups".to_owned()];
    let finish = async |wanted: &[String]| {
        let (on, returned) = (begun.on(wanted), begun.returned());
        fake.party.finish(&on, &begun.pending, &returned, at(NOW)).await
    };
    fake.said().tokens =
        json!({ "id_token": signer.token(&begun.claims()), "access_token": "access" });
    fake.said().userinfo = json!({ "sub": "user-1", "email": "eve@example.com", "groups": ["a"] });
    let token = finish(&wanted).await.expect("signed in");
    // What was signed stays.
    assert_eq!(token.values("email"), ["ada@example.com"]);
    assert_eq!(token.values("groups"), ["a"]);
    assert_eq!(fake.said().authorization, "Bearer access");
    assert_eq!(fake.asked("/me"), 1);
    finish(&wanted[..1]).await.expect("signed in");
    assert_eq!(fake.asked("/me"), 1);
    for sub in [json!("user-2"), json!(null)] {
        fake.said().userinfo = json!({ "sub": sub, "groups": ["admins"] });
        assert_eq!(finish(&wanted).await.expect_err("another"), Refusal::UserinfoOfAnother);
    }
    fake.said().userinfo = json!([]);
    assert_eq!(finish(&wanted).await.expect_err("a list"), Refusal::UserinfoMalformed);

    // Entra leaves out long lists of groups; that is known, and is not "no groups".
    let mut claims = begun.claims();
    claims["_claim_names"] = json!({ "groups": "src1" });
    fake.said().tokens = json!({ "id_token": signer.token(&claims), "access_token": "access" });
    let token = finish(&wanted).await.expect("signed in");
    assert!(token.left_out("groups") && !token.left_out("email"));
}

#[tokio::test]
async fn somebody_who_must_prove_again_who_they_are_has_done_so() {
    let signer = Signer::new("first", "RS256");
    let fake = Fake::listening(&signer).await;
    let mut begun = fake.begun().await;
    let wish = Wish {
        scopes: vec!["openid".to_owned(), "email".to_owned(), "groups".to_owned()],
        login_hint: Some("ada+x@example.com".to_owned()),
        prompt: Some(Prompt::Login),
        max_age_secs: Some(0),
    };
    let started = begin(&begun.provider, &client(), &wish).expect("begun");
    for part in
        ["&scope=openid+email+groups&", "&login_hint=ada%2Bx%40example.com&max_age=0&prompt=login"]
    {
        assert!(started.url.contains(part), "{}", started.url);
    }
    begun.pending = started.pending;
    let mut claims = begun.claims();
    let lacking = begun.ends_with(&signer.token(&claims)).await;
    assert_eq!(lacking.expect_err("unsaid"), Refusal::ClaimMissing("auth_time"));
    claims["auth_time"] = json!(NOW - 61);
    let old = begun.ends_with(&signer.token(&claims)).await;
    assert_eq!(old.expect_err("old"), Refusal::AuthenticatedTooLongAgo);
    claims["auth_time"] = json!(NOW - 60);
    assert!(begun.ends_with(&signer.token(&claims)).await.is_ok());
    for scope in ["a b", "a\"", "", "é"] {
        let wish = Wish { scopes: vec![scope.to_owned()], ..Wish::default() };
        let refused = begin(&begun.provider, &client(), &wish).expect_err(scope);
        assert_eq!(refused, Refusal::ScopeMalformed);
    }
}

#[tokio::test]
async fn leaving_leads_to_the_provider_and_back() {
    let signer = Signer::new("first", "RS256");
    let begun = Fake::listening(&signer).await.begun().await;
    let token = begun.ends_with(&signer.token(&begun.claims())).await.expect("signed in");
    let farewell = Farewell {
        post_logout_redirect_uri: "https://portico.example.com/left",
        state: "x",
        id_token: Some(&token.token),
    };
    let url = logout_url(&begun.provider, &begun.client, &farewell).expect("a URL").expect("one");
    let address = format!("{}/leave?a=b&client_id=portico+%26+co&", begun.fake.issuer);
    assert!(url.starts_with(&address), "{url}");
    assert!(url.contains("&id_token_hint=ey"));
    let mut without = begun.provider.clone();
    without.end_session_endpoint = None;
    assert_eq!(logout_url(&without, &begun.client, &farewell), Ok(None));
}
