//! When the database is gone.

use axum::http::StatusCode;
use base::money::NanoCents;
use base::problem::Problem;
use limits::{Ask, Ceiling, Level, Used};

use crate::bench::{Room, per_minute};

#[tokio::test]
async fn without_the_database_a_known_org_goes_on_and_an_unknown_one_is_refused() {
    for room in Room::on_each_engine().await {
        let (known, unknown) = (room.operator(), room.operator());
        room.set(&known, Level::Org, "org", per_minute(2)).await;
        assert!(room.reserve(&known, Ask::default()).await.is_ok());
        room.bench.db.close().await;
        let hold = room.reserve(&known, Ask::default()).await.expect("known");
        hold.settle(Used::default());
        let refused = room.refused(&known, Ask::default()).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "limits still hold");

        let problem = room.refused(&unknown, Ask::default()).await;
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE, "{:?}", room.engine());
        assert_eq!(problem.code(), "limits_unavailable");

        // A change that did not begin leaves what is known as it was.
        let change = room.limits.set(&known, Level::Org, "org", per_minute(9)).await;
        let problem = Problem::from(change.expect_err("no database"));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        let refused = room.refused(&known, Ask::default()).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn a_node_without_a_ledger_admits_its_part_of_rates_and_no_money() {
    for mut room in Room::on_each_engine().await {
        let (rated, spending) = (room.operator(), room.operator());
        room.set(&rated, Level::Org, "org", per_minute(4)).await;
        let purse = Ceiling { money_per_month: Some(NanoCents(1_000)), ..Ceiling::default() };
        room.set(&spending, Level::Org, "org", purse).await;
        room.apart(2);
        let costs = Ask { money: NanoCents(1), ..Ask::default() };
        for _ in 0..2 {
            room.reserve(&rated, costs).await.expect("half of four").settle(Used::default());
        }
        let refused = room.refused(&rated, costs).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "the rest is the other's");

        let refused = room.refused(&spending, costs).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.code(), "counters_unavailable", "nobody knows what was spent");
        room.reserve(&spending, Ask::default()).await.expect("what costs nothing goes on");
    }
}
