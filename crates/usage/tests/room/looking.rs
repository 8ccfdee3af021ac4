//! What people see.

use access::{Role, TeamId};
use audit::Outcome;
use axum::http::StatusCode;
use jiff::SignedDuration;

use crate::bench::{CALL, Call, NASTY, Room};

#[tokio::test]
async fn names_stand_in_the_page_as_text_and_never_as_markup() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let team = TeamId::new(room.now());
        let admin = room.member(&org, Role::Admin, std::slice::from_ref(&team));
        room.called(&admin, Call { model: "<img src=x onerror=alert(2)>", ..CALL }).await;
        for path in [
            "/usage".to_owned(),
            "/usage?by=member".to_owned(),
            "/usage?by=team&metric=money".to_owned(),
            format!("/usage?by=key&member={}", admin.actor.id()),
            "/usage?model=%3Cscript%3Ealert(3)%3C%2Fscript%3E".to_owned(),
            "/usage?from=%22%3E%3Cscript%3E&to=2026-01-01".to_owned(),
        ] {
            let (_, page) = room.get(&admin, &path).await;
            assert!(page.contains("<h1>Usage</h1>"), "{path}: {page}");
            assert!(!page.contains("<script") && !page.contains("<img"), "{path}");
            assert!(!page.contains(" style="), "{path}");
        }
        let (_, page) = room.get(&admin, "/usage?by=member").await;
        assert!(!page.contains(NASTY) && page.contains("=cmd|"));
    }
}

#[tokio::test]
async fn every_choice_of_the_page_shows_a_picture_and_the_numbers_behind_it() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (red, blue) = (TeamId::new(room.now()), TeamId::new(room.now()));
        let admin = room.member(&org, Role::Admin, std::slice::from_ref(&red));
        let other = room.member(&org, Role::Member, &[red.clone(), blue]);
        for day in 0..3 {
            room.called(&admin, Call { took_ms: 800, ..CALL }).await;
            room.called(&other, Call { model: "large", nanocents: 5_000_000_000, ..CALL }).await;
            room.called(&other, Call { outcome: Outcome::Failed, ..CALL }).await;
            room.refused(&room.member(&org, Role::Member, &[]), Outcome::Denied).await;
            if day < 2 {
                room.clock.advance(SignedDuration::from_hours(20));
            }
        }
        for range in ["range=24h", "range=7d", "", "range=90d", "from=2025-12-31&to=2026-01-02"] {
            for metric in ["calls", "tokens", "money", "errors", "refused", "latency"] {
                for by in ["model", "team", "member", "key"] {
                    let path = format!("/usage?metric={metric}&by={by}&{range}");
                    let (status, page) = room.get(&admin, path.trim_end_matches('&')).await;
                    assert_eq!(status, StatusCode::OK, "{path}: {page}");
                    assert!(page.contains("role=\"img\""), "{path}");
                    assert!(page.contains("<path class=\"") && page.contains("</table>"), "{path}");
                    assert!(page.contains("/api/usage.csv?from="), "{path}");
                }
            }
        }
        let (_, page) = room.get(&admin, "/usage").await;
        assert!(page.contains("3 Dec 2025 to 1 Jan 2026, UTC") || page.contains("UTC"), "{page}");
        assert!(page.contains("9 of") || page.contains(">9<"), "{page}");
        assert!(page.contains("33.3%"), "three of nine calls failed: {page}");
        assert!(page.contains("requests were refused before a call began"), "{page}");
        // A subject leads to its own page, and a filter back.
        assert!(page.contains("href=\"/usage?model=large\""), "{page}");
        let (_, page) = room.get(&admin, "/usage?model=large").await;
        assert!(page.contains("remove this filter"), "{page}");
    }
}

#[tokio::test]
async fn an_org_without_calls_is_told_how_to_make_the_first_one() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.org(), Role::Admin, &[]);
        let (status, page) = room.get(&admin, "/usage").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("No calls yet") && page.contains("href=\"/keys\""), "{page}");
        let (_, page) = room.get(&admin, "/usage?model=none").await;
        assert!(page.contains("No calls in this period"), "{page}");
    }
}

#[tokio::test]
async fn a_day_that_is_none_is_said_so_beside_its_field_and_kept() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.org(), Role::Admin, &[]);
        for (query, field) in [
            ("from=yesterday", "from"),
            ("from=2026-01-01&to=2026-13-01", "to"),
            ("from=2026-01-02&to=2026-01-01", "from"),
            ("from=2020-01-02&to=2026-01-01", "from"),
        ] {
            let (status, page) = room.get(&admin, &format!("/usage?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
            let input = page.split(&format!("id=\"f-{field}\"")).nth(1).expect("the field");
            let input = input.split('>').next().expect("its end");
            assert!(input.contains("aria-invalid"), "{query}: {input}");
        }
        let (_, page) = room.get(&admin, "/usage?from=yesterday").await;
        assert!(page.contains("value=\"yesterday\""), "{page}");
    }
}

#[tokio::test]
async fn a_member_is_told_that_the_page_shows_only_their_own() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (member, other) =
            (room.member(&org, Role::Member, &[]), room.member(&org, Role::Member, &[]));
        room.called(&member, CALL).await;
        room.called(&other, CALL).await;
        let (_, page) = room.get(&member, "/usage?by=member").await;
        assert!(page.contains("You see what you used yourself"), "{page}");
        assert!(!page.contains(other.actor.id()), "{page}");
        let (status, _) = room.get(&member, &format!("/usage?member={}", other.actor.id())).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
}
