//! The page of who is signed in.

use crate::browser::Browser;
use crate::house::House;

#[tokio::test]
async fn an_administrator_sees_who_is_signed_in_and_ends_it() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut member = Browser::signed_in(&house, &org.member).await;
        house.clock.advance(jiff::SignedDuration::from_secs(1));
        let mut twice = Browser::signed_in(&house, &org.member).await;
        let mut admin = Browser::of(&house, &org.admin);
        let seen = admin.get("/people/sessions").await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        assert!(seen.text.contains("Firefox on Linux") && seen.text.contains("192.0.2.7"));
        assert!(!seen.text.contains("Mozilla"), "in words");
        assert_eq!(seen.text.matches("End all sessions of").count(), 2);
        // The newest comes first: the second browser.
        let end = seen.between("action=\"/people/sessions/ses_", "\"").to_owned();
        let end = end.split('?').next().expect("a path");
        let done = admin.post(&format!("/people/sessions/ses_{end}"), &[]).await;
        assert_eq!((done.status, done.location()), (303, "/people/sessions"), "{}", done.text);
        assert_eq!((member.get("/me").await.status, twice.get("/me").await.status), (200, 401));
        let page = admin.get(&format!("/members/{}", org.member.id)).await;
        assert!(page.text.contains("Firefox on Linux") && !page.text.contains("Mozilla"));
        let form = [("member", org.member.id.as_str())];
        assert_eq!(admin.post("/people/sessions/end", &form).await.status, 303);
        assert_eq!(member.get("/me").await.status, 401);
        let empty = admin.get("/people/sessions").await;
        assert!(empty.text.contains("Nobody is signed in"));
    }
}

#[tokio::test]
async fn everything_is_ended_from_a_page_but_the_key_that_asks() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        let mut member = Browser::signed_in(&house, &org.member).await;
        let mut admin = Browser::of(&house, &org.admin);
        let nothing = admin.post("/people/sessions/revoke", &[]).await;
        assert_eq!(nothing.status, 422);
        assert!(nothing.text.contains("Choose what shall end"), "{}", nothing.text);
        let path = format!("/members/{}/revoke", org.viewer.id);
        assert_eq!(admin.post(&path, &[]).await.status, 303);
        assert_eq!(house.get(&org.viewer.key, "/api/session").await.0, 401);
        let form = [("what", "sessions"), ("what", "keys")];
        let done = admin.post("/people/sessions/revoke", &form).await;
        assert_eq!(done.status, 303, "{}", done.text);
        assert_eq!(member.get("/me").await.status, 401);
        assert_eq!(house.get(&org.owner.key, "/api/session").await.0, 401);
        assert_eq!(house.get(&org.admin.key, "/api/session").await.0, 200);
    }
}

#[tokio::test]
async fn who_may_not_end_sessions_does_not_see_them() {
    for house in House::on_each_engine().await {
        let org = house.org("acme").await;
        for who in [&org.viewer, &org.member] {
            let mut browser = Browser::of(&house, who);
            assert_eq!(browser.get("/people/sessions").await.status, 403);
            let form = [("what", "sessions")];
            assert_eq!(browser.post("/people/sessions/revoke", &form).await.status, 403);
            let form = [("member", org.viewer.id.as_str())];
            assert_eq!(browser.post("/people/sessions/end", &form).await.status, 403);
            let path = format!("/members/{}/revoke", org.viewer.id);
            assert_eq!(browser.post(&path, &[]).await.status, 403);
        }
    }
}
