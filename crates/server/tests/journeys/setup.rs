//! Whoever runs an org's identity provider connects it, without an account.

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::http::Answer;
use crate::portico::{Portico, text};

/// A form as our own page sends it, with what the browser was given.
async fn post(portico: &Portico, cookie: &str, path: &str, form: &str) -> Answer {
    let request = Request::post(format!("{}{path}", portico.base))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("cookie", cookie);
    let request = request.body(Full::new(Bytes::from(form.to_owned()))).expect("a request");
    portico.http.send(request).await.expect("an answer")
}

#[tokio::test]
async fn the_guest_of_a_setup_link_connects_a_provider_and_does_nothing_else() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    portico.serve().await;
    let made = portico.http.post(&org.owner, "/api/setup-links", &json!({})).await;
    let token = text(&made.json()["token"]);
    let begun = post(&portico, "", "/setup", &format!("token={token}")).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let given = begun.headers.get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
    let cookie: Vec<_> = given.filter_map(|one| one.split(';').next()).collect();
    let cookie = cookie.join("; ");

    let form = "guide=okta&kind=saml&name=Okta";
    let connected = post(&portico, &cookie, "/connections", form).await;
    assert_eq!(connected.status, 303, "{}", connected.text);
    let here = connected.headers["location"].to_str().expect("text").to_owned();
    assert!(here.starts_with("/connections/con_"), "{here}");
    // There is no provider to test yet: that is what is missing, and not an account.
    let early = post(&portico, &cookie, &format!("{here}/test"), "").await;
    assert_eq!(early.status, 422, "{:?} {}", early.headers, early.text);
    assert!(early.text.contains("which provider"), "{}", early.text);
    let domain = post(&portico, &cookie, "/domains", "domain=acme.example").await;
    assert_eq!(domain.status, 303, "{}", domain.text);

    for (path, form) in [
        ("/directories", "name=D"),
        ("/setup-links", "days=7"),
        ("/members", "email=eve@evil.example&role=org:owner"),
        ("/settings/sign-in/enforce", "on=true"),
    ] {
        let refused = post(&portico, &cookie, path, form).await;
        assert!(matches!(refused.status, 403 | 404), "{path}: {} {}", refused.status, refused.text);
    }
    let connections = portico.http.get(&org.owner, "/api/connections").await.json();
    assert_eq!(connections["items"][0]["vouched"], json!([]), "it lets in nobody yet");
    let told = portico.http.get(&org.owner, "/api/events?action=sso.connection.created").await;
    assert_eq!(told.json()["items"][0]["actorKind"], "guest", "{}", told.text);
}
