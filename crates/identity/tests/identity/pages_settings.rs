//! Pages of settings.

use crate::browser::Browser;
use crate::house::House;

#[tokio::test]
async fn the_org_is_renamed_on_a_page_by_those_who_may() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.admin);
        let page = browser.get("/settings").await;
        assert_eq!(page.status, 200);
        for shown in ["ACME", org.id.as_str(), "kept in this region"] {
            assert!(page.text.contains(shown), "{shown}");
        }
        let seen = browser.post("/settings/name", &[("name", " ")]).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("Name must have 1 to 120 characters"), "{}", seen.text);
        let seen = browser.post("/settings/name", &[("name", "Acme & <i>Sons</i>")]).await;
        assert_eq!((seen.status, seen.location()), (303, "/settings"));
        let page = browser.get("/settings").await.text;
        assert!(page.contains("Acme &#38; &#60;i&#62;Sons") && !page.contains("<i>Sons"), "{page}");
        let mut member = Browser::of(&house, &org.member);
        for path in ["/settings", "/settings/access"] {
            assert_eq!(member.get(path).await.status, 403);
        }
        assert_eq!(member.post("/settings/name", &[("name", "x")]).await.status, 403);
        assert_eq!(member.post("/settings/access", &[]).await.status, 403);
    }
}

#[tokio::test]
async fn access_rules_are_changed_on_a_page_that_keeps_what_was_typed() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut browser = Browser::of(&house, &org.owner);
        let page = browser.get("/settings/access").await.text;
        assert!(page.contains("12 hours, as the operator decided") && page.contains("192.0.2.7"));
        let mut form = vec![
            ("session_lifetime_secs", "3600"),
            ("session_idle_secs", ""),
            ("console_addresses", "198.51.100.0/24\nnonsense"),
            ("key_addresses", ""),
        ];
        let seen = browser.post("/settings/access", &form).await;
        assert_eq!(seen.status, 422);
        for kept in [
            "198.51.100.0/24\nnonsense",
            r#"<option value="3600" selected>"#,
            "`nonsense` is neither",
        ] {
            assert!(seen.text.contains(kept), "{kept} in {}", seen.text);
        }
        form[2] = ("console_addresses", "198.51.100.0/24");
        let seen = browser.post("/settings/access", &form).await;
        assert_eq!(seen.status, 422);
        assert!(seen.text.contains("must hold your own address, 192.0.2.7"), "{}", seen.text);
        form[2] = ("console_addresses", "198.51.100.0/24\r\n192.0.2.7\r\n");
        let seen = browser.post("/settings/access", &form).await;
        assert_eq!((seen.status, seen.location()), (303, "/settings/access"), "{}", seen.text);
        let page = browser.get("/settings/access").await.text;
        assert!(page.contains("198.51.100.0/24\n192.0.2.7/32"), "{page}");
        let empty: Vec<_> = form.iter().map(|(name, _)| (*name, "")).collect();
        assert_eq!(browser.post("/settings/access", &empty).await.status, 303);
        let (_, settings) = house.get(&org.owner.key, "/api/org/settings").await;
        assert!(settings["console_addresses"].is_null(), "{settings}");
        let choice = [("when_unrecorded", "journal")];
        assert_eq!(browser.post("/settings/access", &choice).await.status, 303);
        let page = browser.get("/settings/access").await.text;
        assert!(page.contains(r#"<option value="journal" selected>"#), "{page}");
        let wrong = [("when_unrecorded", "forget")];
        assert_eq!(browser.post("/settings/access", &wrong).await.status, 422);
        let wrong = [("session_idle_secs", "soon")];
        assert_eq!(browser.post("/settings/access", &wrong).await.status, 422);
    }
}
