//! Who sees what.

use access::Role;
use axum::http::StatusCode;

use crate::bench::Room;

#[tokio::test]
async fn two_orgs_see_nothing_of_each_other() {
    for room in Room::on_each_engine().await {
        let ours = room.somebody(&room.org(), Role::Admin);
        let theirs = room.somebody(&room.org(), Role::Owner);
        room.prove(&ours, "acme.example").await.expect("is proven");
        for (method, path) in [
            ("GET", "/api/domains/acme.example"),
            ("DELETE", "/api/domains/acme.example"),
            ("POST", "/api/domains/acme.example/check"),
            ("POST", "/domains/acme.example/check"),
            ("POST", "/domains/acme.example/remove"),
        ] {
            let (status, text) = room.send(&theirs, method, path, "").await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {text}");
        }
        for path in ["/api/domains", "/domains"] {
            let (_, text) = room.send(&theirs, "GET", path, "").await;
            assert!(!text.contains("_portico."), "{path}: {text}");
            let (status, text) = room.send(&ours, "GET", path, "").await;
            assert!(status == StatusCode::OK && text.contains("_portico.acme.example"), "{text}");
            let member = room.somebody(&ours.org, Role::Member);
            let (status, text) = room.send(&member, "GET", path, "").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn a_domain_is_claimed_and_proven_on_its_page() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let (status, text) = room.send(&admin, "POST", "/domains", "domain=acme").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text.contains("Domain must be a domain"), "{text}");
        let (status, _) = room.send(&admin, "POST", "/domains", "domain=acme.example").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (status, text) = room.send(&admin, "POST", "/domains/acme.example/check", "").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(text.contains("does not have the record yet"), "{text}");
        room.clock.advance(jiff::SignedDuration::from_secs(11));
        room.prove(&admin, "acme.example").await.expect("is proven");
        let (_, text) = room.send(&admin, "GET", "/domains", "").await;
        assert!(text.contains("Verified") && !text.contains("Check now"), "{text}");
        let (status, _) = room.send(&admin, "POST", "/domains/acme.example/remove", "").await;
        assert_eq!(status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn nonsense_about_a_domain_is_refused_with_its_field() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let wrong = r#"{"domain":"http://acme.example"}"#;
        let (status, text) = room.send(&admin, "POST", "/api/domains", wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(text.contains("/domain"), "{text}");
        for place in 0..50 {
            let body = format!(r#"{{"domain":"d{place}.example"}}"#);
            let (status, text) = room.send(&admin, "POST", "/api/domains", &body).await;
            assert_eq!(status, StatusCode::CREATED, "{text}");
        }
        let (status, text) =
            room.send(&admin, "POST", "/api/domains", r#"{"domain":"one-more.example"}"#).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{text}");
        assert!(text.contains("too_many_domains"), "{text}");
    }
}
