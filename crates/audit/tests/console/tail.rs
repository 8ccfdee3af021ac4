//! Following live.

use access::Caller;
use audit::Event;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use tower::ServiceExt;

use crate::house::House;

async fn follow(house: &House, caller: &Caller, path: &str, last: Option<i64>) -> Response {
    let mut request = Request::get(path);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let request = request.body(Body::empty()).expect("a request");
    house.routes(caller).oneshot(request).await.expect("infallible")
}

/// The next piece that holds a row.
async fn piece(response: &mut Response) -> String {
    loop {
        let frame = response.frame().await.expect("goes on").expect("a frame");
        let bytes = frame.into_data().expect("data");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        if text.contains("event: ") {
            return text;
        }
    }
}

#[tokio::test]
async fn new_events_come_as_rows_and_following_is_recorded_once() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        house.note(&auditor, &Event::done("test.thing.set", "thing", "before")).await;
        let path = "/record/tail?resource_type=thing&after=0";
        let mut first = follow(&house, &auditor, path, None).await;
        assert_eq!(first.headers()["content-type"], "text/event-stream");
        house.note(&auditor, &Event::done("test.other.set", "other", "hidden")).await;
        let seq = house.note(&auditor, &Event::done("test.thing.set", "thing", "<b>new</b>")).await;
        let text = piece(&mut first).await;
        assert!(
            text.contains(&format!("id: {seq}\nevent: row\ndata: <tr data-sequence=\"{seq}\">\n")),
            "{text}"
        );
        assert!(
            text.contains("&#60;b&#62;new") && !text.contains("hidden") && !text.contains("before"),
            "{text}"
        );
        drop(first);

        // The browser comes again and goes on behind what it has.
        let newer = house.note(&auditor, &Event::done("test.thing.set", "thing", "newer")).await;
        let mut again = follow(&house, &auditor, path, Some(seq)).await;
        let text = piece(&mut again).await;
        assert!(
            text.contains(&format!("id: {newer}\nevent: row")) && !text.contains("<b>"),
            "{text}"
        );
        assert_eq!(house.count("audit.events.followed").await, 1, "{:?}", house.bench.db.engine());

        house.clock.advance(SignedDuration::from_secs(600));
        let over = follow(&house, &auditor, path, Some(newer)).await;
        assert_eq!(over.status(), 204, "ten minutes are over");
        let anew = follow(&house, &auditor, path, None).await;
        assert_eq!(anew.status(), 200);
        assert_eq!(house.count("audit.events.followed").await, 2, "a new beginning");
    }
}

#[tokio::test]
async fn following_and_exporting_end_with_the_credential() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let mut tail = follow(&house, &auditor, "/record/tail?resource_type=thing", None).await;
        house.note(&auditor, &Event::done("test.thing.set", "thing", "seen")).await;
        assert!(piece(&mut tail).await.contains("event: row"));
        let export = follow(&house, &auditor, "/api/events.jsonl", None).await;
        assert_eq!(export.status(), 200);
        let begun = std::time::Instant::now();
        auditor.standing.life.end();
        let rest = tail.into_body().collect().await.expect("an end").to_bytes();
        assert!(begun.elapsed().as_millis() < 900, "not only when it would have asked again");
        assert!(rest.is_empty(), "{rest:?}");
        assert!(export.into_body().collect().await.is_err(), "a file that is not whole says so");
    }
}

#[tokio::test]
async fn whoever_follows_does_not_see_their_own_reading() {
    for house in House::on_each_engine().await {
        let (auditor, other) = (house.auditor(), house.auditor());
        let mut tail = follow(&house, &auditor, "/record/tail", None).await;
        house.get(&auditor, "/api/events").await;
        house.get(&other, "/api/events?action=by.somebody.else").await;
        let text = piece(&mut tail).await;
        assert_eq!(text.matches("event: row").count(), 1, "{text}");
        assert!(text.contains("read the record"), "{text}");
    }
}

#[tokio::test]
async fn a_node_that_stops_waits_for_nobody_who_follows() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let tail = follow(&house, &auditor, "/record/tail", None).await;
        house.record.stop_following();
        let rest = tail.into_body().collect().await.expect("ends").to_bytes();
        assert!(!rest.windows(5).any(|bytes| bytes == b"event"), "{:?}", house.bench.db.engine());
    }
}

#[tokio::test]
async fn an_org_has_twenty_followers_on_a_node_at_most() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        let mut tails = Vec::new();
        for _ in 0..20 {
            tails.push(follow(&house, &auditor, "/record/tail", None).await);
        }
        let refused = follow(&house, &auditor, "/record/tail", None).await;
        assert_eq!(refused.status(), 503);
        tails.pop();
        let one = follow(&house, &auditor, "/record/tail", None).await;
        assert_eq!(one.status(), 200, "{:?}", house.bench.db.engine());
    }
}
