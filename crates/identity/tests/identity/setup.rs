//! A link with which the org's IT connects its identity provider.

use crate::browser::Browser;
use crate::house::House;

/// Makes a link on its page, and gives the path that it leads to.
async fn link(admin: &mut Browser<'_>) -> String {
    let made = admin.post("/setup-links", &[("days", "7")]).await;
    assert_eq!(made.status, 201, "{}", made.text);
    format!("/setup?token={}", made.between("/setup?token=", "<"))
}

fn token(path: &str) -> &str {
    path.split_once('=').expect("a token").1
}

#[tokio::test]
async fn a_setup_link_opens_single_sign_on_alone_for_one_browser() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut admin = Browser::of(&house, &org.admin);
        let path = link(&mut admin).await;
        let mut guest = Browser::new(&house);
        let offered = guest.get(&path).await;
        assert!(offered.status == 200 && offered.text.contains("Begin"), "{}", offered.text);
        assert_eq!(guest.get("/setup-links").await.status, 401, "looking opens nothing");
        let begun = guest.post("/setup", &[("token", token(&path))]).await;
        assert_eq!((begun.status, begun.location()), (303, "/connections"), "{}", begun.text);
        assert_eq!(guest.get("/setup-links").await.status, 200);
        for closed in ["/members", "/keys", "/settings", "/grants", "/roles"] {
            let refused = guest.get(closed).await.status;
            assert_eq!(refused, 403, "{closed}");
        }
        let second = Browser::new(&house).post("/setup", &[("token", token(&path))]).await;
        assert_eq!(second.status, 410, "{}", second.text);
    }
}

#[tokio::test]
async fn a_setup_link_ends_with_its_time_its_maker_and_at_a_word() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut owner = Browser::of(&house, &org.owner);
        let mut admin = Browser::of(&house, &org.admin);
        let mut guests = Vec::new();
        for maker in [&mut owner, &mut admin] {
            let path = link(maker).await;
            let mut guest = Browser::new(&house);
            assert_eq!(guest.post("/setup", &[("token", token(&path))]).await.status, 303);
            guests.push(guest);
            house.clock.advance(jiff::SignedDuration::from_secs(1));
        }
        let [of_owner, of_admin] = guests.as_mut_slice() else { panic!("two") };
        // Whoever made it loses what it opens.
        let suspended = serde_json::json!({"state": "suspended"});
        let member = format!("/api/members/{}", org.admin.id);
        assert_eq!(house.ask(&org.owner.key, "PATCH", &member, suspended).await.0, 200);
        assert_eq!(of_admin.get("/setup-links").await.status, 401);
        assert_eq!(of_owner.get("/setup-links").await.status, 200);
        let page = owner.get("/setup-links").await;
        // The newest comes first: that of the administrator.
        let ends: Vec<_> = page.text.split("/setup-links/stp_").skip(1).collect();
        let id = ends.last().and_then(|rest| rest.split('/').next()).expect("a link");
        assert_eq!(owner.post(&format!("/setup-links/stp_{id}/end"), &[]).await.status, 303);
        assert_eq!(of_owner.get("/setup-links").await.status, 401);

        let path = link(&mut owner).await;
        house.clock.advance(jiff::SignedDuration::from_hours(24 * 7));
        assert_eq!(Browser::new(&house).get(&path).await.status, 410);
        for (action, times) in [("offered", 3), ("begun", 2), ("ended", 1)] {
            let told = house.events(&org, &format!("identity.setup.{action}")).await;
            assert_eq!(told.len(), times, "{action}");
        }
    }
}

#[tokio::test]
async fn a_setup_link_is_used_from_where_the_orgs_people_may_be() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut admin = Browser::of(&house, &org.admin);
        let path = link(&mut admin).await;
        let only = serde_json::json!({"console_addresses": ["192.0.2.0/24"]});
        let (here, elsewhere) = (Some("192.0.2.7"), Some("198.51.100.1"));
        let settings = "/api/org/settings";
        let narrowed = house.ask_from(&org.owner.key, here, "PATCH", settings, only).await;
        assert_eq!(narrowed.status, 200, "{}", narrowed.text);
        let form = serde_json::Value::String(format!("token={}", token(&path)));
        let open_it =
            async |from| house.ask_from("nothing=yet", from, "POST", "/setup", form.clone()).await;
        assert_eq!(open_it(elsewhere).await.status, 403);
        let opened = open_it(here).await;
        assert_eq!(opened.status, 303, "{}", opened.text);
        let (guest, page) = (opened.cookie(), "/setup-links");
        let ask = async |from| {
            house.ask_from(&guest, from, "GET", page, serde_json::Value::Null).await.status
        };
        assert_eq!((ask(elsewhere).await, ask(here).await), (403, 200));
    }
}
