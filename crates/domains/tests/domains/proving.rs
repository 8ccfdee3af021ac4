//! What the DNS proves, and for how long.

use access::Role;
use base::time::Clock as _;
use domains::{DomainState, Error};
use jiff::SignedDuration;

use crate::bench::{Room, named};

#[tokio::test]
async fn a_domain_is_proven_by_its_txt_record() {
    for room in Room::on_each_engine().await {
        let (org, engine) = (room.org(), room.bench.db.engine());
        let admin = room.somebody(&org, Role::Admin);
        let claimed = room.claim(&admin, "ACME.example").await.expect("claims");
        assert_eq!(claimed.state, DomainState::Pending, "{engine:?}");
        assert_eq!(claimed.record_name, "_portico.acme.example");
        let none = room.check(&admin, "acme.example").await;
        assert!(matches!(none, Err(Error::NoRecord)), "{engine:?}: {none:?}");
        assert_eq!(room.shelf.of("acme.example"), None, "it is nobody's yet");
        let soon = room.check(&admin, "acme.example").await;
        assert!(matches!(soon, Err(Error::TooSoon)), "{soon:?}");

        // Another's record proves nothing.
        room.dns.put(&claimed.record_name, &["portico-verify=0000"]);
        room.clock.advance(SignedDuration::from_secs(11));
        assert!(matches!(room.check(&admin, "acme.example").await, Err(Error::NoRecord)));

        room.clock.advance(SignedDuration::from_secs(11));
        let proven = room.prove(&admin, "acme.example").await.expect("is proven");
        assert_eq!(
            (proven.state, proven.verified_at),
            (DomainState::Verified, Some(room.clock.now()))
        );
        assert_eq!(room.shelf.of("acme.example"), Some(org));
        let actions = room.actions(&admin).await;
        assert_eq!(actions.first().map(String::as_str), Some("domains.domain.claimed"));
        assert_eq!(actions.last().map(String::as_str), Some("domains.domain.verified"));
    }
}

#[tokio::test]
async fn a_domain_that_is_anothers_is_not_given() {
    for room in Room::on_each_engine().await {
        let (ours, theirs) = (room.org(), room.org());
        let first = room.somebody(&ours, Role::Admin);
        let second = room.somebody(&theirs, Role::Owner);
        room.prove(&first, "acme.example").await.expect("is proven");
        let taken = room.prove(&second, "acme.example").await;
        assert!(matches!(taken, Err(Error::Taken)), "{taken:?}");
        assert_eq!(room.shelf.of("acme.example"), Some(ours.clone()));
        room.domains.remove(&second, &named("acme.example")).await.expect("gives its claim up");
        assert_eq!(room.shelf.of("acme.example"), Some(ours), "that changes nothing for the first");
        room.domains.remove(&first, &named("acme.example")).await.expect("gives it up");
        room.prove(&second, "acme.example").await.expect("now it is free");
        assert_eq!(room.shelf.of("acme.example"), Some(theirs));
    }
}

#[tokio::test]
async fn a_domain_whose_record_is_gone_is_given_up_after_two_weeks() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        room.prove(&admin, "acme.example").await.expect("is proven");
        let state = async || {
            let known = room.domains.get(&admin, &named("acme.example")).await.expect("reads");
            (known.state, room.shelf.of("acme.example").is_some())
        };
        room.dns.clear();
        room.domains.look_again().await;
        assert_eq!(state().await, (DomainState::Verified, true), "its week is not over");
        let mut days = 0;
        for (after, expected) in [
            (7, (DomainState::Missing, true)),
            (14, (DomainState::Missing, true)),
            (20, (DomainState::Missing, true)),
            (21, (DomainState::Pending, false)),
        ] {
            room.clock.advance(SignedDuration::from_hours(24 * (after - days)));
            days = after;
            room.domains.look_again().await;
            assert_eq!(state().await, expected, "after {after} days");
        }
        let actions = room.actions(&admin).await;
        for told in ["domains.domain.missing", "domains.domain.lost"] {
            assert_eq!(actions.iter().filter(|action| *action == told).count(), 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_dns_that_does_not_answer_changes_nothing() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        room.prove(&admin, "acme.example").await.expect("is proven");
        room.dns.fall_silent();
        room.clock.advance(SignedDuration::from_hours(24 * 60));
        room.domains.look_again().await;
        let known = room.domains.get(&admin, &named("acme.example")).await.expect("reads");
        assert_eq!(known.state, DomainState::Verified);
        assert!(room.shelf.of("acme.example").is_some());
        let silent = room.check(&admin, "acme.example").await;
        assert!(matches!(silent, Err(Error::NoAnswer)), "{silent:?}");
    }
}

#[tokio::test]
async fn a_domain_that_is_given_up_while_it_is_looked_at_is_free() {
    for room in Room::on_each_engine().await {
        let admin = room.somebody(&room.org(), Role::Admin);
        let claimed = room.claim(&admin, "acme.example").await.expect("claims");
        room.dns.put(&claimed.record_name, &[&claimed.record_value]);
        let (comes, go) = room.shelf.hold();
        let (checked, ()) = tokio::join!(room.check(&admin, "acme.example"), async {
            comes.await.expect("the look");
            room.domains.remove(&admin, &claimed.domain).await.expect("gives it up");
            // Claimed anew, it is not proven by what was seen before.
            room.clock.advance(SignedDuration::from_secs(1));
            room.claim(&admin, "acme.example").await.expect("claims");
            go.send(()).expect("goes on");
        });
        assert!(matches!(checked, Err(Error::NoRecord)), "{checked:?}");
        assert_eq!(room.shelf.of("acme.example"), None);
        room.domains.remove(&admin, &claimed.domain).await.expect("gives it up");
        room.prove(&room.somebody(&room.org(), Role::Admin), "acme.example").await.expect("free");
    }
}

#[tokio::test]
async fn a_look_that_took_long_takes_back_nothing_that_was_proven_meanwhile() {
    for room in Room::on_each_engine().await {
        let (org, domain) = (room.org(), named("acme.example"));
        let admin = room.somebody(&org, Role::Admin);
        room.prove(&admin, "acme.example").await.expect("is proven");
        room.dns.clear();
        room.clock.advance(SignedDuration::from_hours(24 * 7));
        room.domains.look_again().await;
        room.clock.advance(SignedDuration::from_hours(24 * 14));
        let (comes, go) = room.shelf.hold();
        tokio::join!(room.domains.look_again(), async {
            comes.await.expect("the look");
            room.prove(&admin, "acme.example").await.expect("is proven");
            go.send(()).expect("goes on");
        });
        let known = room.domains.get(&admin, &domain).await.expect("reads");
        assert_eq!(
            (known.state, room.shelf.of("acme.example")),
            (DomainState::Verified, Some(org))
        );
    }
}
