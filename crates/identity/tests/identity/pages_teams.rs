//! Pages of teams, service accounts and grants.

use serde_json::json;

use crate::browser::Browser;
use crate::house::House;

#[tokio::test]
async fn a_team_is_added_filled_renamed_and_deleted_on_pages() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        assert!(browser.get("/teams").await.text.contains("No teams yet"));
        let seen = browser.post("/teams", &[("name", "Support")]).await;
        assert_eq!(seen.status, 303, "{}", seen.text);
        let path = seen.location().to_owned();
        let seen = browser.post("/teams", &[("name", "Support")]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("There is already a team of this name."));
        assert!(seen.text.contains(r#"value="Support""#), "kept");
        let seen = browser.get(&format!("{path}?q=VIEW")).await;
        assert!(seen.text.contains("Put in viewer") && !seen.text.contains("Put in member"));
        let form = [("member", &*org.viewer.id)];
        assert_eq!(browser.post(&format!("{path}/join"), &form).await.status, 303);
        let seen = browser.get(&path).await;
        assert!(seen.text.contains("Take out viewer") && !seen.text.contains("Put in viewer"));
        let list = browser.get("/teams").await;
        assert!(list.text.contains(r#"<data class="num" value="1">1</data>"#), "{}", list.text);
        assert!(browser.get("/members").await.text.contains(">Support</a>"));
        assert_eq!(browser.post(&path, &[("name", "Help")]).await.status, 303);
        assert!(browser.get(&path).await.text.contains("<h1>Help</h1>"));
        let seen = browser.post(&path, &[("name", "")]).await;
        assert!(seen.status == 422 && seen.text.contains("Name must have 1 to 120 characters"));
        assert_eq!(browser.post(&format!("{path}/leave"), &form).await.status, 303);
        assert!(browser.get(&path).await.text.contains("Nobody yet"));
        assert_eq!(browser.post(&format!("{path}/leave"), &form).await.status, 404);
        assert_eq!(browser.post(&format!("{path}/join"), &[("member", "x")]).await.status, 404);
        let seen = browser.post(&format!("{path}/remove"), &[]).await;
        assert_eq!((seen.status, seen.location()), (303, "/teams"));
        assert_eq!(browser.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn nobody_is_offered_to_fill_a_team_that_gives_more_than_they_have() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "Owners"});
        let (_, team) = house.ask(&org.owner.key, "POST", "/api/teams", body).await;
        let id = team["id"].as_str().expect("an id");
        let body = json!({"subject": id, "role": "org:owner"});
        assert_eq!(house.ask(&org.owner.key, "POST", "/api/grants", body).await.0, 201);
        let mut admin = Browser::of(&house, &org.admin);
        let path = format!("/teams/{id}");
        let seen = admin.get(&path).await;
        assert!(seen.text.contains("gives what you do not have yourself"));
        assert!(!seen.text.contains("/join") && !seen.text.contains(&format!("{path}/remove")));
        let form = [("member", &*org.admin.id)];
        assert_eq!(admin.post(&format!("{path}/join"), &form).await.status, 403);
    }
}

#[tokio::test]
async fn a_service_account_is_added_changed_and_removed_on_pages() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        assert!(browser.get("/services").await.text.contains("No service accounts yet"));
        let seen = browser.post("/services", &[("name", ""), ("role", "org:viewer")]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains(r#"<option value="org:viewer" selected>"#), "kept");
        let seen = browser.post("/services", &[("name", "Bot"), ("role", "org:viewer")]).await;
        assert_eq!(seen.status, 303, "{}", seen.text);
        let path = seen.location().to_owned();
        let id = path.strip_prefix("/services/").expect("a page");
        let body = json!({"name": "nightly", "owner": id});
        assert_eq!(house.ask(&org.admin.key, "POST", "/api/keys", body).await.0, 201);
        let seen = browser.get(&path).await;
        assert!(
            seen.text.contains("nightly") && seen.text.contains(r#"badge ok">Active"#),
            "{}",
            seen.text
        );
        let seen = browser.post(&path, &[("name", "Robot"), ("role", "org:member")]).await;
        assert_eq!(seen.status, 303, "{}", seen.text);
        let seen = browser.get(&path).await;
        assert!(seen.text.contains("<h1>Robot</h1>"));
        assert!(seen.text.contains(r#"<option value="org:member" selected>"#));
        let seen = browser.post(&format!("{path}/remove"), &[]).await;
        assert_eq!((seen.status, seen.location()), (303, "/services"));
        assert_eq!(browser.get(&path).await.status, 404);
    }
}

#[tokio::test]
async fn a_role_is_given_on_one_pattern_and_taken_back_on_pages() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        assert!(browser.get("/grants").await.text.contains("No grants"));
        let form = [
            ("find", "view"),
            ("subject", &*org.viewer.id),
            ("role", "org:admin"),
            ("resource.kind", "pattern"),
            ("resource.id", ""),
        ];
        let seen = browser.post("/grants", &form).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("Pattern or model must have 1 to 120 characters"));
        for kept in [
            r#"value="view""#,
            r#"<option value="org:admin" selected>"#,
            r#"<option value="pattern" selected>"#,
            &format!(r#"<option value="{}" selected>"#, org.viewer.id),
        ] {
            assert!(seen.text.contains(kept), "{kept}: {}", seen.text);
        }
        let form = [
            ("subject", &*org.viewer.id),
            ("role", "org:admin"),
            ("resource.kind", "pattern"),
            ("resource.id", "pat_1"),
        ];
        let seen = browser.post("/grants", &form).await;
        assert_eq!(seen.status, 303, "{}", seen.text);
        assert_eq!(browser.post("/grants", &form).await.status, 422, "given already");
        let list = browser.get("/grants").await;
        assert!(
            list.text.contains(">viewer</a>") && list.text.contains(r#"href="/patterns/pat_1""#)
        );
        let id = list.between(r#"action="/grants/"#, "/remove").to_owned();
        let seen = browser.get(&format!("/members/{}", org.viewer.id)).await;
        let line = seen.between("patterns:publish</code>", "</tr>");
        assert!(line.contains("may on some") && line.contains("/patterns/pat_1"), "{line}");
        let line = seen.between("users:create</code>", "</tr>");
        assert!(line.contains("may not"), "nobody invites on one pattern: {line}");
        let form = [("of", &*org.viewer.id)];
        let seen = browser.post(&format!("/grants/{id}/remove"), &form).await;
        assert_eq!((seen.status, seen.location()), (303, &*format!("/members/{}", org.viewer.id)));
        assert_eq!(browser.post(&format!("/grants/{id}/remove"), &[]).await.status, 404);
    }
}

#[tokio::test]
async fn whoever_is_searched_for_is_offered_with_the_rest_of_the_form_kept() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let seen = browser.get("/grants?find=member@acme&role=org:admin&subject=").await;
        let first = format!(r#"<option value="{}" selected>"#, org.member.id);
        assert!(seen.text.contains(&first), "{}", seen.text);
        assert!(!seen.text.contains(&format!(r#"<option value="{}">"#, org.viewer.id)));
        assert!(seen.text.contains(r#"<option value="org:admin" selected>"#));
        let (_, keys) = house.get(&org.viewer.key, "/api/keys").await;
        let key = keys["items"][0]["id"].as_str().expect("an id");
        let seen = browser.get(&format!("/grants?find={key}")).await;
        assert!(seen.text.contains("laptop, a key of viewer"), "{}", seen.text);
    }
}
