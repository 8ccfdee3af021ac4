//! The memory around one handler, on each engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use access::{Caller, Databases, OrgId, Region};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use base::args;
use base::db::{Db, Statement, Value, Within};
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use base::time::Clock as _;
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::memory::Memory;
use super::{Idempotency, sql};

/// A handler that counts, and waits for its sign when it is asked slowly.
#[derive(Clone, Default)]
struct Counter {
    done: Arc<AtomicU32>,
    go_on: Arc<Notify>,
    begun: Arc<Notify>,
}

async fn count(State(counter): State<Counter>, request: Request) -> impl IntoResponse {
    if request.uri().path() == "/slow" {
        counter.begun.notify_one();
        counter.go_on.notified().await;
    }
    let done = counter.done.fetch_add(1, Ordering::SeqCst) + 1;
    ([(SET_COOKIE, format!("mark={done}"))], format!("done {done}"))
}

struct House {
    bench: Bench,
    counter: Counter,
    idempotency: Idempotency,
    member: Caller,
}

async fn each() -> Vec<House> {
    let benches = Bench::on_each_engine(sql::MIGRATIONS, &[]).await;
    benches.into_iter().map(house).collect()
}

fn house(bench: Bench) -> House {
    let clock = StillClock::new();
    let databases = Databases::new([(Region::Eu, bench.db.clone())]);
    let roots = BTreeMap::from([(Region::Eu, RootKey::fresh().unwrap())]);
    let tasks = Tasks::new();
    let mut idempotency = Idempotency::open(&databases, &roots, &tasks).unwrap();
    idempotency.watch = Duration::ZERO;
    let member = Caller::operator(OrgId::new(clock.now()), Region::Eu, "test");
    House { bench, counter: Counter::default(), idempotency, member }
}

impl House {
    async fn ask(&self, caller: &Caller, target: &str, key: &str) -> Response {
        let routes = Router::new().route("/{any}", post(count)).with_state(self.counter.clone());
        let routes = self.idempotency.clone().around(routes).layer(Extension(caller.clone()));
        let request = Request::post(target).header("idempotency-key", key);
        routes.oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap()
    }

    /// A click on a form's button.
    async fn click(&self, target: &str) -> (String, Option<HeaderValue>) {
        let routes = Router::new().route("/{any}", post(count)).with_state(self.counter.clone());
        let routes = self.idempotency.clone().around(routes).layer(Extension(self.member.clone()));
        let request = Request::post(target).body(Body::from("name=a")).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        let cookie = response.headers().get(SET_COOKIE).cloned();
        let bytes = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        (String::from_utf8(bytes.to_vec()).unwrap(), cookie)
    }

    /// Runs a statement of the tests.
    #[expect(clippy::disallowed_methods, reason = "a test stands in for time and for faults")]
    async fn run(db: &Db, text: &'static str, args: Vec<Value>) {
        let mut tx = db.begin(&Within::node()).await.unwrap();
        tx.run(Statement::new("test", text), args).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// So many seconds go by since anybody was last heard of, by the database's clock.
    async fn age(&self, secs: i64) {
        const AGE: &str = "UPDATE server_idempotency SET alive_at = alive_at - $1";
        Self::run(&self.bench.db, AGE, args![secs * 1_000_000]).await;
    }

    async fn told(&self, caller: &Caller, target: &str, key: &str) -> String {
        let response = self.ask(caller, target, key).await;
        assert_eq!(response.status(), StatusCode::OK, "{:?}", self.bench.db.engine());
        let bytes = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn what_was_asked_is_done_and_remembered_though_the_caller_hung_up() {
    for house in each().await {
        let begun = house.counter.begun.clone();
        tokio::select! {
            _ = house.ask(&house.member, "/slow", "k") => unreachable!("it waits"),
            () = begun.notified() => {}
        }
        let again = house.ask(&house.member, "/slow", "k").await;
        assert_eq!(again.status(), StatusCode::CONFLICT, "it is under way");
        house.counter.go_on.notify_one();
        house.idempotency.tasks.ended().await;
        assert_eq!(house.told(&house.member, "/slow", "k").await, "done 1");
        assert_eq!(house.counter.done.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn answers_of_an_org_that_rests_are_gone_after_a_day() {
    const YESTERDAY: &str = "UPDATE server_idempotency SET at = at - $1";
    for house in each().await {
        house.told(&house.member, "/quick", "k").await;
        assert_eq!(house.idempotency.sweep().await.unwrap(), 0);
        House::run(&house.bench.db, YESTERDAY, args![86_400_000_001_i64]).await;
        assert_eq!(house.idempotency.sweep().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_request_that_a_crash_cut_off_may_be_sent_again_after_a_minute() {
    for house in each().await {
        // Dropped in the middle, as by a crash.
        let memory = Memory::new(house.idempotency.clone(), &house.member, "k", false);
        let begun = Notify::new();
        let run = async {
            begun.notify_one();
            std::future::pending().await
        };
        tokio::select! {
            _ = memory.once(b"POST\0/quick\0{}", run) => unreachable!("it waits"),
            () = begun.notified() => {}
        }
        house.age(50).await;
        assert_eq!(house.ask(&house.member, "/quick", "k").await.status(), StatusCode::CONFLICT);
        house.age(11).await;
        let other = house.ask(&house.member, "/other", "k").await;
        assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY, "only the same request");
        assert_eq!(house.told(&house.member, "/quick", "k").await, "done 1");
        assert_eq!(house.told(&house.member, "/quick", "k").await, "done 1");
    }
}

#[tokio::test]
async fn an_answer_is_remembered_again_but_not_for_a_request_that_somebody_else_took() {
    const BEGUN: &str = "UPDATE server_idempotency SET at = 5, status = NULL, answer = NULL";
    for house in each().await {
        assert_eq!(house.told(&house.member, "/quick", "k").await, "done 1");
        House::run(&house.bench.db, BEGUN, vec![]).await;
        let memory = Memory::new(house.idempotency.clone(), &house.member, "k", false);
        let who = house.member.actor.id();
        let end = |at: i64, answer: u8| args![who, "k", at, 200_i64, vec![answer]];
        assert!(!memory.remember(end(4, 1)).await.unwrap(), "taken by another one at 5");
        assert!(memory.remember(end(5, 1)).await.unwrap());
        assert!(memory.remember(end(5, 1)).await.unwrap(), "its commit was in doubt");
        assert!(!memory.remember(end(5, 2)).await.unwrap(), "nothing is overwritten");
    }
}

#[tokio::test]
async fn what_was_done_while_the_database_was_away_is_remembered_and_not_done_again() {
    for house in each().await {
        let owner = Db::open(&house.bench.owner_url).await.unwrap();
        let away = async {
            house.counter.begun.notified().await;
            House::run(&owner, "ALTER TABLE server_idempotency RENAME TO elsewhere", vec![]).await;
            house.counter.go_on.notify_one();
        };
        let (first, ()) = tokio::join!(house.told(&house.member, "/slow", "k"), away);
        assert_eq!(first, "done 1", "it was done, so that is said");
        House::run(&owner, "ALTER TABLE elsewhere RENAME TO server_idempotency", vec![]).await;
        owner.close().await;
        house.idempotency.tasks.ended().await;
        house.age(3_600).await;
        assert_eq!(house.told(&house.member, "/slow", "k").await, "done 1");
        assert_eq!(house.counter.done.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_request_that_could_not_say_that_it_lives_is_watched_before_it_is_taken_for_dead() {
    for mut house in each().await {
        house.idempotency.watch = Duration::from_mins(1);
        let first = house.ask(&house.member, "/slow", "k");
        tokio::pin!(first);
        tokio::select! {
            _ = &mut first => unreachable!("it waits"),
            () = house.counter.begun.notified() => {}
        }
        // As behind a failover of a minute and more.
        house.age(90).await;
        let again = house.told(&house.member, "/slow", "k");
        tokio::pin!(again);
        tokio::select! {
            _ = &mut again => unreachable!("the first one has no answer yet"),
            () = house.counter.begun.notified() => unreachable!("it is not done again"),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
        house.counter.go_on.notify_one();
        let (first, again) = tokio::join!(first, again);
        assert_eq!((first.status(), again.as_str()), (StatusCode::OK, "done 1"));
        assert_eq!(house.counter.done.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_second_click_on_a_form_waits_for_the_first_and_does_nothing_twice() {
    for house in each().await {
        let (begun, go_on) = (house.counter.begun.clone(), house.counter.go_on.clone());
        let second = async {
            begun.notified().await;
            let (answer, ()) =
                tokio::join!(house.click("/slow?once=m1"), async { go_on.notify_one() });
            answer
        };
        let (first, second) = tokio::join!(house.click("/slow?once=m1"), second);
        // A browser takes the second answer, with the cookies that the first one set.
        let done = |times| {
            let cookie = format!("mark={times}").parse().unwrap();
            (format!("done {times}"), Some(cookie))
        };
        assert_eq!((first, second), (done(1), done(1)));
        assert_eq!(house.click("/quick?once=m2").await, done(2), "another filling-in");
    }
}

#[tokio::test]
async fn another_query_is_another_request() {
    for house in each().await {
        assert_eq!(house.told(&house.member, "/quick?dry=1", "k").await, "done 1");
        let other = house.ask(&house.member, "/quick?dry=0", "k").await;
        assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn the_servers_own_statements_are_understood_by_each_engine_and_name_their_org() {
    for bench in Bench::on_each_engine(sql::MIGRATIONS, &[]).await {
        for statement in sql::STATEMENTS {
            bench.db.understands(statement.text).await.unwrap();
            // One forgets what is old in every org.
            let of_all = statement.text == sql::FORGET_ALL_OLD.text;
            let of_one =
                statement.text.contains("org_id = $1") || statement.text.contains("(org_id");
            assert!(of_one || of_all);
        }
    }
}
