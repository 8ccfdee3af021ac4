//! The ledger: what was used, and what budgets stand on after a start.

use access::Role;
use audit::{Change, Event};
use jiff::SignedDuration;
use limits::{Level, UsageFilter, Used};
use serde_json::json;

use crate::bench::{Room, ask, money, per_month};

#[tokio::test]
async fn a_budget_survives_a_restart() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        let caller = room.member(&org, Role::Member);
        let team = caller.teams.first().expect("a team").to_string();
        room.set(&caller, Level::Team, &team, per_month("1.00")).await;
        room.call(&caller, "0.60000000001").await.expect("within the budget");
        let room = room.restarted().await;
        room.call(&caller, "0.39999999999").await.expect("what is left, to the nano-cent");
        let room = room.restarted().await;
        let problem = room.refused(&caller, ask(1, "0.00000000001")).await;
        assert_eq!(problem.code(), "insufficient_quota", "{:?}", room.engine());
        room.call(&caller, "0.00").await.expect("what costs nothing goes on");
        room.clock.advance(SignedDuration::from_hours(31 * 24));
        room.call(&caller, "1.00").await.expect("a new month");
    }
}

#[tokio::test]
async fn a_budget_set_in_the_middle_of_a_month_counts_what_was_spent_before() {
    for room in Room::on_each_engine().await {
        let org = room.operator().org.clone();
        let caller = room.member(&org, Role::Member);
        room.call(&caller, "0.25").await.expect("no limit yet");
        let room = room.restarted().await;
        room.clock.advance(SignedDuration::from_hours(24));
        room.call(&caller, "0.25").await.expect("no limit yet");
        // Under way while the budget is set: held now, charged when it ends.
        let under_way = room.reserve(&caller, ask(1, "0.25")).await.expect("no limit yet");
        room.set(&caller, Level::Member, caller.actor.id(), per_month("1.00")).await;
        assert!(room.reserve(&caller, ask(1, "0.26")).await.is_err(), "{:?}", room.engine());
        under_way.settle(Used { tokens: 1, money: money("0.10") });
        assert!(room.reserve(&caller, ask(1, "0.40")).await.is_ok(), "{:?}", room.engine());
    }
}

#[tokio::test]
async fn the_ledger_is_the_sum_of_the_calls() {
    for room in Room::on_each_engine().await {
        let admin = room.operator();
        let callers = [0, 1, 2].map(|_| room.member(&admin.org, Role::Member));
        for day in 0..2 {
            for (number, caller) in callers.iter().enumerate() {
                for _ in 0..=number {
                    room.call(caller, "0.00000000007").await.expect("no limit");
                }
            }
            let left = if day == 0 { 24 } else { 0 };
            room.clock.advance(SignedDuration::from_hours(left));
        }
        let filter = UsageFilter { level: Some(Level::Org), ..UsageFilter::default() };
        let page = room.limits.usage(&admin, &filter).await.expect("reads");
        let sums: Vec<_> = page.items.iter().map(|row| (row.day.as_str(), row.calls)).collect();
        assert_eq!(sums, [("2026-01-02", 6), ("2026-01-01", 6)], "{:?}", room.engine());
        let path = format!("/api/usage?level=member&subject={}", callers[2].actor.id());
        let (_, rows) = room.http(&admin, "GET", &path, "").await;
        assert_eq!(
            rows["items"][1],
            json!({
                "day": "2026-01-01", "level": "member", "subject": callers[2].actor.id(),
                "calls": 3, "tokens_in": 9, "tokens_out": 12, "money": "0.00000000021",
            })
        );
        // What the counters say is what the ledger says, before and after a start.
        let org = room.limits.standing(&admin, Level::Org, "org").await.expect("reads");
        assert_eq!(org.used.money_per_month, Some(money("0.00000000084")));
        assert_eq!(org.used.money_per_day, Some(money("0.00000000042")));
        let room = room.restarted().await;
        let org = room.limits.standing(&admin, Level::Org, "org").await.expect("reads");
        assert_eq!(org.used.money_per_month, Some(money("0.00000000084")));
        assert_eq!(org.used.money_per_day, Some(money("0.00000000042")));
    }
}

#[tokio::test]
async fn a_call_that_ends_behind_the_erasure_of_its_caller_is_charged_to_the_org_and_the_team() {
    for room in Room::on_each_engine().await {
        let admin = room.operator();
        let leaver = room.member(&admin.org, Role::Member);
        let mut change = Change::begin(&room.record, &admin.itself()).await.expect("begins");
        change.forget(&[leaver.actor.id().to_owned()]).await.expect("forgets");
        let event = Event::done("test.person.erased", "org", admin.org.as_str());
        change.commit(event).await.expect("is erased");
        room.call(&leaver, "0.25").await.expect("no limit");
        let page = room.limits.usage(&admin, &UsageFilter::default()).await.expect("reads");
        let mut levels: Vec<_> = page.items.iter().map(|row| row.level.as_str()).collect();
        levels.sort_unstable();
        assert_eq!(levels, ["model", "org", "team"], "{:?}", room.engine());
    }
}

#[tokio::test]
async fn a_call_around_midnight_is_charged_to_one_day_everywhere() {
    for room in Room::on_each_engine().await {
        let caller = room.operator();
        let before = room.now() - SignedDuration::from_millis(1);
        room.call(&caller, "0.01").await.expect("no limit");
        // Began before midnight, came to its turn after it.
        let id = crate::bench::fresh(before);
        let hold = room.limits.reserve(&caller, "small", &id, ask(1, "0.02"), before).await;
        let hold = hold.expect("no limit");
        let at = hold.reserved_at();
        assert_eq!(at, room.now(), "{:?}", room.engine());
        hold.settle(Used { tokens: 1, money: money("0.02") });
        room.recorded(&caller, at, "0.02").await;
        let counted = room.limits.standing(&caller, Level::Org, "org").await.expect("reads");
        let room = room.restarted().await;
        let ledger = room.limits.standing(&caller, Level::Org, "org").await.expect("reads");
        assert_eq!(counted.used.money_per_day, Some(money("0.03")));
        assert_eq!(counted.used.money_per_day, ledger.used.money_per_day);
    }
}

#[tokio::test]
async fn usage_comes_in_pages_newest_day_first() {
    for room in Room::on_each_engine().await {
        let admin = room.operator();
        let caller = room.member(&admin.org, Role::Member);
        for _ in 0..3 {
            room.call(&caller, "0.01").await.expect("no limit");
            room.clock.advance(SignedDuration::from_hours(24));
        }
        let (mut after, mut rows) = (String::new(), Vec::new());
        loop {
            let path = format!("/api/usage?from=2026-01-01&to=2026-01-02&limit=4{after}");
            let (status, page) = room.http(&admin, "GET", &path, "").await;
            assert_eq!(status, 200, "{page}");
            for row in page["items"].as_array().expect("items") {
                rows.push(format!("{}{}{}", row["day"], row["level"], row["subject"]));
            }
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        let days = rows.iter().filter(|row| row.starts_with("\"2026-01-02\"")).count();
        rows.dedup();
        assert_eq!((rows.len(), days), (10, 5), "{:?} {rows:?}", room.engine());
        for (wrong, param) in [
            ("subject=org", "subject"),
            ("level=key&subject=x", "subject"),
            ("after=x", "after"),
            ("from=yesterday", "from"),
            ("limit=0", "limit"),
            ("form=2026-01-01", "form"),
        ] {
            let (status, problem) =
                room.http(&admin, "GET", &format!("/api/usage?{wrong}"), "").await;
            assert!(status.is_client_error(), "{wrong}: {problem}");
            assert_eq!(problem["param"], param, "{wrong}: {problem}");
        }
    }
}
