//! What callers are told.

use access::Role;
use axum::http::StatusCode;
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Level};
use serde_json::json;

use crate::bench::{Room, ask, header, headers, per_minute, per_month};

#[tokio::test]
async fn a_refusal_names_the_tightest_level_and_when_to_come_back() {
    for room in Room::on_each_engine().await {
        let caller = room.member(&room.operator().org, Role::Member);
        let team = caller.teams.first().expect("a team").as_str();
        room.set(&caller, Level::Org, "org", per_minute(100)).await;
        room.set(&caller, Level::Team, team, per_minute(1)).await;
        drop(room.reserve(&caller, Ask::default()).await.expect("the first"));
        room.clock.advance(SignedDuration::from_micros(500_500));
        let problem = room.refused(&caller, Ask::default()).await;
        assert_eq!(problem.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(problem.code(), "rate_limit_exceeded");
        assert_eq!(
            problem.detail(),
            "the limit of the team allows 1 request per minute; none is left"
        );
        assert_eq!(
            problem.get("limit"),
            Some(&json!({
                "level": "team", "subject": team, "dimension": "requests_per_minute",
                "limit": 1, "remaining": 0,
            }))
        );
        let headers = headers(&problem);
        assert_eq!(header(&headers, "retry-after"), "60");
        assert_eq!(header(&headers, "retry-after-ms"), "59500", "{:?}", room.engine());
        assert_eq!(header(&headers, "x-should-retry"), "");
        assert_eq!(header(&headers, "x-ratelimit-remaining-requests"), "0");
    }
}

#[tokio::test]
async fn money_and_calls_that_never_fit_have_their_own_codes() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        let ceiling = Ceiling { tokens_per_minute: Some(100), ..per_month("0.50") };
        room.set(&caller, Level::Org, "org", ceiling).await;
        room.call(&caller, "0.30").await.expect("within the budget");

        let problem = room.refused(&caller, ask(1, "0.21")).await;
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "insufficient_quota"));
        assert_eq!(
            problem.detail(),
            "the limit of the organization allows 0.50 per month; \
             0.20 is left, less than this call may cost"
        );
        assert_eq!(
            problem.get("limit").expect("the limit")["remaining"],
            "0.20",
            "money is a decimal string"
        );
        assert_eq!(header(&headers(&problem), "retry-after"), (31 * 86_400).to_string());
        assert_eq!(header(&headers(&problem), "x-should-retry"), "false");

        let problem = room.refused(&caller, ask(101, "0.01")).await;
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (429, "request_too_large_for_limit")
        );
        assert!(problem.detail().ends_with("so it can never pass"), "{}", problem.detail());
        assert_eq!(header(&headers(&problem), "retry-after"), "", "{:?}", room.engine());
    }
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_nothing_where_there_is_no_limit() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        let hold = room.reserve(&caller, Ask::default()).await.expect("no limit");
        assert!(hold.headers().is_empty());
        drop(hold);
        room.clock.advance(SignedDuration::from_secs(61));
        let ceiling = Ceiling { tokens_per_minute: Some(1_000), ..per_minute(20) };
        room.set(&caller, Level::Org, "org", ceiling).await;
        drop(room.reserve(&caller, ask(30, "0.00")).await.expect("within the limit"));
        room.clock.advance(SignedDuration::from_millis(57_400));
        let hold = room.reserve(&caller, ask(30, "0.00")).await.expect("within the limit");
        let headers = hold.headers();
        for (name, value) in [
            ("x-ratelimit-limit-requests", "20"),
            ("x-ratelimit-remaining-requests", "18"),
            ("x-ratelimit-reset-requests", "2.6s"),
            ("x-ratelimit-limit-tokens", "1000"),
            ("x-ratelimit-remaining-tokens", "970"),
            ("x-ratelimit-reset-tokens", "1m0s"),
            ("ratelimit-policy", r#""requests";q=20;w=60, "tokens";q=1000;w=60"#),
            ("ratelimit", r#""requests";r=18;t=3, "tokens";r=970;t=60"#),
        ] {
            assert_eq!(header(&headers, name), value, "{name} on {:?}", room.engine());
        }
        assert_eq!(headers.len(), 8);
    }
}
