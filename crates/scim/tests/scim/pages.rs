//! Directories in the console.

use serde_json::Value;

use crate::house::{House, id};

#[tokio::test]
async fn a_directory_is_connected_on_a_page_that_shows_its_token_once() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let key = house.key(&org.operator, org.owner.id.as_str()).await;
        let get = async |path: &str| house.ours(&key, "GET", path, Value::Null).await;
        let post =
            async |path: &str, body: &str| house.ours(&key, "POST", path, Value::from(body)).await;
        let (status, empty) = get("/directories").await;
        assert_eq!(status, 200);
        assert!(
            empty.contains("No directories yet")
                && empty.contains("http://portico.example/scim/v2")
        );
        assert!(!empty.contains("org:owner"), "nobody is offered to make owners");
        let (status, wrong) = post("/directories", "name=&role=org%3Amember&mapping=Staff").await;
        assert_eq!(status, 422);
        assert!(wrong.contains("aria-invalid") && wrong.contains("Staff</textarea>"), "{wrong}");
        let body = "name=%3Cb%3EOkta&role=org%3Amember&mapping=Staff+%3D+org%3Aviewer";
        let (status, made) = post("/directories", body).await;
        assert_eq!(status, 201, "{made}");
        let token = made.split("id=\"secret\" tabindex=\"0\">").nth(1).expect("a token");
        let token = token.split('<').next().expect("a token").to_owned();
        assert_eq!(house.get(&token, "/Users").await.status, 200);
        house.get(&token, "/Users?filter=nonsense").await;
        let (_, list) = get("/directories").await;
        assert!(
            list.contains("&#60;b&#62;Okta") && !list.contains("<b>Okta") && !list.contains(&token)
        );
        let directory = house.scim.directories(&org.operator, None, None).await.expect("reads");
        let path = format!("/directories/{}", directory.items[0].id);
        let (status, page) = get(&path).await;
        assert_eq!(status, 200);
        assert!(page.contains("Staff = org:viewer") && page.contains("GET Users"), "{page}");
        assert!(page.contains("the filter cannot be understood") && !page.contains(&token));
        let (status, _) = post(&path, "name=Okta&role=org%3Aviewer&mapping=").await;
        assert_eq!(status, 303);
        house.clock.advance(jiff::SignedDuration::from_secs(1));
        let (status, second) = post(&format!("{path}/token"), "").await;
        assert_eq!(status, 201);
        assert!(second.contains("goes on working until you end it"));
        let tokens = house.scim.tokens(&org.operator, &directory.items[0].id).await.expect("reads");
        let (status, _) = post(&format!("{path}/token/{}/end", tokens[1].id), "").await;
        assert_eq!(status, 303);
        assert_eq!(house.get(&token, "/Users").await.status, 401);
        let (status, _) = post(&format!("{path}/remove"), "").await;
        assert_eq!(status, 303);
        assert_eq!(get(&path).await.0, 404);
    }
}

#[tokio::test]
async fn who_may_not_connect_directories_sees_none() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        house.directory(&org, "Okta").await;
        let member = house.member(&org.operator, "m@acme.example", "org:member").await;
        let key = house.key(&org.operator, member.id.as_str()).await;
        let (directory, token) = house.directory(&org, "Entra").await;
        house.user(&token, "ada").await;
        for path in [
            "/directories".to_owned(),
            format!("/directories/{}", directory.id),
            "/api/directories".to_owned(),
            format!("/api/directories/{}/requests", directory.id),
        ] {
            let (status, _) = house.ours(&key, "GET", &path, Value::Null).await;
            assert_eq!(status, 403, "{path}");
        }
        let list = house.get(&token, "/Users").await.body;
        assert!(!id(&list["Resources"][0]).is_empty());
    }
}
