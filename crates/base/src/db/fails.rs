//! Tests: a database that fails, and what is seen of it.
#![expect(clippy::disallowed_methods, reason = "a test of the database itself")]

use std::future::poll_fn;
use std::task::Poll;

use super::{Db, Migration, Pool, Statement, Tx, Within};
use crate::args;
use crate::testing::{Bench, Relay};

const THING: Migration = Migration::both(
    "base/sum",
    "CREATE TABLE base_sum (org_id TEXT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL)",
);
const SET: Statement = Statement::new(
    "set",
    "INSERT INTO base_sum (org_id, amount) VALUES ($1, $2)
         ON CONFLICT (org_id) DO UPDATE SET amount = excluded.amount",
);
const GROW: Statement =
    Statement::new("grow", "UPDATE base_sum SET amount = amount + 1 WHERE org_id = $1");
const OF: Statement = Statement::new("look", "SELECT amount FROM base_sum WHERE org_id = $1");

async fn sum(db: &Db, org: &str) -> i64 {
    let row = db.maybe(&Within::org(org), OF, args![org]).await.unwrap().unwrap();
    row.int("amount").unwrap()
}

async fn with(bench: &Bench) {
    let mut tx = bench.db.begin(&Within::node()).await.unwrap();
    for org in ["org_a", "org_b"] {
        tx.run(SET, args![org, 1]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn two_that_wait_for_each_other_both_get_through() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let within = Within::node();
    let mut first = bench.db.begin(&within).await.unwrap();
    let mut second = bench.db.begin(&within).await.unwrap();
    first.run(GROW, args!["org_a"]).await.unwrap();
    second.run(GROW, args!["org_b"]).await.unwrap();
    let ends = async |mut tx: Tx, other: &str| {
        tx.run(GROW, args![other]).await.unwrap();
        tx.commit().await.unwrap();
    };
    tokio::join!(ends(first, "org_b"), ends(second, "org_a"));
    assert_eq!((sum(&bench.db, "org_a").await, sum(&bench.db, "org_b").await), (3, 3));
    assert!(bench.db.health().repeated >= 1, "{:?}", bench.db.health());
}

#[tokio::test]
async fn a_connection_that_ends_before_the_commit_is_not_noticed() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let (relay, url) = Relay::before(&bench.url).await;
    let db = Db::open(&url).await.unwrap();
    relay.cut();
    let mut tx = db.begin(&Within::node()).await.unwrap();
    let row = tx.maybe(OF, args!["org_a"]).await.unwrap().unwrap();
    tx.run(SET, args!["org_a", row.int("amount").unwrap() + 1]).await.unwrap();
    relay.cut();
    tx.run(GROW, args!["org_b"]).await.unwrap();
    tx.commit().await.unwrap();
    relay.cut();
    assert_eq!((sum(&db, "org_a").await, sum(&db, "org_b").await), (2, 2));
}

#[tokio::test]
async fn whoever_decided_on_what_is_no_longer_so_is_refused() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let (relay, url) = Relay::before(&bench.url).await;
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.begin(&Within::node()).await.unwrap();
    let row = tx.maybe(OF, args!["org_a"]).await.unwrap().unwrap();
    relay.cut();
    let mut other = bench.db.begin(&Within::node()).await.unwrap();
    other.run(SET, args!["org_a", 10]).await.unwrap();
    other.commit().await.unwrap();
    let known = row.int("amount").unwrap();
    let refused = tx.run(SET, args!["org_a", known + 1]).await.unwrap_err();
    assert!(refused.is_unreachable() && !refused.is_in_doubt(), "{refused:?}");
    assert!(tx.commit().await.is_err());
    assert_eq!(sum(&db, "org_a").await, 10);
}

#[tokio::test]
async fn a_commit_without_an_answer_is_a_doubt_and_not_repeated() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let (relay, url) = Relay::before(&bench.url).await;
    let db = Db::open(&url).await.unwrap();
    for (lost, expected) in [(true, 2), (false, 2)] {
        if lost {
            relay.lose_the_answer_to_the_next_commit();
        } else {
            relay.lose_the_next_commit();
        }
        let mut tx = db.begin(&Within::node()).await.unwrap();
        tx.run(GROW, args!["org_a"]).await.unwrap();
        let doubt = tx.commit().await.unwrap_err();
        assert!(doubt.is_in_doubt() && doubt.is_unreachable() && !doubt.is_undone());
        assert_eq!(sum(&db, "org_a").await, expected);
    }
}

#[tokio::test]
async fn whoever_leaves_while_a_read_begins_leaves_nothing_behind() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let (within, mut is_read) = (Within::node(), false);
    let mut left = 0;
    while !is_read {
        let mut read = Box::pin(bench.db.all(&within, OF, args!["org_a"]));
        let mut polls = 0;
        is_read = poll_fn(|context| {
            polls += 1;
            if polls > left {
                Poll::Ready(false)
            } else {
                read.as_mut().poll(context).map(|_| true)
            }
        })
        .await;
        drop(read);
        let mut tx = bench.db.begin(&within).await.unwrap();
        tx.run(GROW, args!["org_a"]).await.unwrap();
        tx.commit().await.unwrap();
        left += 1;
        assert_eq!(sum(&bench.db, "org_a").await, 1 + left);
    }
    let health = bench.db.health();
    assert_eq!((health.repeated, health.renewed), (0, 0), "left at {left} places");
}

#[tokio::test]
async fn connections_that_lead_to_a_former_primary_are_made_anew() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let Pool::Postgres(lines) = bench.db.pool() else { unreachable!("PostgreSQL") };
    let (pool, _) = lines.now();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut connection = pool.acquire().await.unwrap();
        let read_only = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
        sqlx::query(read_only).execute(&mut *connection).await.unwrap();
        held.push(connection);
    }
    for mut connection in held {
        connection.return_to_pool().await;
    }
    let mut tx = bench.db.begin(&Within::node()).await.unwrap();
    tx.run(GROW, args!["org_a"]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(sum(&bench.db, "org_a").await, 2);
    assert_eq!(bench.db.health().renewed, 1);
}

#[tokio::test]
async fn of_several_servers_the_one_that_may_write_is_used() {
    let Some(bench) = Bench::postgres(&[THING], &[]).await else { return };
    with(&bench).await;
    let (head, rest) = bench.url.split_once('@').unwrap();
    // Nobody listens on the first.
    let several = format!("{head}@127.0.0.1:1,{rest}&target_session_attrs=read-write");
    let db = Db::open(&several).await.unwrap();
    assert_eq!(sum(&db, "org_a").await, 1);
    let nobody = format!("{head}@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=any");
    assert!(Db::open(&nobody).await.unwrap_err().to_string().contains("be opened"));
}

#[tokio::test]
async fn after_a_full_disk_the_embedded_engine_writes_again_as_soon_as_there_is_room() {
    let bench = Bench::sqlite(&[THING]).await;
    with(&bench).await;
    for here in [false, true] {
        let begin = async || {
            let (db, within) = (&bench.db, Within::node());
            if here { db.begin_here(&within).await } else { db.begin(&within).await }.unwrap()
        };
        let mut full = begin().await;
        full.all(Statement::new("fill the disk", "PRAGMA max_page_count = 1"), args![])
            .await
            .unwrap();
        full.run(GROW, args!["org_a"]).await.unwrap();
        let large = Statement::new(
            "write what does not fit",
            "INSERT INTO base_sum (org_id, amount) VALUES (CAST(zeroblob(1000000) AS TEXT), 1)",
        );
        let error = full.run(large, args![]).await.unwrap_err();
        assert!(error.is_away(), "{error:?}");
        // What was undone is not gone on with, row by row.
        full.run(GROW, args!["org_b"]).await.unwrap_err();
        drop(full);
        let mut tx = begin().await;
        tx.all(Statement::new("make room", "PRAGMA max_page_count = 1000000"), args![])
            .await
            .unwrap();
        tx.run(GROW, args!["org_a"]).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!((sum(&bench.db, "org_a").await, sum(&bench.db, "org_b").await), (3, 1));
}
