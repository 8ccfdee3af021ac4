//! Lists: filters, order, pages, and what of a resource is shown.

use serde_json::{Value, json};

use crate::house::{House, id, values};

async fn five(house: &House, token: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for (place, name) in ["eve", "Bob", "ada", "dan", "Cyd"].iter().enumerate() {
        let body = json!({
            "userName": format!("{name}@acme.example"), "externalId": format!("x{place}"),
            "title": if place < 2 { json!("Boss") } else { Value::Null },
            "emails": [{"value": format!("{name}@acme.example"), "type": "work"},
                       {"value": format!("{name}@home.example"), "type": "home"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"costCenter": format!("c{place}")},
        });
        let answer = house.ask(token, "POST", "/Users", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.push(id(&answer.body));
    }
    ids
}

fn encoded(filter: &str) -> String {
    base::page::filters::percent_encoded(filter)
}

#[tokio::test]
async fn filters_find_by_key_and_by_looking_through() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ids = five(&house, &token).await;
        let staff = house.group(&token, "Staff", &[&ids[2]]).await;
        house.group(&token, "Other", &[]).await;
        let operations = json!([{"op": "replace", "path": "active", "value": false}]);
        house.patch(&token, &format!("/Users/{}", ids[3]), operations).await;
        for (filter, places) in [
            (r#"userName eq "ADA@acme.example""#.to_owned(), vec![2]),
            (r#"externalId eq "x1" or externalId eq "x4""#.to_owned(), vec![1, 4]),
            (format!("id eq \"{}\" and title pr", ids[0]), vec![0]),
            (format!("id eq \"{}\" and title pr", ids[2]), vec![]),
            (r#"emails[type eq "home" and value sw "dan"]"#.to_owned(), vec![3]),
            (r#"emails.value eq "cyd@home.example""#.to_owned(), vec![4]),
            (r#"title eq "boss" and not (userName sw "eve")"#.to_owned(), vec![1]),
            ("active eq false".to_owned(), vec![3]),
            (r#"active eq "False""#.to_owned(), vec![3]),
            (format!("groups.value eq \"{staff}\""), vec![2]),
            (
                r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter eq "c4""#
                    .to_owned(),
                vec![4],
            ),
            (r#"meta.created ge "2026-01-01T00:00:00Z""#.to_owned(), vec![0, 1, 2, 3, 4]),
            (r#"userName eq "nobody@x.example""#.to_owned(), vec![]),
        ] {
            let list = house.get(&token, &format!("/Users?filter={}", encoded(&filter))).await;
            let expected: Vec<_> = places.iter().map(|place: &usize| ids[*place].clone()).collect();
            assert_eq!(values(&list.body["Resources"]), expected, "{filter}: {list:?}");
            assert_eq!(list.body["totalResults"], json!(expected.len()));
            let search =
                house.ask(&token, "POST", "/Users/.search", &json!({"filter": filter})).await;
            assert_eq!(search.body["Resources"], list.body["Resources"]);
        }
        for (filter, found) in [
            (format!("members.value eq \"{}\"", ids[2]), 1),
            (format!("displayName eq \"staff\" and members[value eq \"{}\"]", ids[2]), 1),
            (format!("members eq \"{}\"", ids[0]), 0),
            ("members pr".to_owned(), 1),
        ] {
            let list = house.get(&token, &format!("/Groups?filter={}", encoded(&filter))).await;
            assert_eq!(list.body["totalResults"], json!(found), "{filter}: {list:?}");
        }
        let both = json!({"filter": "userName sw \"ada\" or displayName eq \"Staff\""});
        let all = house.ask(&token, "POST", "/.search", &both).await;
        assert_eq!(values(&all.body["Resources"]), [ids[2].clone(), staff], "{all:?}");
        for filter in
            ["nonsense", "userName eq", "colour eq \"x\"", "emails[colour eq \"x\"]", "title pr )"]
        {
            let refused = house.get(&token, &format!("/Users?filter={}", encoded(filter))).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidFilter")));
        }
    }
}

#[tokio::test]
async fn lists_are_sorted_and_paged() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let ids = five(&house, &token).await;
        let group = house.group(&token, "Staff", &[]).await;
        let by =
            |places: &[usize]| places.iter().map(|place| ids[*place].clone()).collect::<Vec<_>>();
        for (query, places) in [
            ("", vec![0, 1, 2, 3, 4]),
            ("sortBy=id&sortOrder=descending", vec![4, 3, 2, 1, 0]),
            ("sortBy=userName", vec![2, 1, 4, 3, 0]),
            ("sortBy=userName&sortOrder=descending&count=2", vec![0, 3]),
            ("sortBy=title&startIndex=2&count=2", vec![1, 2]),
            ("sortBy=emails.value&startIndex=5", vec![0]),
            ("startIndex=2&count=2", vec![1, 2]),
            ("startIndex=6", vec![]),
            ("startIndex=0&count=1", vec![0]),
            ("count=0", vec![]),
        ] {
            let list = house.get(&token, &format!("/Users?{query}")).await;
            assert_eq!(values(&list.body["Resources"]), by(&places), "{query}: {list:?}");
            assert_eq!(list.body["totalResults"], json!(5));
            assert_eq!(list.body["itemsPerPage"], json!(places.len()));
        }
        let search = json!({"startIndex": 5, "count": 2});
        let list = house.ask(&token, "POST", "/.search", &search).await;
        assert_eq!(values(&list.body["Resources"]), [ids[4].clone(), group]);
        assert_eq!(list.body["totalResults"], json!(6));
        for query in ["sortBy=colour", "count=x", "startIndex=1.5"] {
            let refused = house.get(&token, &format!("/Users?{query}")).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));
        }
    }
}

#[tokio::test]
async fn an_answer_shows_what_was_asked_for_whatever_was_done() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let body =
            json!({"userName": "ada", "title": "x", "name": {"givenName": "A", "familyName": "L"}});
        let made = house.ask(&token, "POST", "/Users?attributes=userName", &body).await;
        let ada = id(&made.body);
        let keys =
            |body: &Value| body.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&made.body), ["schemas", "id", "userName"]);
        let read =
            house.get(&token, &format!("/Users/{ada}?attributes=name.givenName,TITLE")).await;
        assert_eq!(read.body["name"], json!({"givenName": "A"}));
        assert_eq!(read.body["title"], json!("x"));
        let list = house.get(&token, "/Users?excludedAttributes=name,meta,id").await;
        assert_eq!(
            keys(&list.body["Resources"][0]),
            ["schemas", "id", "userName", "title", "active"]
        );
    }
}

#[tokio::test]
async fn what_the_service_can_is_said_by_itself() {
    for house in House::on_each_engine().await {
        let org = house.org().await;
        let (_, token) = house.directory(&org, "Okta").await;
        let config = house.get(&token, "/ServiceProviderConfig").await.body;
        assert_eq!(
            config["bulk"],
            json!({"supported": true, "maxOperations": 100, "maxPayloadSize": 1_048_576})
        );
        let types = house.get(&token, "/ResourceTypes").await.body;
        assert_eq!(types["totalResults"], json!(2));
        let user = house
            .get(&token, "/Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser")
            .await;
        assert_eq!((user.status, &user.body["name"]), (200, &json!("User")));
        for (method, path, status) in [
            ("GET", "/Schemas/x", 404),
            ("POST", "/Schemas", 405),
            ("DELETE", "/Users", 405),
            ("GET", "/Bulk", 405),
            ("GET", "/Users/.search", 405),
            ("GET", "/Me", 501),
            ("GET", "/nowhere", 404),
            ("GET", "", 404),
            ("GET", "/Users/a/b", 404),
            ("GET", "/Users/%00", 404),
        ] {
            let answer = house.get(&token, path).await;
            let answer = if method == "GET" {
                answer
            } else {
                house.ask(&token, method, path, &json!({})).await
            };
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(answer.body["status"], json!(status.to_string()));
        }
    }
}
