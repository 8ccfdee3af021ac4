//! Events become sums.

use access::{Caller, Role, TeamId};
use audit::Outcome;
use base::money::NanoCents;
use jiff::SignedDuration;
use serde_json::json;

use crate::bench::{CALL, Call, Room};

/// Numbers that repeat and look like none.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % end
    }
}

/// Five days of calls by some people with some models; gives the sum of the prices.
async fn five_days(room: &Room, people: &[Caller]) -> i64 {
    let mut dice = Dice(7);
    let mut price = 0;
    for _ in 0..300 {
        let who = people.get(usize::try_from(dice.below(people.len() as u64)).expect("small"));
        let who = who.expect("somebody");
        let nanocents = i64::try_from(dice.below(1_000_000_007)).expect("small");
        let outcome = match dice.below(10) {
            0 => Outcome::Failed,
            1 => Outcome::Aborted,
            2 => Outcome::Unknown,
            _ => Outcome::Success,
        };
        let call = Call {
            model: match nanocents % 3 {
                0 => "small",
                1 => "large",
                _ => "patterns",
            },
            outcome,
            tokens: (dice.below(900), dice.below(900)),
            nanocents,
            took_ms: i64::try_from(dice.below(40_000)).expect("small"),
        };
        price += nanocents;
        room.called(who, call).await;
        if dice.below(8) == 0 {
            room.refused(&room.member(&who.org, Role::Member, &who.teams), Outcome::Denied).await;
        }
        room.clock.advance(SignedDuration::from_secs(24 * 60));
    }
    price
}

fn money(value: &serde_json::Value) -> i64 {
    value.as_str().expect("money").parse::<NanoCents>().expect("money").0
}

#[tokio::test]
async fn what_is_shown_is_the_sum_of_the_events_to_the_nano_cent() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        let people = [admin.clone(), room.member(&org, Role::Member, &[])];
        let price = five_days(&room, &people).await;

        let days = room.json(&admin, "/api/usage/series").await;
        assert_eq!(days["items"].as_array().expect("items").len(), 30);
        assert_eq!(money(&days["total"]["money"]), price, "{:?}", room.engine());
        assert_eq!(days["total"]["calls"], 300);
        let items = days["items"].as_array().expect("items");
        assert_eq!(items.iter().map(|item| money(&item["money"])).sum::<i64>(), price);
        for count in ["ok", "failed", "aborted", "refused", "tokens_in", "tokens_out"] {
            let sum: i64 = items.iter().map(|item| item[count].as_i64().expect("a count")).sum();
            assert!(sum > 0, "{count}");
            assert_eq!(days["total"][count], sum, "{count}");
        }

        // Hours say the same as days; the last week holds everything.
        let hours = "/api/usage/series?bucket=hour&from=2025-12-31T20:00:00Z";
        let hours = room.json(&admin, hours).await;
        assert_eq!(hours["total"], days["total"]);
    }
}

#[tokio::test]
async fn by_whatever_it_is_told_apart_the_parts_add_up() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let (red, blue) = (TeamId::new(room.now()), TeamId::new(room.now()));
        let admin = room.member(&org, Role::Admin, &[]);
        let people = [
            room.member(&org, Role::Member, std::slice::from_ref(&red)),
            room.member(&org, Role::Member, &[blue.clone(), red.clone()]),
            admin.clone(),
        ];
        five_days(&room, &people).await;
        let whole = room.json(&admin, "/api/usage/series").await["total"].clone();
        let [first, second, _] = &people;
        let key = second.key.as_ref().expect("a key").as_str();

        let by = async |dimension: &str, filter: &str| {
            room.json(&admin, &format!("/api/usage/by/{dimension}?{filter}")).await
        };
        let sum = |ranking: &serde_json::Value, of: &str| -> i64 {
            let items = ranking["items"].as_array().expect("items").iter();
            items.map(|item| item[of].as_i64().expect("a count")).sum()
        };
        // With a filter or none, by days or hours, all of one kind add up to the total.
        let week = "bucket=hour&from=2025-12-31T20:00:00Z";
        for filter in [
            String::new(),
            "model=small".into(),
            format!("team={red}"),
            format!("member={}", first.actor.id()),
            format!("key={key}"),
            format!("key={key}&model=large"),
            format!("team={blue}&model=large"),
        ] {
            let total = room.json(&admin, &format!("/api/usage/series?{filter}")).await;
            for dimension in ["model", "member", "key"] {
                for by_hours in ["", week] {
                    let asked = format!("{filter}&{by_hours}&limit=50");
                    let asked = asked.trim_start_matches('&').replace("&&", "&");
                    let ranking = by(dimension, &asked).await;
                    assert_eq!(ranking["total"], total["total"], "{dimension} {asked}");
                    for count in ["calls", "failed", "refused", "tokens_in"] {
                        let whole = total["total"][count].as_i64().expect("a count");
                        let context = (room.engine(), count, dimension, &asked);
                        assert_eq!(sum(&ranking, count), whole, "{context:?}");
                    }
                    assert_eq!(ranking["other"]["calls"], 0);
                }
            }
        }
        // What is cut off a ranking is in `other`.
        let one = by("member", "limit=1&metric=money").await;
        assert_eq!(one["items"].as_array().expect("items").len(), 1);
        let calls = one["items"][0]["calls"].as_i64().expect("calls");
        assert_eq!(one["other"]["calls"], whole["calls"].as_i64().expect("calls") - calls);

        // A call of somebody in two teams counts for both, with a filter and without.
        let all = by("team", "").await;
        let found = |ranking: &serde_json::Value, team: &str| {
            let items = ranking["items"].as_array().expect("items").iter();
            items.filter(|item| item["subject"] == team).map(|item| item["calls"].clone()).next()
        };
        for (team, people) in [(red.as_str(), &people[..2]), (blue.as_str(), &people[1..2])] {
            let mut calls = 0;
            for who in people {
                let own = format!("/api/usage/series?member={}", who.actor.id());
                calls += room.json(&admin, &own).await["total"]["calls"].as_i64().expect("calls");
            }
            assert_eq!(found(&all, team), Some(calls.into()), "{:?}", room.engine());
        }
        assert!(found(&all, "").is_some(), "of no team");
        assert_eq!(all.get("other"), None);
        let small = by("team", "model=small").await;
        let of_blue = format!("/api/usage/series?team={blue}&model=small");
        let of_blue = room.json(&admin, &of_blue).await["total"]["calls"].clone();
        assert_eq!(found(&small, blue.as_str()), Some(of_blue));
    }
}

#[tokio::test]
async fn folding_again_changes_nothing() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        five_days(&room, std::slice::from_ref(&admin)).await;
        room.usage.fold(&admin).await.expect("folds");
        let once = room.json(&admin, "/api/usage/series").await;
        room.usage.fold(&admin).await.expect("folds");
        room.usage.fold(&admin).await.expect("folds");
        assert_eq!(room.json(&admin, "/api/usage/series").await, once);

        // What comes later is added to what is there.
        room.called(&admin, CALL).await;
        let later = room.json(&admin, "/api/usage/series").await;
        let calls = |series: &serde_json::Value| series["total"]["calls"].as_i64().expect("calls");
        assert_eq!(calls(&later), calls(&once) + 1);
    }
}

#[tokio::test]
async fn what_is_added_up_ahead_is_what_the_record_says() {
    let mut found = Vec::new();
    let rooms = Room::on_each_engine().await.into_iter().chain(Room::that_read().await);
    for room in rooms {
        let (org, team) = (room.org(), TeamId::new(room.now()));
        let admin = room.member(&org, Role::Admin, &[]);
        let people = [admin.clone(), room.member(&org, Role::Member, &[team])];
        for _ in 0..3 {
            five_days(&room, &people).await;
            room.usage.fold(&admin).await.expect("folds");
        }
        // Behind it one that nobody folded yet.
        room.called(&people[1], CALL).await;
        let by_hours = "/api/usage/series?bucket=hour&from=2026-01-10T00:00:00Z";
        let mut shown = Vec::new();
        for path in ["/api/usage/series", by_hours, "/api/usage/by/model"] {
            shown.push(room.json(&admin, path).await);
        }
        assert_eq!(shown[0]["total"]["calls"], 901);
        found.push(shown);
    }
    let first = found.pop().expect("a room");
    assert!(found.iter().all(|other| *other == first), "{found:#?} {first:#?}");
}

#[tokio::test]
async fn two_that_fold_at_once_count_each_call_once() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        five_days(&room, std::slice::from_ref(&admin)).await;
        let nodes = [room.another(), room.another(), room.usage.clone(), room.another()];
        let folding = nodes.iter().map(|node| node.fold(&admin));
        for folded in futures_util::future::join_all(folding).await {
            folded.expect("folds");
        }
        let series = room.json(&admin, "/api/usage/series").await;
        assert_eq!(series["total"]["calls"], 300, "{:?}", room.engine());
    }
}

#[tokio::test]
async fn a_call_that_began_and_was_refused_by_the_provider_counts_once() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        // The provider says 400: the call ends as failed, and the door notes its answer.
        let who = room.member(&org, Role::Member, &[]);
        room.called(&who, Call { outcome: Outcome::Failed, ..CALL }).await;
        room.usage.fold(&admin).await.expect("folds");
        room.refused(&who, Outcome::Failed).await;
        // And once more in one go.
        let who = room.member(&org, Role::Member, &[]);
        room.called(&who, Call { outcome: Outcome::Failed, ..CALL }).await;
        room.refused(&who, Outcome::Failed).await;
        // This one never began.
        room.refused(&room.member(&org, Role::Member, &[]), Outcome::Failed).await;
        let total = room.json(&admin, "/api/usage/series").await["total"].clone();
        let counts = (&total["calls"], &total["failed"], &total["refused"]);
        assert_eq!(counts, (&json!(2), &json!(2), &json!(1)), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn hours_that_are_long_over_are_forgotten_and_their_days_stay() {
    for room in Room::on_each_engine().await {
        let org = room.org();
        let admin = room.member(&org, Role::Admin, &[]);
        room.called(&admin, CALL).await;
        room.usage.fold(&admin).await.expect("folds");
        room.clock.advance(SignedDuration::from_hours(24 * 60));
        room.called(&admin, CALL).await;
        let asked = "/api/usage/series?from=2025-12-31T00:00:00Z";
        let days = room.json(&admin, asked).await;
        assert_eq!(days["total"]["calls"], 2, "{:?}", room.engine());
        let count = "SELECT at FROM usage_cell WHERE org_id = $1 AND span = 'hour'";
        let count = base::db::Statement::new("count", count);
        let within = base::db::Within::org(org.as_str());
        let rows = room.bench.db.all(&within, count, base::args![org.as_str()]).await;
        assert_eq!(rows.expect("reads").len(), 1);
    }
}
