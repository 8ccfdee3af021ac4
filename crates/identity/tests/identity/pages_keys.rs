//! Pages of keys.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::House;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[tokio::test]
async fn a_key_is_made_on_a_page_shown_once_and_works() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::signed_in(&house, &org.member).await;
        let form = browser.get("/keys/new").await;
        assert_eq!(form.status, 200);
        assert!(form.text.contains("org:viewer") && !form.text.contains("org:admin"));
        assert!(!form.text.contains(r#"name="owner""#), "for others only with the right to it");
        let made = browser.post("/keys?once=1", &[("name", "<b>nightly</b>")]).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let key = made.between(r#"id="secret" tabindex="0">"#, "<").to_owned();
        assert_eq!(house.get(&key, "/api/session").await.0, 200);
        assert!(made.text.contains("https://ai.acme.example/v1/chat/completions"));
        assert_eq!(made.text.matches(&key).count(), 4, "by itself and in three languages");
        assert!(!made.text.contains("<b>nightly</b>"), "escaped");
        let id = made.between(r#"href="/keys/key_"#, "\"");
        for path in ["/keys".to_owned(), format!("/keys/key_{id}"), "/me".to_owned()] {
            let page = browser.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.text.contains(&key), "{path}");
        }
        assert!(browser.get("/keys").await.text.contains("&#60;b&#62;nightly"));
        assert_eq!(browser.get("/keys?of=all").await.status, 403);
        let theirs = house.get(&org.owner.key, "/api/keys").await.1;
        let path = format!("/keys/{}", text(&theirs["items"][0]["id"]));
        assert_eq!(browser.get(&path).await.status, 403);
        assert_eq!(browser.post(&format!("{path}/revoke"), &[]).await.status, 403);
    }
}

#[tokio::test]
async fn a_refused_key_keeps_what_was_typed_and_names_the_field() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::signed_in(&house, &org.member).await;
        let form = [
            ("name", "ci"),
            ("expires_at", "30"),
            ("roles", "org:viewer"),
            ("roles", "org:member"),
            ("models", "small\r\nlarge\r\n"),
            ("addresses", "192.0.2.7\nnonsense"),
        ];
        let seen = browser.post("/keys", &form).await;
        assert_eq!(seen.status, 422);
        for kept in [
            r#"value="ci""#,
            r#"<option value="30" selected>"#,
            r#"value="org:viewer" checked"#,
            "small\nlarge",
            "192.0.2.7\nnonsense",
            "`nonsense` is neither",
        ] {
            assert!(seen.text.contains(kept), "{kept} in {}", seen.text);
        }
        let seen = browser.post("/keys", &[("name", "x"), ("expires_at", "31")]).await;
        assert_eq!(seen.status, 422, "only what is offered");
        assert_eq!(browser.post("/keys", &[("name", "x"), ("extra", "y")]).await.status, 422);
        let owner = [("name", "x"), ("owner", &*org.owner.id)];
        assert_eq!(browser.post("/keys", &owner).await.status, 403, "no button, and no way");
        let form = [&form[..5], &[("addresses", "192.0.2.7\n")]].concat();
        let made = browser.post("/keys", &form).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let list = browser.get("/keys").await.text;
        for held in ["role Viewer and 1 more", "model small and 1 more", "from 192.0.2.7/32"] {
            assert!(list.contains(held), "{held} in {list}");
        }
    }
}

#[tokio::test]
async fn keys_are_rotated_and_revoked_on_their_page() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::signed_in(&house, &org.member).await;
        let list = browser.get("/keys").await;
        let path = format!("/keys/key_{}", list.between(r#"href="/keys/key_"#, "\""));
        assert_eq!(
            browser.post(&format!("{path}/rotate"), &[("grace_secs", "x")]).await.status,
            422
        );
        let made = browser.post(&format!("{path}/rotate"), &[("grace_secs", "3600")]).await;
        assert_eq!(made.status, 201);
        let key = made.between(r#"id="secret" tabindex="0">"#, "<").to_owned();
        assert_eq!(house.get(&key, "/api/session").await.0, 200);
        assert_eq!(house.get(&org.member.key, "/api/session").await.0, 200, "for an hour");
        let twice = browser.post(&format!("{path}/rotate"), &[("grace_secs", "0")]).await;
        assert_eq!(twice.status, 422);
        assert!(twice.text.contains("rotated already"), "{}", twice.text);
        let seen = browser.post(&format!("{path}/revoke"), &[]).await;
        assert_eq!((seen.status, seen.location()), (303, path.as_str()));
        assert_eq!(house.get(&org.member.key, "/api/session").await.0, 401);
        let page = browser.get(&path).await.text;
        assert!(page.contains("Revoked") && !page.contains("Rotate the key"), "{page}");
    }
}

#[tokio::test]
async fn administrators_see_all_keys_and_make_those_of_service_accounts() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "pipeline", "role": "org:member"});
        let (_, service) = house.ask(&org.admin.key, "POST", "/api/services", body).await;
        let service = text(&service["id"]);
        let mut browser = Browser::of(&house, &org.admin);
        let form = browser.get("/keys/new").await.text;
        assert!(form.contains("pipeline (service account)") && form.contains("org:owner"));
        let made = browser.post("/keys", &[("name", "ci"), ("owner", service)]).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert!(made.text.contains("This key acts as pipeline."));
        let all = browser.get("/keys?of=all").await;
        for owner in ["owner", "admin", "member", "viewer", "pipeline"] {
            assert!(all.text.contains(&format!(">{owner}</a>")), "{owner}");
        }
        let one = browser.get(&format!("/keys?owner={service}")).await.text;
        assert!(one.contains("Of pipeline") && !one.contains(&*org.viewer.id), "{one}");
        let id = made.between(r#"href="/keys/key_"#, "\"");
        let page = browser.get(&format!("/keys/key_{id}")).await.text;
        assert!(page.contains("Rotate the key") && page.contains("Revoke the key"));
        let theirs = house.get(&org.owner.key, "/api/keys").await.1;
        let page = browser.get(&format!("/keys/{}", text(&theirs["items"][0]["id"]))).await.text;
        assert!(!page.contains("Rotate the key") && page.contains("Revoke the key"));
        assert_eq!(browser.get("/keys/key_01KDVD8PR0M4TBPEWS8N4QDTEK").await.status, 404);
        assert_eq!(browser.get("/keys/nonsense").await.status, 404);
    }
}
