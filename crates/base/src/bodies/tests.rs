use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use futures_util::stream;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::{Instant, sleep};

use super::*;
use crate::http::read;

const MIB: usize = 1 << 20;
const ALL: usize = 64 * MIB;
const MAX: usize = 32 * MIB;

fn bodies() -> Bodies {
    Bodies::new(ALL, Duration::from_secs(10), &Metrics::new())
}

/// A body that comes in pieces, and says its length or does not.
fn sent(bodies: &Bodies, size: usize, says: bool) -> Request {
    let piece = |left: usize| async move {
        yield_now().await;
        let len = left.min(64 << 10);
        (len > 0).then(|| (Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; len])), left - len))
    };
    let mut request = Request::new(Body::from_stream(stream::unfold(size, piece)));
    if says {
        request.headers_mut().insert(CONTENT_LENGTH, size.into());
    }
    request.extensions_mut().insert(bodies.clone());
    request
}

/// A body of which these bytes come, and then nothing.
fn stuck(bodies: &Bodies, come: usize, said: usize) -> Request {
    let pieces = stream::iter((come > 0).then(|| Ok::<_, std::io::Error>(vec![b'x'; come])));
    let never = futures_util::StreamExt::chain(pieces, stream::pending());
    let mut request = Request::new(Body::from_stream(never));
    request.headers_mut().insert(CONTENT_LENGTH, said.into());
    request.extensions_mut().insert(bodies.clone());
    request
}

#[expect(clippy::disallowed_methods, reason = "a test ends before its tasks are missed")]
fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(work)
}

fn free(bodies: &Bodies) -> usize {
    bodies.0.common.available_permits() + bodies.0.kept.available_permits()
}

#[tokio::test(start_paused = true)]
async fn all_bodies_together_never_hold_more_than_there_is_room() {
    let bodies = bodies();
    let (held, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for caller in 0..300 {
        let size = [1, 90 << 10, 300 << 10, 3 * MIB, MAX][caller % 5];
        let (bodies, held, peak) = (bodies.clone(), held.clone(), peak.clone());
        callers.spawn(async move {
            let Ok(body) = read(sent(&bodies, size, caller % 3 > 0), MAX).await else { return 0 };
            let now = held.fetch_add(body.len(), Ordering::SeqCst) + body.len();
            peak.fetch_max(now, Ordering::SeqCst);
            // As a provider that takes its time; a clone is the same bytes.
            let copy = body.slice(..body.len() / 2);
            drop(body);
            sleep(Duration::from_millis(50)).await;
            held.fetch_sub(size, Ordering::SeqCst);
            drop(copy);
            1
        });
    }
    let served: usize = callers.join_all().await.into_iter().sum();
    let peak = peak.load(Ordering::SeqCst);
    assert!((MAX..=ALL).contains(&peak), "{peak}");
    assert_eq!(served, 300, "each got through in its turn");
    assert_eq!((free(&bodies), bodies.0.held.get(), bodies.0.refused.get()), (ALL, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn room_is_given_back_however_a_body_ends() {
    let bodies = bodies();
    // The caller leaves in the middle: the reading is dropped.
    let reading = beside(read(stuck(&bodies, 10, 9 * MIB), MAX));
    while free(&bodies) == ALL {
        yield_now().await;
    }
    assert_eq!(free(&bodies), ALL - 9 * MIB, "what was declared is taken");
    reading.abort();
    assert!(reading.await.is_err());
    assert_eq!(free(&bodies), ALL);
    // It stops coming.
    let late = read(stuck(&bodies, 10, 9 * MIB), MAX).await.unwrap_err();
    assert_eq!((late.status(), free(&bodies)), (StatusCode::REQUEST_TIMEOUT, ALL));
    // It breaks off.
    let pieces = [Ok("x"), Err(std::io::Error::other("gone"))];
    let mut broken = Request::new(Body::from_stream(stream::iter(pieces)));
    broken.extensions_mut().insert(bodies.clone());
    assert_eq!(read(broken, MAX).await.unwrap_err().code(), "unreadable_body");
    assert_eq!(free(&bodies), ALL);
    // It is too large, said or not.
    for says in [true, false] {
        let refused = read(sent(&bodies, MAX + 1, says), MAX).await.unwrap_err();
        assert_eq!((refused.code(), free(&bodies)), ("too_large", ALL));
    }
    // Who holds it panics.
    let body = read(sent(&bodies, MIB, false), MAX).await.unwrap();
    assert_eq!(free(&bodies), ALL - MIB, "what was taken beyond its size is given back");
    let holder = beside(async move {
        let _body = body;
        panic!("a fault");
    });
    assert!(holder.await.unwrap_err().is_panic());
    assert_eq!((free(&bodies), bodies.0.held.get()), (ALL, 0));
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_is_refused_in_the_end_and_told_when_to_come_again() {
    let bodies = bodies();
    let held = read(sent(&bodies, MAX, true), MAX).await.unwrap();
    let begun = Instant::now();
    let refused = read(sent(&bodies, MAX, true), MAX).await.unwrap_err();
    assert_eq!(
        (refused.status(), refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "bodies_full")
    );
    assert_eq!(refused.headers()[0].1, "2");
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!((free(&bodies), bodies.0.refused.get()), (ALL - MAX, 1));
    // Room that comes free in time is found.
    let waiting = beside(read(sent(&bodies, MAX, true), MAX));
    sleep(Duration::from_secs(9)).await;
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().len(), MAX);
}

#[tokio::test(start_paused = true)]
async fn small_bodies_pass_large_ones_that_wait_and_these_get_their_turn() {
    let bodies = bodies();
    let mut held = vec![read(sent(&bodies, MAX, true), MAX).await.unwrap()];
    let large = beside(read(sent(&bodies, MAX, true), MAX));
    // Who is first in turn is promised all that is free.
    while bodies.0.common.available_permits() > 0 {
        yield_now().await;
    }
    let next = beside(read(sent(&bodies, MIB, true), MAX));
    let begun = Instant::now();
    let mut small = Vec::new();
    for size in [1, 4 << 10, SMALL_MAX] {
        for says in [true, false] {
            small.push(read(sent(&bodies, size, says), MAX).await.unwrap());
        }
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "they waited for nobody");
    for _ in 0..1_000 {
        yield_now().await;
    }
    assert!(!next.is_finished(), "nobody passes who is larger, though there is room");
    held.clear();
    assert_eq!(large.await.unwrap().unwrap().len(), MAX);
    assert_eq!(next.await.unwrap().unwrap().len(), MIB);
}

#[tokio::test(start_paused = true)]
async fn who_declares_much_and_sends_nothing_takes_no_room() {
    let bodies = bodies();
    let mut idle = JoinSet::new();
    for _ in 0..100 {
        idle.spawn(read(stuck(&bodies, 0, MAX), MAX));
    }
    yield_now().await;
    assert_eq!(free(&bodies), ALL);
    assert_eq!(read(sent(&bodies, MAX, true), MAX).await.unwrap().len(), MAX);
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_room_as_it_grows_and_what_finds_none_gives_back_what_it_had() {
    let answers = Bodies::of_answers(ALL, Duration::from_secs(10), &Metrics::new());
    assert_eq!(answers.largest(), ALL - ALL / KEPT);
    let first = answers.take(MIB).await.unwrap();
    let first = answers.grow(first, 2 * MIB, 20 * MIB).await.unwrap();
    assert_eq!((first.bytes(), free(&answers)), (20 * MIB, ALL - 20 * MIB));
    assert_eq!(answers.0.held.get(), 20 << 20);
    let second = answers.take(30 * MIB).await.unwrap();
    // What is kept for small ones is found, and from there the way leads to the common room.
    let rest = answers.take(6 * MIB).await.unwrap();
    let small = answers.take(SMALL_MAX).await.unwrap();
    drop(rest);
    let small = answers.grow(small, MIB, MIB).await.unwrap();
    assert_eq!(free(&answers), ALL - 51 * MIB);
    let begun = Instant::now();
    // Where twice as much is not free, what is needed is enough.
    let second = answers.grow(second, 31 * MIB, 60 * MIB).await.unwrap();
    assert_eq!((begun.elapsed(), second.bytes()), (Duration::ZERO, 31 * MIB));
    // Who holds room waits shortly.
    assert!(answers.grow(second, 40 * MIB, 60 * MIB).await.is_none());
    assert_eq!((begun.elapsed().as_secs(), free(&answers)), (1, ALL - 21 * MIB));
    drop((first, small));
    assert_eq!((free(&answers), answers.0.held.get(), answers.0.refused.get()), (ALL, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn answers_that_wait_for_what_each_other_holds_are_parted_before_others_feel_it() {
    let answers = Bodies::of_answers(ALL, Duration::from_secs(10), &Metrics::new());
    let mut growing = JoinSet::new();
    for _ in 0..7 {
        let (answers, room) = (answers.clone(), answers.take(8 * MIB).await.unwrap());
        growing.spawn(async move { answers.grow(room, 9 * MIB, 16 * MIB).await.is_some() });
    }
    yield_now().await;
    let begun = Instant::now();
    assert!(answers.take(MIB).await.is_some(), "another one stands behind them");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let grown = growing.join_all().await.into_iter().filter(|grown| *grown).count();
    assert_eq!((grown, answers.0.held.get()), (6, 0), "one of them gave way");
}
