use std::io::Cursor;

use access::{Caller, Databases};
use audit::{Event, Filter, Keeper, Outcome, Record, Tiered, Waits};
use axum::http::StatusCode;
use base::args;
use base::db::Engine;
use jiff::SignedDuration;
use serde_json::{Value, json};
use verify::{Agreement, Options, Outside};

use crate::archived::found;
use crate::house::{EU, House};
use crate::tiered::{INGRID, Past, SECOND, asked, pages, person};

fn filters(past: &Past) -> Vec<Filter> {
    let of = |fill: &dyn Fn(&mut Filter)| {
        let mut filter = Filter::default();
        fill(&mut filter);
        filter
    };
    let member = past.member.actor.id().to_owned();
    let at = |text: &str| Some(text.parse().expect("an instant"));
    vec![
        of(&|_| {}),
        of(&|it| it.user.clone_from(&member)),
        of(&|it| it.user = "nobody".into()),
        of(&|it| it.resource = INGRID.into()),
        of(&|it| it.resource.clone_from(&past.calls[0])),
        of(&|it| it.action = "test.key.revoked".into()),
        of(&|it| it.action = "chat.*".into()),
        of(&|it| it.action = "gateway.call.ended".into()),
        of(&|it| it.resource_type = "conversation".into()),
        of(&|it| it.outcome = Some(Outcome::Denied)),
        of(&|it| (it.from, it.to) = (at("2026-01-02T00:00:00Z"), at("2026-01-03T00:00:00Z"))),
        of(&|it| it.from = at("2026-01-03T00:00:00Z")),
        of(&|it| it.to = at("2026-02-02T00:00:00Z")),
        of(&|it| it.last = Some(audit::Last::Month)),
        of(&|it| {
            (it.user, it.outcome) = (member.clone(), Some(Outcome::Success));
            it.to = at("2026-02-15T00:00:00Z");
        }),
    ]
}

/// The first `size` events, one after the other.
async fn events(record: &Record, past: &Past) -> Vec<Value> {
    let (scope, mut from, mut all) = (past.ours.itself(), 0, Vec::new());
    while from < past.size {
        let events = record.read_on(&scope, from).await.expect("reads");
        from += i64::try_from(events.len()).expect("some");
        all.extend(events);
    }
    all.truncate(usize::try_from(past.size).expect("a size"));
    all
}

/// All that readers are told of the first `size` events, by every verb that tells.
async fn told(house: &House, record: &Record, past: &Past) -> Vec<Value> {
    let (ours, size) = (&past.ours, past.size);
    let (scope, mut told) = (ours.itself(), Vec::new());
    for filter in filters(past) {
        told.push(json!(pages(record, ours, &filter, size).await));
    }
    for path in ["/api/events.jsonl?to=2026-03-25", "/api/events.csv?action=chat.*"] {
        let answer = asked(record, ours, path).await;
        assert_eq!(answer.status, StatusCode::OK);
        told.push(json!(answer.text()));
    }
    told.push(json!(events(record, past).await));
    let mut from = 0;
    while from < size {
        let events = record.stretch(&scope, from, 100.min(size - from)).await.expect("reads");
        from += i64::try_from(events.len()).expect("some");
        told.push(json!(events));
    }
    let calls = record.told_calls(&scope, 0, size).await.expect("reads");
    told.push(json!(format!("{:?}", calls.calls)));
    for seq in [0, 5, past.second - 1, past.second, size - 1] {
        told.push(record.event(ours, seq).await.expect("reads"));
    }
    let since = "2026-01-02T00:00:00Z".parse().expect("an instant");
    let back = record.look_back(&scope, since, Some(past.second)).await.expect("reads");
    told.push(json!(back.events));
    let databases = Databases::new([(EU, house.bench.db.clone())]);
    let db = databases.of(&scope).expect("is served");
    for id in [INGRID, past.member.actor.id()] {
        let person = person(id);
        told.push(json!(record.locate(&db, &scope, &person).await.expect("locates")));
        told.push(json!(record.export(&db, &scope, &person).await.expect("exports")));
        told.push(json!(record.things(&db, &scope, &person).await.expect("lists")));
        told.push(json!(record.last_of(&scope, id).await.expect("looks")));
    }
    told
}

fn same(before: &[Value], after: &[Value]) {
    assert_eq!(before.len(), after.len());
    for (nth, (before, after)) in before.iter().zip(after).enumerate() {
        assert_eq!(before, after, "the {nth}th question");
    }
}

#[tokio::test]
async fn what_was_moved_is_read_searched_and_exported_as_before() {
    for house in House::on_each_engine().await {
        let past = house.months(480).await;
        let before = told(&house, &house.record, &past).await;
        house.published().await;
        let moved = house.tier(&past.ours, SECOND).await;
        // In whole bundles alone, and the last of the first month stands in one with the second.
        assert_eq!(i64::try_from(moved.moved).expect("some"), past.second, "{moved:?}");
        assert_eq!(moved.waits, None);
        assert_eq!(house.hot(&past.ours).await[0], past.second);
        assert!(!house.chunks().is_empty());
        for record in [house.record.clone(), house.anew().0] {
            same(&before, &told(&house, &record, &past).await);
        }
        // Another month, and the rest of what is old.
        house.published().await;
        house.tier(&past.ours, "2026-03-03T00:00:00Z").await;
        let (record, log) = house.anew();
        same(&before, &told(&house, &record, &past).await);
        log.check().await.expect("a start finds nothing wrong");
        let verified = log.verify_some(EU, 100_000).await.expect("verifies");
        assert!(verified.checked > 1_000 && verified.faults.is_empty(), "{verified:?}");
        // It left an event each time, in the transaction in which the rows left.
        let filter = Filter { action: "audit.events.archived".into(), ..Filter::default() };
        let noted = pages(&record, &past.ours, &filter, i64::MAX).await;
        let first = noted.last().expect("an event");
        let events = json!({ "from": 0, "to": past.second });
        assert_eq!(first["changes"]["events"], events, "{first}");
        assert_eq!(first["changes"]["files"], moved_files(&house, past.second));
    }
}

fn moved_files(house: &House, before: i64) -> usize {
    let first = |path: &String| path.split(['/', '-']).nth(2).map(str::parse::<i64>);
    let firsts = house.chunks();
    firsts
        .iter()
        .filter(|path| first(path).is_some_and(|it| it.is_ok_and(|it| it < before)))
        .count()
}

#[tokio::test]
async fn a_moved_month_is_proven_by_its_receipts_and_its_bundle() {
    for house in House::on_each_engine().await {
        let past = house.months(600).await;
        let path = "/api/record/evidence?from=2026-01-01&to=2026-03-10";
        let openings = |zip: &[u8]| {
            let verdict = verify::check(Cursor::new(zip), &Options::default()).expect("a bundle");
            assert!(verdict.sound, "{verdict}");
            let told = verdict.completeness.expect("says which");
            (told.first, told.next, verdict.counts.openings)
        };
        let earlier = house.ask(&past.ours, "/api/record/log/checkpoint", "*/*").await;
        let before = openings(house.ask(&past.ours, path, "*/*").await.bytes());
        let mut receipts = Vec::new();
        for id in &past.calls {
            receipts.push(house.receipt(&past.member, id).await);
        }
        house.published().await;
        let moved = house.tier(&past.ours, SECOND).await;
        assert!(moved.moved > 500, "{moved:?}");

        let (_, log) = house.anew();
        for (id, before) in past.calls.iter().zip(&receipts) {
            let after = house.receipt_from(&log, &past.member, id).await;
            for part in ["index", "event", "opening"] {
                assert_eq!(before[part], after[part], "{part} of {id}");
            }
        }
        let unknown = base::id::render("call", "2026-01-01T12:00:00Z".parse().expect("one"));
        for id in [unknown.as_str(), "call_of_nobody"] {
            assert!(log.receipt(&past.ours, id).await.is_err(), "{id}");
        }
        let zip = house.ask(&past.ours, path, "*/*").await;
        assert_eq!(openings(zip.bytes()), before);
        let outside = Outside::parse("mine", earlier.bytes()).expect("a checkpoint");
        let options = Options { outside: vec![outside], ..Options::default() };
        let verdict = verify::check(Cursor::new(zip.bytes()), &options).expect("a bundle");
        assert_eq!(verdict.outside[0].agreement, Agreement::Continued);
    }
}

#[tokio::test]
async fn only_what_is_old_published_and_whole_is_moved() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let before = "2030-01-01T00:00:00Z".parse().expect("an instant");
        let owner = house.owner().await;
        let piece = |waits| Tiered { hot_from: 0, until: 0, moved: 0, chunks: 0, waits };
        assert_eq!(house.log.tier(&ours, &owner, before).await.expect("looks"), piece(None));
        house.grow(&ours, 300).await;
        house.clock.advance(SignedDuration::from_hours(30));
        house.grow(&ours, 300).await;
        let unpublished = house.log.tier(&ours, &owner, before).await.expect("looks");
        assert_eq!(unpublished, piece(Some(Waits::Published)));
        house.published().await;
        // A day at least, whatever is asked.
        let dry = house.log.tierable(&ours, before).await.expect("looks");
        assert_eq!((dry.until, dry.moved, dry.waits), (300, 0, None));
        assert_eq!(house.hot(&ours).await.len(), 600, "looking moves nothing");
        assert_eq!(house.tier(&ours, "2026-01-01T00:00:00Z").await.moved, 0, "none is so old");
        assert_eq!(house.tier(&ours, "2030-01-01T00:00:00Z").await.moved, 300);
        // In whole bundles of the published log.
        house.clock.advance(SignedDuration::from_hours(30));
        let rest = house.tier(&ours, "2030-01-01T00:00:00Z").await;
        assert_eq!((rest.hot_from, rest.waits), (512, Some(Waits::Published)));
        house.published().await;
        house.restarted().check().await.expect("all is well");
        let nobody = house.member(&ours.org, &["events:read"], access::Standing::default());
        assert!(house.log.tier(&nobody, &owner, before).await.is_err(), "a reader moves nothing");
    }
}

#[tokio::test]
async fn a_crash_between_any_two_steps_loses_nothing_and_is_gone_on_with() {
    for house in House::on_each_engine().await {
        let past = house.months(1_200).await;
        let before = events(&house.record, &past).await;
        house.published().await;
        let (owner, old) = (house.owner().await, SECOND.parse().expect("an instant"));
        let mut crashes = 0;
        for writes in 0.. {
            house.shelf.breaks_after(writes);
            let done = house.log.tier(&past.ours, &owner, old).await;
            house.shelf.works();
            if done.is_ok() {
                break;
            }
            crashes += 1;
            assert_eq!(house.hot(&past.ours).await[0], 0, "nothing left");
        }
        assert!(crashes >= 2, "{crashes}");
        let files = house.chunks();
        house.tier(&past.ours, SECOND).await;
        same(&before, &events(&house.anew().0, &past).await);

        // The database stops in the middle of the transaction.
        let (close, open) = match house.bench.db.engine() {
            Engine::Sqlite => (
                "CREATE TRIGGER full BEFORE DELETE ON audit_event WHEN OLD.seq % 100 = 99
                 BEGIN SELECT RAISE(ABORT, 'full'); END",
                "DROP TRIGGER full",
            ),
            Engine::Postgres => (
                "ALTER TABLE audit_cold_person ADD CONSTRAINT full_up CHECK (events < 0) NOT VALID",
                "ALTER TABLE audit_cold_person DROP CONSTRAINT full_up",
            ),
        };
        house.published().await;
        let hot = house.hot(&past.ours).await;
        house.as_owner(&[(close, vec![])]).await;
        let later = "2026-03-03T00:00:00Z".parse().expect("an instant");
        house.log.tier(&past.ours, &owner, later).await.expect_err("it stops");
        house.as_owner(&[(open, vec![])]).await;
        assert_eq!(house.hot(&past.ours).await, hot, "nothing left");
        let written = house.chunks();
        assert!(written.len() > files.len(), "the files lie there");
        house.tier(&past.ours, "2026-03-03T00:00:00Z").await;
        assert_eq!(house.chunks(), written, "and are found again");
        same(&before, &events(&house.anew().0, &past).await);
        let verified = house.restarted().verify_some(EU, 100_000).await.expect("verifies");
        assert_eq!(verified.faults, []);
    }
}

#[tokio::test]
async fn two_who_move_at_once_and_a_node_that_records_meanwhile_do_no_harm() {
    for house in House::on_each_engine().await {
        let past = house.months(600).await;
        let before = events(&house.record, &past).await;
        house.published().await;
        let (other_record, other) = house.anew();
        let (one, two) = (house.owner().await, house.owner().await);
        let old = SECOND.parse().expect("an instant");
        let (first, second, ()) = tokio::join!(
            house.log.tier(&past.ours, &one, old),
            other.tier(&past.ours, &two, old),
            house.does_other_things(&past.ours, 50),
        );
        assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
        house.tier_from(&other, &past.ours, SECOND).await;
        house.does_other_things(&past.ours, 3).await;
        same(&before, &events(&other_record, &past).await);
        house.published().await;
        let verified = house.restarted().verify_some(EU, 100_000).await.expect("verifies");
        assert_eq!(verified.faults, []);
    }
}

#[tokio::test]
async fn a_call_that_was_open_when_it_was_moved_is_closed_by_the_next_start() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.grow(&ours, 300).await;
        let id = base::id::render("call", base::time::Clock::now(&house.clock));
        house.tell(&ours, "gateway.call.started", &id).await;
        house.grow(&ours, 300).await;
        house.clock.advance(SignedDuration::from_hours(30 * 24));
        house.published().await;
        house.tier(&ours, "2026-02-01T00:00:00Z").await;
        assert!(house.hot(&ours).await[0] > 301, "its beginning is in the archive");
        let (record, _) = house.anew();
        assert_eq!(record.sweep().await.expect("sweeps"), 1);
        let filter = Filter { resource: id, ..Filter::default() };
        let told = pages(&record, &ours, &filter, i64::MAX).await;
        let outcomes: Vec<_> = told.iter().map(|event| &event["outcome"]).collect();
        assert_eq!(outcomes, ["unknown", "started"]);
    }
}

#[tokio::test]
async fn a_copy_of_before_the_move_has_the_events_again_and_is_moved_again() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        let before = events(&house.record, &past).await;
        house.published().await;
        let org = past.ours.org.as_str();
        house
            .as_owner(&[
                ("CREATE TABLE kept AS SELECT * FROM audit_event", vec![]),
                ("DELETE FROM kept WHERE org_id <> $1", args![org]),
            ])
            .await;
        house.tier(&past.ours, SECOND).await;
        let files = house.chunks();
        house
            .as_owner(&[
                ("DELETE FROM audit_cold WHERE org_id = $1", args![org]),
                ("DELETE FROM audit_cold_person WHERE org_id = $1", args![org]),
                ("DELETE FROM audit_cold_thing WHERE org_id = $1", args![org]),
                (
                    "INSERT INTO audit_event SELECT * FROM kept WHERE org_id = $1
                      AND seq < (SELECT MIN(seq) FROM audit_event WHERE org_id = $1)",
                    args![org],
                ),
            ])
            .await;
        let (record, log) = house.anew();
        log.check().await.expect("nothing is lost");
        same(&before, &events(&record, &past).await);
        house.published().await;
        house.tier_from(&log, &past.ours, SECOND).await;
        assert_eq!(house.chunks(), files, "the same files");
        same(&before, &events(&house.anew().0, &past).await);
        assert_eq!(found(&house).await, []);
    }
}

#[tokio::test]
async fn a_search_in_the_archive_ends_soon_and_says_how_far_back_it_looked() {
    let bench = base::testing::Bench::sqlite(audit::sql::MIGRATIONS).await;
    let house = House::on(bench, crate::shelf::Shelf::default());
    let ours: Caller = house.somebody();
    let rare = Event::done("rare.thing.done", "thing", "thing_1");
    house.record.note(&ours, &rare).await.expect("durable");
    house.grow(&ours, 12_288).await;
    house.clock.advance(SignedDuration::from_hours(48));
    house.published().await;
    let moved = house.tier(&ours, "2026-01-02T00:00:00Z").await;
    assert_eq!((moved.hot_from, house.chunks().len()), (12_288, 12));
    // Every chunk may have what begins so: eight are opened at a time.
    let mut filter = Filter { action: "r*".into(), ..Filter::default() };
    let page = house.record.events(&ours, &filter).await.expect("reads");
    assert!(page.items.is_empty(), "{:?}", page.items);
    assert_eq!(page.next.as_deref(), Some("4096"));
    let searched = page.searched_to.expect("says so").to_string();
    assert_eq!(searched, "2026-01-01T00:00:00Z");
    filter.after = page.next;
    let page = house.record.events(&ours, &filter).await.expect("reads");
    assert_eq!((page.items.len(), page.next), (1, None));
    // By name it is found at once: no other chunk is opened.
    house
        .shelf
        .files()
        .retain(|path, _| !path.contains("/0000000") || path.contains("/000000000000-"));
    let filter = Filter { action: "rare.thing.done".into(), ..Filter::default() };
    let (record, _) = house.anew();
    let page = record.events(&ours, &filter).await.expect("reads nothing else");
    assert_eq!((page.items.len(), page.next), (1, None));
}
