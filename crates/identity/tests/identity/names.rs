//! Finding people, and what people and things are called.

use access::{Caller, Permission};
use axum::http::{HeaderMap, Method};
use identity::Viewer;
use serde_json::{Value, json};

use crate::house::{House, Org, Somebody};

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn caller(house: &House, who: &Somebody) -> Caller {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", who.key.parse().expect("a header"));
    let origin = access::Origin::default();
    house.identity.identify(&Method::GET, &headers, origin).await.expect("known")
}

async fn found(house: &House, org: &Org, query: &str) -> Vec<String> {
    let (status, page) = house.get(&org.admin.key, &format!("/api/members?q={query}")).await;
    assert_eq!(status, 200, "{page}");
    let items = page["items"].as_array().expect("a list").iter();
    items.map(|member| text(&member["name"]).to_owned()).collect()
}

#[tokio::test]
async fn members_are_found_by_a_part_of_their_name_or_address() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for (name, email) in [
            ("Ingrid Petersen", "ip@acme.example"),
            ("Østen 100% Åse", "oa_se@acme.example"),
            ("Ola", "ola.petersen@acme.example"),
        ] {
            let new = identity::NewMember {
                email: email.to_owned(),
                name: name.to_owned(),
                role: "org:viewer".to_owned(),
                password: None,
            };
            house.clock.advance(jiff::SignedDuration::from_secs(1));
            house.identity.add_member(&org.operator, &new).await.expect("added");
        }
        assert_eq!(found(&house, &org, "PETERSEN").await, ["Ingrid Petersen", "Ola"]);
        assert_eq!(found(&house, &org, "ingrid").await, ["Ingrid Petersen"]);
        assert_eq!(found(&house, &org, "%C3%98sten").await, ["Østen 100% Åse"]);
        assert_eq!(found(&house, &org, "100%25").await, ["Østen 100% Åse"], "as it stands");
        assert_eq!(found(&house, &org, "oa_s").await, ["Østen 100% Åse"]);
        assert_eq!(found(&house, &org, "in_rid").await, Vec::<String>::new());
        assert_eq!(found(&house, &org, "!").await, Vec::<String>::new());
        assert_eq!(found(&house, &org, "").await.len(), 7, "everybody");
        let (_, first) = house.get(&org.admin.key, "/api/members?q=petersen&limit=1").await;
        let next = format!("/api/members?q=petersen&limit=1&after={}", text(&first["next"]));
        let (_, second) = house.get(&org.admin.key, &next).await;
        assert_eq!(text(&second["items"][0]["name"]), "Ola");
        assert!(second["next"].is_null(), "{second}");
        let long = format!("/api/members?q={}", "x".repeat(121));
        let (status, problem) = house.get(&org.admin.key, &long).await;
        assert_eq!((status, text(&problem["param"])), (422, "q"));
    }
}

#[tokio::test]
async fn every_page_knows_whose_it_is_without_the_database() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let (member, admin) = (caller(&house, &org.member).await, caller(&house, &org.admin).await);
        let rename = json!({"name": "Vera Vogel"});
        assert_eq!(house.ask(&org.member.key, "PATCH", "/api/me", rename).await.0, 200);
        house.bench.db.close().await;
        let viewer = Viewer {
            name: "Vera Vogel".to_owned(),
            email: Some(org.member.email.clone()),
            org_name: "ACME".to_owned(),
            org_slug: "acme".to_owned(),
            region: access::Region::Eu,
        };
        assert_eq!(house.identity.viewer(&member).await.expect("known"), viewer);
        let operator = house.identity.viewer(&org.operator).await.expect("known");
        assert_eq!((operator.name.as_str(), operator.email), ("test", None));
        let whom = async |caller: &Caller, permission| {
            house.identity.helpers_for(caller, permission).await.expect("known")
        };
        assert_eq!(whom(&member, Permission::UsersRead).await, ["admin", "owner"]);
        assert_eq!(whom(&member, Permission::EventsRead).await, ["owner"]);
        assert_eq!(whom(&admin, Permission::SettingsUpdate).await, ["owner"], "not oneself");
    }
}

#[tokio::test]
async fn ids_have_names_also_when_what_they_named_is_gone() {
    for house in House::on_each_engine().await {
        let (org, other) = (house.org("acme").await, house.org("other").await);
        let admin = &org.admin.key;
        let (_, team) = house.ask(admin, "POST", "/api/teams", json!({"name": "Support"})).await;
        let body = json!({"name": "nightly", "role": "org:member"});
        let (_, service) = house.ask(admin, "POST", "/api/services", body).await;
        let (_, key) = house.ask(admin, "POST", "/api/keys", json!({"name": "ci"})).await;
        let ids = [
            text(&team["id"]),
            text(&service["id"]),
            text(&key["id"]),
            &org.viewer.id,
            &other.viewer.id,
            "nonsense",
            "mem_nonsense",
        ];
        let me = caller(&house, &org.member).await;
        let names = async || house.identity.names(&me, &ids).await.expect("reads");
        let before = names().await;
        assert_eq!(before.len(), 4, "{before:?}");
        for (id, name) in ids.iter().zip(["Support", "nightly", "ci", "viewer"]) {
            assert_eq!(before[*id], name);
        }
        for path in [
            format!("/api/members/{}", org.viewer.id),
            format!("/api/services/{}", text(&service["id"])),
        ] {
            assert_eq!(house.ask(&org.owner.key, "DELETE", &path, Value::Null).await.0, 204);
        }
        assert_eq!(names().await, before, "the record still names them");
    }
}
