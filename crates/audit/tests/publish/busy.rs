//! A bucket that says of the first put of each file that another one is under way, as S3 may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use audit::{Event, Store, StoreError};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base::tasks::Tasks;
use base::testing::Bench;
use serde_json::json;

use crate::bucket::bucket;
use crate::house::{EU, House};
use crate::shelf::Shelf;

#[derive(Clone, Default)]
struct Busy(Arc<Mutex<Files>>);

#[derive(Default)]
struct Files {
    there: BTreeMap<String, Vec<u8>>,
    /// Those of which a first put was refused.
    refused: BTreeSet<String>,
}

impl Busy {
    /// Its address.
    async fn listening(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(self.clone());
        Tasks::new().spawn(async move { drop(axum::serve(listener, router).await) });
        address
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().expect("nobody panicked")
    }
}

fn refuse(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code></Error>")).into_response()
}

async fn answer(
    State(busy): State<Busy>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().trim_start_matches("/log/cell-1/eu/").to_owned();
    let mut files = busy.files();
    let there = files.there.get(&path).cloned();
    let tag = there.as_ref().map(|bytes| format!("\"{}\"", bytes.len()));
    let is = |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
    if method == Method::GET {
        let Some((bytes, tag)) = there.zip(tag) else {
            return refuse(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        let modified = "Thu, 01 Jan 2026 00:00:00 GMT".to_owned();
        return ([(header::ETAG, tag), (header::LAST_MODIFIED, modified)], bytes).into_response();
    }
    if method == Method::DELETE {
        files.there.remove(&path);
        return StatusCode::NO_CONTENT.into_response();
    }
    let put = match is(header::IF_MATCH) {
        Some(before) => tag.as_deref() == Some(before),
        None if files.refused.insert(path.clone()) => {
            return refuse(StatusCode::CONFLICT, "ConditionalRequestConflict");
        }
        None => there.is_none(),
    };
    if !put {
        return refuse(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let tag = format!("\"{}\"", body.len());
    files.there.insert(path, body.to_vec());
    [(header::ETAG, tag)].into_response()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_a_bucket_refuses_while_another_is_under_way_is_no_other_file() {
    let busy = Busy::default();
    let store = bucket(&busy.listening().await, "log");
    let first = store.put("org_a/tile/0/000.p/1", b"one").await;
    assert!(matches!(first, Err(StoreError::Failed(..))), "{first:?}");
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("puts");
    store.put("org_a/tile/0/000.p/1", b"one").await.expect("the same again");
    let other = store.put("org_a/tile/0/000.p/1", b"two").await;
    assert!(matches!(other, Err(StoreError::Conflict(_))), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_bucket_stops_no_log_and_no_erasure_is_covered_without_its_note() {
    let busy = Busy::default();
    let house = House::on(Bench::sqlite(audit::sql::MIGRATIONS).await, Shelf::default());
    let log = house.within(Arc::new(bucket(&busy.listening().await, "log")));
    let ours = house.somebody();
    house.grow(&ours, 3).await;
    let erased = Event::done("privacy.person.erased", "member", "mem_01KDVDNA00495K2ZPTT9ZNDTZG");
    let erased = erased.changes(json!({ "person": "a-keyed-hash" }));
    house.record.note(&ours, &erased).await.expect("durable");
    house.grow(&ours, 3).await;

    let (checkpoint, note) = (format!("{}/checkpoint", ours.org), format!("erased/{}/", ours.org));
    let mut published = 0;
    for _ in 0..20 {
        match log.publish(EU).await {
            Ok(one) => published += one.entries,
            Err(error) => assert!(matches!(error, audit::LogError::Store(_)), "{error:?}"),
        }
        let files = busy.files();
        let noted = files.there.keys().any(|path| path.starts_with(&note));
        assert!(noted || !files.there.contains_key(&checkpoint), "covered without its note");
    }
    assert_eq!(published, 7);
    assert!(busy.files().refused.iter().any(|path| path.starts_with(&note)), "it was busy");
    let verified = log.verify_some(EU, 100).await.expect("verifies");
    assert_eq!((verified.checked, verified.faults), (7, vec![]));
}
