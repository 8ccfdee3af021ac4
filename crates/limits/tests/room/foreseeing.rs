//! Looking ahead: where budgets go, and who is near a ceiling.

use access::Role;
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Course, Level};
use serde_json::json;

use crate::bench::{Room, money, per_minute, per_month};

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn a_forecast_is_drawn_from_the_ledger() {
    for room in Room::on_each_engine().await {
        // The clock stands at the first of January, midnight.
        let caller = room.member(&room.operator().org, Role::Member);
        let admin = room.member(&caller.org, Role::Admin);
        let team = caller.teams.first().expect("a team").to_string();
        room.set(&caller, Level::Team, &team, per_month("25.00")).await;
        for _ in 0..10 {
            room.call(&caller, "1.00").await.expect("within the budget");
            room.clock.advance(DAY);
        }
        let told = room.limits.forecast(&admin, Level::Team, &team).await.expect("a forecast");
        assert_eq!((told.pace_days, told.pace_per_day), (7, money("1.00")));
        assert_eq!(told.this_month.spent, money("10.00"));
        assert_eq!(told.this_month.projected, money("31.00"));
        assert_eq!(told.this_month.course, Course::RunsOut);
        let path = format!("/api/limits/team/{team}/forecast");
        let (status, json) = room.http(&admin, "GET", &path, "").await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(json["this_month"]["runs_out_at"], "2026-01-26T00:00:00Z");
        assert_eq!(json["this_month"]["budget"], "25.00");
        assert_eq!(json["this_month"]["course"], "runs_out");
        assert_eq!(json["days"][9], json!({"day": "2026-01-10", "money": "1.00"}));
        assert_eq!(json["days"][10], json!({"day": "2026-01-11", "money": "0.00"}));
        assert_eq!(json["today"]["course"], "no_budget");
        // Nobody else of the org spent it, and no other org sees it.
        let other = room.member(&room.operator().org, Role::Admin);
        let theirs = room.limits.forecast(&other, Level::Team, &team).await.expect("a forecast");
        assert_eq!((theirs.pace_days, theirs.this_month.spent), (0, money("0.00")));
        // The month that follows begins anew, and keeps the pace.
        room.clock.advance(DAY * 22);
        let told = room.limits.forecast(&admin, Level::Team, &team).await.expect("a forecast");
        assert_eq!(told.this_month.spent, money("0.00"), "{:?}", room.engine());
        assert_eq!((told.pace_days, told.pace_per_day), (7, money("0.00")));
    }
}

#[tokio::test]
async fn a_forecast_is_of_one_subject_and_for_who_may_read_settings() {
    for room in Room::on_each_engine().await {
        let admin = room.member(&room.operator().org, Role::Admin);
        for (path, status) in [
            ("/api/limits/key/*/forecast", 422),
            ("/api/limits/team/blue/forecast", 422),
            ("/api/limits/planet/earth/forecast", 404),
            ("/api/limits/org/org/forecast", 200),
            ("/api/limits/model/open%2Fsmall/forecast", 200),
        ] {
            let (code, body) = room.http(&admin, "GET", path, "").await;
            assert_eq!(code.as_u16(), status, "{path}: {body}");
        }
        let member = room.member(&admin.org, Role::Member);
        for path in ["/api/limits/org/org/forecast", "/api/limits/near"] {
            let (code, body) = room.http(&member, "GET", path, "").await;
            assert_eq!(code, 403, "{path}: {body}");
        }
    }
}

#[tokio::test]
async fn who_is_near_a_ceiling_is_told_fullest_first() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        let admin = room.member(&org, Role::Admin);
        let [calm, near, over] = [1, 4, 5].map(|calls| (room.member(&org, Role::Member), calls));
        room.set(&admin, Level::Member, "*", per_minute(5)).await;
        room.set(&admin, Level::Org, "org", Ceiling { concurrency: Some(1), ..per_minute(100) })
            .await;
        for (caller, calls) in [&calm, &near, &over] {
            for _ in 0..*calls {
                drop(room.reserve(caller, Ask::default()).await.expect("within the limit"));
            }
        }
        let (_, json) = room.http(&admin, "GET", "/api/limits/near", "").await;
        let told: Vec<_> = json["items"].as_array().expect("a list").iter().collect();
        let subjects: Vec<_> = told.iter().filter_map(|one| one["subject"].as_str()).collect();
        assert_eq!(subjects, [over.0.actor.id(), near.0.actor.id()], "{:?}", room.engine());
        assert_eq!(told[0]["left"]["requests_per_minute"], 0);
        let hold = room.reserve(&admin, Ask::default()).await.expect("within the limit");
        let near = room.limits.near(&admin).await.expect("known");
        assert!(near.iter().any(|one| one.level == Level::Org), "one call of one at once");
        drop(hold);
        room.clock.advance(SignedDuration::from_secs(61));
        assert_eq!(room.limits.near(&admin).await.expect("known"), []);
    }
}
