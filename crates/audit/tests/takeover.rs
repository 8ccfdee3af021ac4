//! What an earlier version wrote is taken over: the same events at the same positions, sealed.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use access::{Caller, Databases, OrgId, Region};
use audit::{Event, Record};
use base::args;
use base::db::{Statement, Within};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::{Bench, StillClock};
use serde_json::{Value, json};

const EVENTS: i64 = 700;

/// An event as version 0 stored it.
fn old(org: &OrgId, seq: i64) -> Value {
    json!({
        "v": 0, "organizationId": org, "userId": "mem_01KDVDNA00495K2ZPTT9ZNDTZG",
        "actorKind": "member", "keyId": "key_1", "teamIds": ["team_1"],
        "action": "test.thing.set", "resourceType": "thing", "resourceId": format!("thing_{seq}"),
        "outcome": "success", "ipAddress": "192.0.2.7", "userAgent": "curl/8",
        "timestamp": "2026-01-01T00:00:00Z", "requestId": "req_1", "region": "eu",
        "changes": {"name": {"from": "Ingrid Petersen", "to": "I. Petersen"}}
    })
}

#[expect(clippy::disallowed_methods, reason = "as an earlier version left it")]
async fn left_by_version_0(bench: &Bench, org: &OrgId) {
    let add = Statement::new(
        "write an old event",
        "INSERT INTO audit_event_v0
            (org_id, seq, at, action, user_id, resource_type, resource_id, outcome, body)
         VALUES ($1, $2, $3, 'test.thing.set', 'mem_01KDVDNA00495K2ZPTT9ZNDTZG', 'thing', $4,
                 'success', $5)",
    );
    let head = Statement::new(
        "write the head",
        "INSERT INTO audit_head (org_id, size, newest) VALUES ($1, $2, 0)",
    );
    let mut tx = bench.db.begin(&Within::org(org.as_str())).await.expect("begins");
    for seq in 0..EVENTS {
        let (resource, body) = (format!("thing_{seq}"), old(org, seq).to_string());
        let args = args![org.as_str(), seq, 1_767_225_600_000_000 + seq, resource, body];
        tx.run(add, args).await.expect("writes");
    }
    tx.run(head, args![org.as_str(), EVENTS]).await.expect("writes");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn events_of_the_first_version_stay_where_they_were_and_are_sealed() {
    for bench in Bench::on_each_engine(audit::sql::MIGRATIONS, audit::sql::APPEND_ONLY).await {
        let clock = StillClock::new();
        let org = OrgId::new(base::time::Clock::now(&clock));
        left_by_version_0(&bench, &org).await;
        let databases = Databases::new([(Region::Eu, bench.db.clone())]);
        let root = RootKey::from_bytes(&[7; 32]).expect("32 bytes");
        let roots = BTreeMap::from([(Region::Eu, root)]);
        let (shared, tasks, metrics) = (clock.shared(), Tasks::new(), Metrics::new());
        let record = Record::open(&databases, &shared, "n1", &roots, &[], &tasks, &metrics);
        let record = record.expect("starts its thread");
        let caller = Caller::operator(org.clone(), Region::Eu, "test");
        let early = record.note(&caller, &Event::done("test.thing.set", "thing", "t")).await;
        assert!(early.is_err(), "nothing is added before the old events are in the tree");

        assert_eq!(record.take_over().await.expect("takes over"), 700);
        assert_eq!(record.take_over().await.expect("again"), 0);
        let noted = record.note(&caller, &Event::done("test.thing.set", "thing", "t")).await;
        assert_eq!(noted.expect("durable").seq().expect("in the record"), EVENTS);

        let events = record.read_on(&caller.itself(), 0).await.expect("reads");
        assert_eq!(events.len(), 701);
        for (seq, event) in (0..EVENTS).zip(&events) {
            let mut expected = old(&org, seq);
            let members = expected.as_object_mut().expect("an object");
            members.insert("v".into(), 1.into());
            members.insert("sequence".into(), seq.into());
            assert_eq!(event, &expected);
        }
        let every =
            Statement::new("read", "SELECT user_id, body FROM audit_event WHERE org_id = $1");
        let rows = bench.db.all(&Within::org(org.as_str()), every, args![org.as_str()]).await;
        for row in
            rows.expect("reads").iter().filter(|row| row.text("user_id").expect("text") != "test")
        {
            let bytes = [
                row.text("user_id").expect("text").into_bytes(),
                row.bytes("body").expect("bytes"),
            ];
            let bytes = bytes.concat();
            for plain in ["mem_01KDVDNA", "192.0.2.7", "curl", "Petersen"] {
                let found = bytes.windows(plain.len()).any(|window| window == plain.as_bytes());
                assert!(!found, "{plain} lies there for all to read");
            }
        }
    }
}
