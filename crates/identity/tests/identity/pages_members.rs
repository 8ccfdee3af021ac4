//! Pages of members.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::house::{House, Org, Somebody};

fn page(who: &Somebody) -> String {
    format!("/members/{}", who.id)
}

type Form = Vec<(&'static str, String)>;

/// Every page about people, and everything that they post.
fn all(org: &Org) -> (Vec<String>, Vec<(String, Form)>) {
    let (member, admin) = (page(&org.member), org.admin.id.clone());
    let get = ["/members", "/teams", "/services", "/roles", "/grants", &member];
    let form = |fields: &[(&'static str, &str)]| {
        fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    let post = vec![
        ("/members".to_owned(), form(&[("email", "a@b.example"), ("role", "org:viewer")])),
        (member.clone(), form(&[("name", "Other")])),
        (format!("{member}/suspend"), form(&[])),
        (format!("{member}/reactivate"), form(&[])),
        (format!("{member}/remove"), form(&[])),
        (format!("{member}/password-link"), form(&[])),
        (format!("{member}/sign-out"), form(&[])),
        ("/teams".to_owned(), form(&[("name", "Support")])),
        ("/services".to_owned(), form(&[("name", "Bot"), ("role", "org:viewer")])),
        ("/roles".to_owned(), form(&[("name", "auditor"), ("permissions", "users:read")])),
        ("/roles/auditor".to_owned(), form(&[("permissions", "users:read")])),
        ("/roles/auditor/remove".to_owned(), form(&[])),
        ("/grants".to_owned(), form(&[("subject", &admin), ("role", "org:viewer")])),
    ];
    (get.map(str::to_owned).to_vec(), post)
}

#[tokio::test]
async fn who_may_not_see_people_is_refused_every_page_about_them() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for who in [&org.viewer, &org.member] {
            let mut browser = Browser::of(&house, who);
            let (get, post) = all(&org);
            for path in get {
                assert_eq!(browser.get(&path).await.status, 403, "{path}");
            }
            for (path, form) in post {
                let form: Vec<_> = form.iter().map(|(name, value)| (*name, &**value)).collect();
                assert_eq!(browser.post(&path, &form).await.status, 403, "{path}");
            }
        }
        let (_, members) = house.get(&org.admin.key, "/api/members").await;
        assert_eq!(members["items"].as_array().expect("a list").len(), 4);
    }
}

#[tokio::test]
async fn who_only_sees_people_sees_no_form_that_changes_them() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let body = json!({"name": "auditor", "permissions": ["users:read"]});
        assert_eq!(house.ask(&org.owner.key, "POST", "/api/roles", body).await.0, 201);
        let body = json!({"name": "Support"});
        let (_, team) = house.ask(&org.owner.key, "POST", "/api/teams", body).await;
        let body = json!({"name": "Bot", "role": "org:viewer"});
        let (_, service) = house.ask(&org.owner.key, "POST", "/api/services", body).await;
        let member = format!("/api/members/{}", org.viewer.id);
        let body = json!({"role": "auditor"});
        assert_eq!(house.ask(&org.owner.key, "PATCH", &member, body).await.0, 200);
        let mut browser = Browser::of(&house, &org.viewer);
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let more = [format!("/teams/{}", id(&team)), format!("/services/{}", id(&service))];
        let (mut paths, _) = all(&org);
        paths.extend(more);
        paths.push("/roles/auditor".to_owned());
        for path in paths {
            let seen = browser.get(&path).await;
            assert_eq!(seen.status, 200, "{path}: {}", seen.text);
            assert!(!seen.text.contains(r#"method="post""#), "{path}: {}", seen.text);
        }
    }
}

#[tokio::test]
async fn somebody_is_invited_on_a_page_and_joins_with_the_link() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let form = [("email", "Ingrid@acme.example"), ("role", "org:member")];
        let seen = browser.post("/members?once=1", &form).await;
        assert_eq!(seen.status, 201, "{}", seen.text);
        let link = seen.between(r#"id="secret" tabindex="0">"#, "<").to_owned();
        let token = link.strip_prefix("https://ai.acme.example/join?token=").expect("a link");
        assert!(seen.text.contains("Send it yourself to ingrid@acme.example"));
        let list = browser.get("/members?q=INGRID").await;
        assert!(list.text.contains(">ingrid@acme.example</a>") && !list.text.contains(token));
        assert!(list.text.contains(r#"<span class="badge info">Invited</span>"#));
        assert!(!list.text.contains(">viewer</a>"), "only who was searched for");
        let body = json!({"token": token, "name": "Ingrid", "password": "long enough for all"});
        let (status, _, joined) = house.send("POST", "/api/invitations/accept", &[], body).await;
        assert_eq!((status, &joined["role"]), (201, &json!("org:member")));
        let found = browser.get("/members?q=nobody-at-all").await;
        assert!(found.text.contains("Nobody found"));
    }
}

#[tokio::test]
async fn a_refused_invitation_keeps_what_was_typed_and_names_the_field() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let form = [("email", "in\"grid"), ("role", "org:viewer")];
        let seen = browser.post("/members", &form).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains(r#"value="in&#34;grid""#), "{}", seen.text);
        assert!(seen.text.contains(r#"<option value="org:viewer" selected>"#));
        assert!(seen.text.contains("E-mail address must be an e-mail address"));
        let form = [("email", &*org.viewer.email), ("role", "org:viewer")];
        let seen = browser.post("/members", &form).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("There is already a member of this name."));
        let seen = browser.post("/members", &[("email", "a@b.example"), ("role", "none")]).await;
        assert!(seen.status == 422 && seen.text.contains("Role names no role of this org"));
    }
}

#[tokio::test]
async fn an_admin_sees_no_button_that_would_make_an_owner() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let offer = r#"<option value="org:owner""#;
        let of_member = page(&org.member);
        let paths = ["/members", "/services", "/grants", of_member.as_str()];
        for path in paths {
            let seen = Browser::of(&house, &org.admin).get(path).await;
            assert!(seen.text.contains(r#"<option value="org:admin""#), "{path}");
            assert!(!seen.text.contains(offer), "{path}");
            let seen = Browser::of(&house, &org.owner).get(path).await;
            assert!(seen.text.contains(offer), "{path}");
        }
        let mut admin = Browser::of(&house, &org.admin);
        let role = [("name", "member"), ("role", "org:owner")];
        assert_eq!(admin.post(&of_member, &role).await.status, 403);
        let form = [("email", "a@b.example"), ("role", "org:owner")];
        assert_eq!(admin.post("/members", &form).await.status, 403);
        let of_owner = page(&org.owner);
        let seen = admin.get(&of_owner).await;
        assert!(seen.text.contains("permits what you do not have yourself"));
        for verb in ["suspend", "remove", "password-link", "sign-out"] {
            assert!(!seen.text.contains(&format!("{of_owner}/{verb}")), "{verb}");
            let answer = admin.post(&format!("{of_owner}/{verb}"), &[]).await;
            // The last owner stays, whoever asks: that is looked at first.
            let refused = if verb == "remove" { 422 } else { 403 };
            assert_eq!(answer.status, refused, "{verb}");
        }
        assert!(!seen.text.contains(r#"name="role""#));
        let own = admin.get(&page(&org.admin)).await;
        assert!(own.text.contains("Nobody changes their own role or state"));
        assert!(!own.text.contains("/suspend") && !own.text.contains(r#"name="role""#));
    }
}

#[tokio::test]
async fn a_member_is_changed_suspended_and_removed_on_their_page() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let path = page(&org.viewer);
        let form = [("name", "Vera"), ("role", "org:member")];
        let seen = browser.post(&path, &form).await;
        assert_eq!((seen.status, seen.location()), (303, path.as_str()), "{}", seen.text);
        let seen = browser.get(&path).await;
        assert!(seen.text.contains("<h1>Vera</h1>"));
        assert!(seen.text.contains(r#"<option value="org:member" selected>"#));
        let seen = browser.post(&path, &[("name", " "), ("role", "org:viewer")]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("Name must have 1 to 120 characters"));
        assert!(seen.text.contains(r#"<option value="org:viewer" selected>"#), "kept");
        assert_eq!(browser.post(&format!("{path}/suspend"), &[]).await.status, 303);
        assert_eq!(house.get(&org.viewer.key, "/api/session").await.0, 401);
        let seen = browser.get(&path).await;
        assert!(seen.text.contains("Make active again") && !seen.text.contains("/suspend"));
        assert_eq!(browser.post(&format!("{path}/reactivate"), &[]).await.status, 303);
        assert_eq!(house.get(&org.viewer.key, "/api/session").await.0, 200);
        let seen = browser.post(&format!("{path}/remove"), &[]).await;
        assert_eq!((seen.status, seen.location()), (303, "/members"));
        assert_eq!(browser.get(&path).await.status, 404);
        assert_eq!(house.events(&org, "identity.member.removed").await.len(), 1);
    }
}

#[tokio::test]
async fn a_forgotten_password_is_mended_with_a_link_and_sessions_end() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut member = Browser::signed_in(&house, &org.member).await;
        let mut browser = Browser::of(&house, &org.admin);
        let path = page(&org.member);
        let seen = browser.get(&path).await;
        assert!(seen.text.contains("Firefox") && seen.text.contains("192.0.2.7"), "the session");
        let seen = browser.post(&format!("{path}/sign-out"), &[]).await;
        assert_eq!(seen.status, 303);
        assert_eq!(member.get("/me").await.status, 401);
        assert!(browser.get(&path).await.text.contains("Not signed in anywhere"));
        let seen = browser.post(&format!("{path}/password-link"), &[]).await;
        assert_eq!(seen.status, 201, "{}", seen.text);
        let link = seen.between(r#"id="secret" tabindex="0">"#, "<").to_owned();
        let token = link.strip_prefix("https://ai.acme.example/reset?token=").expect("a link");
        let body = json!({"token": token, "password": "a new one that is long"});
        let (status, _, _) = house.send("POST", "/api/password/reset", &[], body).await;
        assert!(status < 300, "{status}");
    }
}

#[tokio::test]
async fn a_script_in_a_name_is_shown_and_never_run() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let script = "<script>alert(1)</script>\"'&";
        let owner = &org.owner.key;
        let post = async |path: &str, body: Value| {
            let (status, made) = house.ask(owner, "POST", path, body).await;
            assert_eq!(status, 201, "{made}");
            made["id"].as_str().expect("an id").to_owned()
        };
        let path = format!("/api/members/{}", org.viewer.id);
        assert_eq!(house.ask(owner, "PATCH", &path, json!({"name": script})).await.0, 200);
        let team = post("/api/teams", json!({"name": script})).await;
        let service = post("/api/services", json!({"name": script, "role": "org:viewer"})).await;
        let key = post("/api/keys", json!({"name": script, "owner": service})).await;
        let on = json!({"kind": "model", "id": script});
        for subject in [&org.viewer.id, &team, &service, &key] {
            let body = json!({"subject": subject, "role": "org:member", "resource": on});
            post("/api/grants", body).await;
        }
        let join = format!("/api/teams/{team}/members/{}", org.viewer.id);
        assert_eq!(house.ask(owner, "PUT", &join, Value::Null).await.0, 204);
        let mut browser = Browser::of(&house, &org.owner);
        let why = |who: &str| format!("/access?subject={who}&permission=patterns:create");
        for path in [
            "/members".to_owned(),
            page(&org.viewer),
            "/teams".to_owned(),
            format!("/teams/{team}"),
            "/services".to_owned(),
            format!("/services/{service}"),
            "/grants".to_owned(),
            format!("/grants?subject={key}"),
            why(&org.viewer.id),
            why(&team),
            why(&service),
            why(&key),
            "/members?q=%3Cscript%3Ealert(1)".to_owned(),
            "/members?q=%22%3E%3Cscript%3E".to_owned(),
            "/access?find=%22%3E%3Cscript%3E&resource.id=%22%3E%3Cscript%3E".to_owned(),
        ] {
            let seen = browser.get(&path).await;
            assert_eq!(seen.status, 200, "{path}: {}", seen.text);
            assert!(!seen.text.contains("<script"), "{path}: {}", seen.text);
            assert!(seen.text.contains("&#60;script&#62;"), "{path}");
        }
    }
}

#[tokio::test]
async fn pages_of_another_org_are_not_found() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.org("acme").await, house.org("globex").await);
        let mut paths = vec![page(&theirs.member)];
        let key = &theirs.owner.key;
        let made = [
            ("teams", json!({"name": "Support"})),
            ("services", json!({"name": "Bot", "role": "org:viewer"})),
            ("roles", json!({"name": "auditor", "permissions": ["users:read"]})),
        ];
        for (noun, body) in made {
            let (_, made) = house.ask(key, "POST", &format!("/api/{noun}"), body).await;
            let id = made["id"].as_str().or(made["name"].as_str()).expect("an id");
            paths.push(format!("/{noun}/{id}"));
        }
        let mut browser = Browser::of(&house, &ours.owner);
        for path in paths {
            assert_eq!(browser.get(&path).await.status, 404, "{path}");
            assert_eq!(browser.post(&format!("{path}/remove"), &[]).await.status, 404, "{path}");
        }
        let why = format!("/access?subject={}&permission=users:read", theirs.member.id);
        assert_eq!(browser.get(&why).await.status, 404);
        for path in ["/members/mem_1", "/teams/nonsense", "/services/x", "/roles/org:owner"] {
            assert_eq!(browser.get(path).await.status, 404, "{path}");
        }
    }
}
