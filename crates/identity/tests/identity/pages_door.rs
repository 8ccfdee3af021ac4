//! Pages at the door: signing in and out, joining, a new password, one's own account.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{House, PASSWORD};

const NEW: &str = "staple battery horse";

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn a_member_signs_in_on_a_page_goes_on_and_out() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::new(&house);
        let page = browser.get("/sign-in?next=/record%3Fuser%3Dmem_1&org=acme").await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(r#"name="next" value="/record?user=mem_1""#), "{}", page.text);
        assert!(page.text.contains(r#"value="acme""#));
        let mut form = vec![
            ("org", "acme"),
            ("email", org.member.email.as_str()),
            ("password", "wrong horse battery"),
            ("next", "/record?user=mem_1"),
        ];
        let wrong = browser.post("/sign-in", &form).await;
        assert_eq!(wrong.status, 422);
        for kept in ["acme", &org.member.email, "/record?user=mem_1"] {
            assert!(wrong.text.contains(&format!(r#"value="{kept}""#)), "{kept}");
        }
        assert!(wrong.text.contains("Organization, e-mail address or password is wrong."));
        assert!(!wrong.text.contains("wrong horse"), "a password is never sent back");
        form[2] = ("password", PASSWORD);
        let entered = browser.post("/sign-in", &form).await;
        assert_eq!((entered.status, entered.location()), (303, "/record?user=mem_1"));
        let me = browser.get("/me").await;
        assert_eq!(me.status, 200);
        for shown in [&*org.member.email, "Firefox on Linux", "192.0.2.7", "This one"] {
            assert!(me.text.contains(shown), "{shown} in {}", me.text);
        }
        let out = browser.post("/sign-out", &[]).await;
        assert_eq!((out.status, out.location()), (303, "/sign-in"));
        assert_eq!(browser.get("/me").await.status, 401);
        let again = browser.get("/sign-in").await;
        assert!(again.text.contains(r#"value="acme""#), "the org is remembered");
    }
}

#[tokio::test]
async fn the_page_to_sign_in_on_does_not_say_what_was_wrong_and_says_when_to_try_again() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::new(&house);
        let mut answers = Vec::new();
        for (name, email) in [("acme", "nobody@x.example"), ("nowhere", "nobody@x.example")] {
            let form = [("org", name), ("email", email), ("password", PASSWORD)];
            let seen = browser.post("/sign-in", &form).await;
            answers.push((seen.status, seen.text.replace(&format!(r#"value="{name}""#), "")));
        }
        assert_eq!(answers[0], answers[1]);
        let form = [("org", "acme"), ("email", &*org.member.email), ("password", "wrong horse")];
        for _ in 0..10 {
            browser.post("/sign-in", &form).await;
            house.clock.advance(jiff::SignedDuration::from_secs(6));
        }
        let locked = browser.post("/sign-in", &form).await;
        assert_eq!(locked.status, 429);
        assert!(locked.text.contains("Try again in 14 minutes."), "{}", locked.text);
        let patch = identity::SettingsPatch {
            console_addresses: identity::Given::Set(vec!["198.51.100.0/24".to_owned()]),
            ..Default::default()
        };
        house.identity.change_settings(&org.operator, &patch).await.expect("set");
        house.clock.advance(jiff::SignedDuration::from_mins(20));
        let form = [("org", "acme"), ("email", &*org.member.email), ("password", PASSWORD)];
        let away = browser.post("/sign-in", &form).await;
        assert_eq!(away.status, 403);
        assert!(away.text.contains("from its own networks only"), "{}", away.text);
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_site_by_signing_in() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
        ] {
            let mut browser = Browser::new(&house);
            let address =
                format!("/sign-in?next={}", evil.replace('\\', "%5C").replace('\t', "%09"));
            let page = browser.get(&address).await;
            assert!(!page.text.contains("evil") && !page.text.contains("alert"), "{evil}");
            let form = [
                ("org", "acme"),
                ("email", &*org.member.email),
                ("password", PASSWORD),
                ("next", evil),
            ];
            let entered = browser.post("/sign-in", &form).await;
            assert_eq!((entered.status, entered.location()), (303, "/"), "{evil}");
        }
    }
}

#[tokio::test]
async fn an_invited_person_joins_on_a_page_and_is_in() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"email": "grace@acme.example", "role": "org:member"});
        let (_, invited) = house.ask(&org.admin.key, "POST", "/api/members", body).await;
        let token = text(&invited["token"]);
        let mut browser = Browser::new(&house);
        let page = browser.get(&format!("/join?token={token}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("grace@acme.example") && page.text.contains("Join ACME"));
        assert_eq!(page.between(r#"name="token" value=""#, "\""), token);
        let form = |name, password, again| {
            [("token", token), ("name", name), ("password", password), ("again", again)]
        };
        let script = "<script>alert(1)</script>";
        for (form, said) in [
            (form(script, "short", "short"), "must have 12 to 256 characters"),
            (form(script, PASSWORD, "another one"), "must be the same"),
        ] {
            let seen = browser.post("/join", &form).await;
            assert_eq!(seen.status, 422);
            assert!(seen.text.contains(said), "{}", seen.text);
            assert!(!seen.text.contains(script), "escaped");
            assert!(seen.text.contains("&#60;script&#62;alert(1)"), "and kept: {}", seen.text);
            assert_eq!(seen.between(r#"name="token" value=""#, "\""), token);
        }
        let seen = browser.post("/join", &form("Grace", PASSWORD, PASSWORD)).await;
        assert_eq!((seen.status, seen.location()), (303, "/"), "{}", seen.text);
        assert!(browser.get("/me").await.text.contains("Grace"));
        let mut other = Browser::new(&house);
        for dead in [token, "pi_eu_x", ""] {
            let seen = other.get(&format!("/join?token={dead}")).await;
            assert_eq!(seen.status, 410);
            assert!(seen.text.contains("This invitation cannot be used"), "{}", seen.text);
        }
        assert_eq!(other.post("/join", &form("Eve", PASSWORD, PASSWORD)).await.status, 410);
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_on_a_page() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let path = format!("/api/members/{}/password-link", org.member.id);
        let (_, made) = house.ask(&org.admin.key, "POST", &path, Value::Null).await;
        let token = text(&made["token"]);
        let mut browser = Browser::new(&house);
        let page = browser.get(&format!("/reset?token={token}")).await;
        assert_eq!((page.status, page.between(r#"name="token" value=""#, "\"")), (200, token));
        let form = [("token", token), ("password", NEW), ("again", PASSWORD)];
        assert_eq!(browser.post("/reset", &form).await.status, 422);
        let form = [("token", token), ("password", NEW), ("again", NEW)];
        let seen = browser.post("/reset", &form).await;
        assert_eq!((seen.status, seen.location()), (303, "/sign-in"), "{}", seen.text);
        assert_eq!(browser.post("/reset", &form).await.status, 410);
        let form = [("org", "acme"), ("email", &*org.member.email), ("password", NEW)];
        assert_eq!(browser.post("/sign-in", &form).await.status, 303);
    }
}

#[tokio::test]
async fn members_change_their_name_password_and_sessions_on_their_page() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut here = Browser::signed_in(&house, &org.member).await;
        let mut there = Browser::signed_in(&house, &org.member).await;
        let script = "<img src=x onerror=alert(1)>";
        let seen = here.post("/me/name?once=1", &[("name", script)]).await;
        assert_eq!((seen.status, seen.location()), (303, "/me"));
        let me = here.get("/me").await;
        assert!(!me.text.contains(script) && me.text.contains("&#60;img"), "{}", me.text);
        let long = "x".repeat(121);
        let seen = here.post("/me/name", &[("name", &long)]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains(&long) && seen.text.contains("must have 1 to 120 characters"));

        let form = |current, new| [("current", current), ("new", new), ("again", new)];
        let seen = here.post("/me/password", &form("wrong horse battery", NEW)).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("Current password is wrong"), "{}", seen.text);
        assert_eq!(here.post("/me/password", &form(PASSWORD, "short")).await.status, 422);
        assert_eq!(here.post("/me/password", &form(PASSWORD, NEW)).await.status, 303);
        assert_eq!(there.get("/me").await.status, 401, "other sessions end");

        let form = [("org", "acme"), ("email", &*org.member.email), ("password", NEW)];
        there.post("/sign-in", &form).await;
        let me = here.get("/me").await;
        let id = me.between("/me/sessions/ses_", "/end").to_owned();
        let seen = here.post(&format!("/me/sessions/ses_{id}/end"), &[]).await;
        assert_eq!(seen.status, 303);
        assert_eq!(there.get("/me").await.status, 401);
        there.post("/sign-in", &form).await;
        assert_eq!(here.post("/me/sessions/end-others", &[]).await.status, 303);
        assert_eq!(there.get("/me").await.status, 401);
        assert!(!here.get("/me").await.text.contains("End all others"));
    }
}

#[tokio::test]
async fn ones_account_leads_to_ones_identity_providers() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let seen = Browser::of(&house, &org.viewer).get("/me").await;
        assert!(seen.text.contains(r#"href="/me/providers""#), "{}", seen.text);
    }
}
