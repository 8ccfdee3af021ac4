//! Signing in through an `OpenID` provider.

use base::time::Clock as _;
use serde_json::{Value, json};

use crate::browser::{Browser, field};
use crate::house::{Answer, Connected, House, Org};
use crate::op::{CLIENT, Op};

async fn connected(house: &House, org: &Org, op: &Op) -> Connected {
    let new = json!({
        "kind": "oidc", "name": "Acme login", "guide": "keycloak", "source": op.issuer,
        "client_id": CLIENT, "client_secret": "a secret",
    });
    let made = house.ask(&org.owner.key, "POST", "/api/connections", new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let connected = Connected::of(&made.json());
    house.sso_state_tested(&connected).await;
    let path = format!("/api/connections/{}/activate", connected.id);
    let on = house.ask(&org.owner.key, "POST", &path, Value::Null).await;
    assert_eq!(on.status, 200, "{}", on.text);
    connected
}

/// Begins, and comes back with a token of these claims beside those that must be there.
async fn comes_back(
    house: &House,
    browser: &mut Browser,
    (connected, op): (&Connected, &Op),
    more: Value,
) -> (Answer, String) {
    let start = format!("/sso/{}/start?next=/chat", connected.handle);
    let to = browser.get(house, &start).await.location();
    assert!(to.starts_with(&format!("{}/auth?", op.issuer)), "{to}");
    assert_eq!(field(&to, "code_challenge_method"), "S256");
    let now = house.clock.now().as_second();
    let mut claims = json!({
        "iss": op.issuer, "sub": "user-1", "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": field(&to, "nonce"), "sid": "session-1", "email": "ada@acme.example",
        "name": "Ada Lovelace",
    });
    for (name, value) in more.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    op.said().id_token = op.token("JWT", &claims);
    let state = field(&to, "state");
    let back = format!("/sso/{}/callback?state={state}&code=c", connected.handle);
    (browser.get(house, &back).await, back)
}

#[tokio::test]
async fn an_openid_provider_lets_somebody_in() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let connected = connected(&house, &org, &op).await;
        let mut browser = Browser::default();
        let on = (&connected, &op);
        let amr = json!({ "amr": ["pwd", "mfa"], "auth_time": house.clock.now().as_second() });
        let (end, back) = comes_back(&house, &mut browser, on, amr).await;
        assert_eq!((end.status, end.location().as_str()), (303, "/chat"), "{}", end.text);
        let me = browser.get(&house, "/api/session").await.json();
        assert_eq!(me["member"]["name"], "Ada Lovelace");
        let sessions = browser.get(&house, "/api/sessions").await.json();
        assert_eq!(sessions["items"][0]["method"], "oidc");
        assert!(sessions["items"][0]["factor_at"].is_string(), "{sessions}");
        // Once, and in this browser alone.
        assert_eq!(browser.get(&house, &back).await.status, 403);
        let mut other = Browser::default();
        let start = format!("/sso/{}/start", connected.handle);
        let to = browser.get(&house, &start).await.location();
        other.get(&house, &start).await;
        let back =
            format!("/sso/{}/callback?state={}&code=c", connected.handle, field(&to, "state"));
        assert_eq!(other.get(&house, &back).await.status, 403);
        assert_eq!(house.last_refusal(&org).await, "other_browser");
        // What the token says is held to what was asked.
        for (claims, code) in [
            (json!({ "nonce": "another" }), "nonce_wrong"),
            (json!({ "aud": "another" }), "audience_wrong"),
            (json!({ "iss": "https://another.example" }), "issuer_wrong"),
            (
                json!({ "sub": "user-2", "email": "new@acme.example", "email_verified": false }),
                "email_not_verified",
            ),
        ] {
            let mut browser = Browser::default();
            let (end, _) = comes_back(&house, &mut browser, on, claims).await;
            assert_eq!((end.status, browser.has_session()), (403, false), "{code}");
            assert_eq!(house.last_refusal(&org).await, code);
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_gone_is_named_so_and_sessions_go_on() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let connected = connected(&house, &org, &op).await;
        let mut browser = Browser::default();
        let on = (&connected, &op);
        comes_back(&house, &mut browser, on, json!({})).await;
        op.said().down = true;
        let mut late = Browser::default();
        let (end, _) = comes_back(&house, &mut late, on, json!({})).await;
        assert_eq!(
            (end.status, end.json()["code"].as_str()),
            (503, Some("provider_unreachable")),
            "{}",
            house.last_refusal(&org).await
        );
        assert_eq!(browser.get(&house, "/api/session").await.status, 200);
    }
}

#[tokio::test]
async fn a_provider_says_in_the_back_that_somebody_left() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let connected = connected(&house, &org, &op).await;
        let (mut one, mut two) = (Browser::default(), Browser::default());
        let on = (&connected, &op);
        comes_back(&house, &mut one, on, json!({ "sid": "one" })).await;
        comes_back(&house, &mut two, on, json!({ "sid": "two" })).await;
        let now = house.clock.now().as_second();
        let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
        let told = |jti: &str, more: Value| {
            let mut claims = json!({
                "iss": op.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": jti,
                "events": event,
            });
            for (name, value) in more.as_object().expect("claims") {
                claims[name] = value.clone();
            }
            op.token("logout+jwt", &claims)
        };
        let path = format!("/sso/{}/backchannel", connected.handle);
        let mut provider = Browser::default();
        let first = told("j1", json!({ "sub": "user-1", "sid": "one" }));
        for (token, status) in [
            (told("j0", json!({ "sub": "user-1", "nonce": "n" })), 400),
            (told("j0", json!({})), 400),
            (first.clone(), 200),
            (first, 400),
        ] {
            let form = [("logout_token", token.as_str())];
            let answer = provider.post_from_elsewhere(&house, &path, &form).await;
            assert_eq!(answer.status, status, "{}", answer.text);
        }
        assert_eq!(one.get(&house, "/api/session").await.status, 401);
        assert_eq!(two.get(&house, "/api/session").await.status, 200);
        let all = told("j2", json!({ "sub": "user-1" }));
        provider.post_from_elsewhere(&house, &path, &[("logout_token", all.as_str())]).await;
        assert_eq!(two.get(&house, "/api/session").await.status, 401);
        assert_eq!(house.events(&org, "sso.logout.refused").await.len(), 3);
    }
}

#[tokio::test]
async fn signing_out_here_leaves_the_openid_provider_too() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let connected = connected(&house, &org, &op).await;
        let mut browser = Browser::default();
        comes_back(&house, &mut browser, (&connected, &op), json!({})).await;
        let to = browser.post(&house, "/sso/out", &[]).await.location();
        assert!(to.starts_with(&format!("{}/leave?", op.issuer)), "{to}");
        assert!(!field(&to, "id_token_hint").is_empty());
        let back = field(&to, "post_logout_redirect_uri");
        assert_eq!(back, format!("{}/left", connected.entity));
        assert!(!browser.has_session());
        let left = browser.get(&house, &format!("{back}?state={}", field(&to, "state"))).await;
        assert_eq!(left.location(), "/sign-in");
    }
}

#[tokio::test]
async fn a_member_connects_themselves_and_comes_in_from_then_on() {
    for house in House::on_each_engine().await {
        let (org, op) = (house.org("acme").await, Op::listening().await);
        let connected = connected(&house, &org, &op).await;
        let on = (&connected, &op);
        let owner = json!({ "email": org.owner.email });
        let (end, _) = comes_back(&house, &mut Browser::default(), on, owner.clone()).await;
        assert_eq!(end.status, 403);
        assert_eq!(house.last_refusal(&org).await, "owner_must_connect");
        let path = format!("/me/providers/{}", connected.id);
        let session = house.session(&org, &org.owner.id).await;
        let begun = house.form(&session, &path, "").await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        let mut browser = Browser::default();
        browser.keep(&begun);
        // Only in the browser of the owner: nobody else is connected as them.
        assert_eq!(Browser::default().get(&house, &begun.location()).await.status, 403);
        let to = browser.get(&house, &begun.location()).await.location();
        let now = house.clock.now().as_second();
        let claims = json!({
            "iss": op.issuer, "sub": "the-owner", "aud": CLIENT, "iat": now, "exp": now + 300,
            "nonce": field(&to, "nonce"), "email": "private@elsewhere.example",
        });
        op.said().id_token = op.token("JWT", &claims);
        let back =
            format!("/sso/{}/callback?state={}&code=c", connected.handle, field(&to, "state"));
        let end = browser.get(&house, &back).await;
        assert_eq!((end.status, end.location().as_str()), (303, "/me/providers"), "{}", end.text);
        let sub = json!({ "sub": "the-owner", "email": "private@elsewhere.example" });
        let mut browser = Browser::default();
        let (end, _) = comes_back(&house, &mut browser, on, sub).await;
        assert_eq!(end.status, 303, "{}", house.last_refusal(&org).await);
        let me = browser.get(&house, "/api/session").await.json();
        assert_eq!(me["member"]["email"], org.owner.email.as_str());
        let page = browser.get(&house, "/me/providers").await;
        assert!(page.text.contains("Connected"), "{}", page.text);
    }
}
