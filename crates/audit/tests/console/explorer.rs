//! Finding events.

use access::{Caller, Method, ShownSession, Standing};
use audit::{Event, Filter, Outcome};
use jiff::SignedDuration;
use serde_json::Value;

use crate::house::House;

const ACTIONS: [&str; 6] = [
    "gateway.call.started",
    "gateway.call.ended",
    "gateway.call.refused",
    "identity.key.created",
    "identity_x.key.created",
    "test.thing.set",
];

fn outcome(place: usize) -> Outcome {
    Outcome::ALL[place % Outcome::ALL.len()]
}

/// What a filter means, said once more and slowly.
fn matches(event: &Value, filter: &Filter) -> bool {
    let text = |name: &str| event[name].as_str().expect("text").to_owned();
    let at: base::time::At = text("timestamp").parse().expect("an instant");
    let action = match filter.action.strip_suffix('*') {
        Some(prefix) => text("action").starts_with(prefix),
        None => filter.action.is_empty() || text("action") == filter.action,
    };
    let is = |name: &str, wanted: &str| wanted.is_empty() || text(name) == wanted;
    action
        && is("userId", &filter.user)
        && is("resourceType", &filter.resource_type)
        && is("resourceId", &filter.resource)
        && is("outcome", filter.outcome.map_or("", Outcome::as_str))
        && filter.from.is_none_or(|from| at >= from)
        && filter.to.is_none_or(|to| at < to)
}

#[tokio::test]
async fn every_combination_of_filters_finds_exactly_what_it_names() {
    for house in House::on_each_engine().await {
        for place in 0..120 {
            let actor = house.actor(["ann", "bob", "cyd"][place % 3]);
            let action = ACTIONS[place % 6];
            let kind = if action.starts_with("gateway.") {
                "call"
            } else {
                ["key", "thing"][place / 6 % 2]
            };
            let event = Event::done(action, kind, format!("r{}", place % 7));
            house.note(&actor, &event.outcome(outcome(place / 5))).await;
            house.clock.advance(SignedDuration::from_millis(1400));
        }
        let reader = house.actor("reader");
        let begin: base::time::At = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let at = |secs| Some(begin + SignedDuration::from_secs(secs));
        let all = all_pages(&house, &Filter { to: at(10_000), ..Filter::default() }).await;
        let all: Vec<Value> = all.into_iter().filter(|e| e["userId"] != "reader").collect();
        assert_eq!(all.len(), 120);
        let mut tried = 0;
        for action in
            ["", "gateway.*", "gateway.call.ended", "identity.*", "identity_*", "test.thing.set"]
        {
            for user in ["", "ann"] {
                for kind in ["", "call", "key"] {
                    for resource in ["", "r3"] {
                        for outcome in [None, Some(Outcome::Success), Some(Outcome::Denied)] {
                            for (from, to) in [(None, None), (at(40), at(90))] {
                                let filter = Filter {
                                    action: action.into(),
                                    user: user.into(),
                                    resource_type: kind.into(),
                                    resource: resource.into(),
                                    outcome,
                                    from,
                                    to,
                                    ..Filter::default()
                                };
                                let found = all_pages(&house, &filter).await;
                                let found: Vec<_> =
                                    found.iter().filter(|e| e["userId"] != "reader").collect();
                                let wanted: Vec<_> =
                                    all.iter().filter(|e| matches(e, &filter)).collect();
                                assert_eq!(
                                    found,
                                    wanted,
                                    "{filter:?} on {:?}",
                                    house.bench.db.engine()
                                );
                                tried += 1;
                            }
                        }
                    }
                }
            }
        }
        assert_eq!(tried, 432);
        drop(reader);
    }
}

/// Every event of a filter, page by page.
async fn all_pages(house: &House, filter: &Filter) -> Vec<Value> {
    let reader = house.actor("reader");
    let mut filter = Filter { limit: Some(97), ..filter.clone() };
    let mut all = Vec::new();
    loop {
        let page = house.record.events(&reader, &filter).await.expect("reads");
        all.extend(page.items);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return all,
        }
    }
}

/// 8,200 beginnings of calls: more than one search looks at.
async fn many_calls(house: &House, actor: &Caller) {
    let event = Event::done("gateway.call.started", "call", "call_x").outcome(Outcome::Started);
    let pending: Vec<_> = (0..8_200).map(|_| house.record.note(actor, &event)).collect();
    for one in pending {
        one.await.expect("durable");
    }
}

#[tokio::test]
async fn a_search_in_vain_ends_soon_and_says_how_far_back_it_looked() {
    for house in House::on_each_engine().await {
        let actor = house.actor("ann");
        house.note(&actor, &Event::done("gateway.call.ended", "call", "call_old")).await;
        house.clock.advance(SignedDuration::from_hours(1));
        many_calls(&house, &actor).await;
        let mut filter = Filter { action: "gateway.call.ended".into(), ..Filter::default() };
        let page = house.record.events(&actor, &filter).await.expect("reads");
        assert_eq!(page.items.len(), 0, "{:?}", house.bench.db.engine());
        let searched = page.searched_to.expect("says how far");
        assert_eq!(searched.to_string(), "2026-01-01T01:00:00Z");
        filter.after = page.next;
        let page = house.record.events(&actor, &filter).await.expect("reads");
        assert_eq!(page.items[0]["resourceId"], "call_old");
        assert_eq!((page.next, page.searched_to), (None, None));

        // The same on an index: a resource with many events, none of them by this actor.
        let filter = Filter { resource: "call_x".into(), user: "bob".into(), ..Filter::default() };
        let page = house.record.events(&actor, &filter).await.expect("reads");
        assert_eq!((page.items.len(), page.next), (0, None), "nobody did anything");
        let filter = Filter {
            resource: "call_x".into(),
            outcome: Some(Outcome::Success),
            ..Filter::default()
        };
        let page = house.record.events(&actor, &filter).await.expect("reads");
        assert!(page.items.is_empty() && page.next.is_some() && page.searched_to.is_some());

        // A stretch of time is looked at, and nothing beside it.
        let to = Some("2026-01-01T00:30:00Z".parse().expect("an instant"));
        let filter = Filter { to, ..Filter::default() };
        let page = house.record.events(&actor, &filter).await.expect("reads");
        assert_eq!((page.items.len(), page.next), (1, None));
        let lines = house.get(&actor, "/api/events.jsonl?action=gateway.call.ended").await;
        assert_eq!(lines.text.lines().count(), 1, "an export looks at everything");
    }
}

#[tokio::test]
async fn an_event_that_comes_late_is_found_where_it_came() {
    for house in House::on_each_engine().await {
        let actor = house.actor("ann");
        house.clock.advance(SignedDuration::from_hours(2));
        house.note(&actor, &Event::done("test.thing.set", "thing", "now")).await;
        house.clock.advance(SignedDuration::from_hours(-1));
        house.note(&actor, &Event::done("test.thing.set", "thing", "late")).await;
        house.clock.advance(SignedDuration::from_hours(1));
        let from = Some("2026-01-01T01:59:30Z".parse().expect("an instant"));
        let filter = Filter { from, action: "test.*".into(), ..Filter::default() };
        let found = house.record.events(&actor, &filter).await.expect("reads").items;
        let ids: Vec<_> = found.iter().map(|event| event["resourceId"].clone()).collect();
        assert_eq!(ids, ["late", "now"], "{:?}", house.bench.db.engine());
        assert_eq!(found[0]["timestamp"], "2026-01-01T01:00:00Z", "it says when it happened");
    }
}

#[tokio::test]
async fn an_export_is_narrowed_like_the_page_and_holds_no_formula() {
    for house in House::on_each_engine().await {
        let evil = Event::done("test.thing.set", "thing", "=cmd|' /C calc'!A0");
        let auditor = house.auditor();
        house.note(&auditor, &evil).await;
        house.note(&auditor, &Event::done("other.thing.set", "thing", "x")).await;
        let table = house.get(&auditor, "/api/events.csv?action=test.*").await;
        assert_eq!(table.status, 200, "{}", table.text);
        let lines: Vec<_> = table.text.lines().collect();
        assert_eq!(lines.len(), 2, "{}", table.text);
        assert!(lines[0].starts_with("sequence,timestamp,userId"));
        assert!(lines[1].contains(",\"'=cmd|"), "{}", lines[1]);
        assert_eq!(house.count("audit.events.exported").await, 1);
        let reader = house.member(&["events:read"]);
        assert_eq!(house.get(&reader, "/api/events.csv").await.status, 403);
    }
}

#[tokio::test]
async fn an_export_asks_for_a_recent_second_factor() {
    for house in House::on_each_engine().await {
        let session = ShownSession {
            id: "ses_1".to_owned(),
            method: Method::Password,
            factor_at: None,
            factor_due: true,
            confined: false,
        };
        let standing = Standing { session: Some(session), ..Standing::default() };
        let auditor = house.member_in(&["events:export"], standing);
        for path in ["/api/events.csv", "/api/events.jsonl"] {
            let asked = house.get(&auditor, path).await;
            assert!(
                asked.status == 403 && asked.text.contains("factor_required"),
                "{}",
                asked.text
            );
        }
        assert_eq!(house.count("audit.events.exported").await, 0);
    }
}
