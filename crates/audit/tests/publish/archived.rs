//! What is wrong with an archive, who may not touch it, and who is forgotten in it.

use access::Databases;
use audit::{Change, Event, FaultKind, Keeper};
use axum::http::StatusCode;
use base::args;
use base::db::{Engine, Statement, Within};
use base::time::At;
use serde_json::{Value, json};
use std::io::Cursor;
use verify::Options;

use crate::house::{EU, House};
use crate::tiered::{INGRID, SECOND, asked, person};

/// What the standing verification of another process finds: positions and kinds.
pub(crate) async fn found(house: &House) -> Vec<(u64, FaultKind)> {
    let verified = house.anew().1.verify_some(EU, 100_000).await.expect("verifies");
    verified.faults.into_iter().map(|it| (it.seq.expect("a position"), it.kind)).collect()
}

#[tokio::test]
async fn whatever_is_changed_in_the_archive_is_found_and_named() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        house.tier(&past.ours, SECOND).await;
        assert_eq!(found(&house).await, []);
        let path = house.chunks().remove(0);
        let whole = house.shelf.files()[&path].clone();
        let faulty = [(0, FaultKind::NoChunk(path.clone()))];
        for byte in [0, 30, whole.len() - 1] {
            house.shelf.files().get_mut(&path).expect("is there")[byte] ^= 1;
            assert_eq!(found(&house).await[..1], faulty, "byte {byte}");
            house.shelf.files().insert(path.clone(), whole.clone());
        }
        house.shelf.files().remove(&path);
        assert_eq!(found(&house).await[..1], faulty);
        // Whoever reads it is told, and whoever reads what is newer is not held up.
        let (record, log) = house.anew();
        let asks = async |path: &str| asked(&record, &past.ours, path).await;
        for path in ["/api/events/3", "/api/events?to=2026-01-02"] {
            let answer = asks(path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.json()["code"], "record_faulty");
        }
        assert_eq!(asks("/api/events?limit=5").await.status, StatusCode::OK);
        assert!(log.receipt(&past.member, &past.calls[0]).await.is_err());
        assert!(log.receipt(&past.member, &past.calls[8]).await.is_ok());
        house.shelf.files().insert(path.clone(), whole);

        let org = past.ours.org.as_str();
        for (tamper, restore, what) in [
            (
                "UPDATE audit_cold SET to_at = to_at + 1 WHERE org_id = $1 AND first = 0",
                "UPDATE audit_cold SET to_at = to_at - 1 WHERE org_id = $1 AND first = 0",
                "times and sizes",
            ),
            (
                "UPDATE audit_cold_person SET events = events - 1 WHERE org_id = $1 AND first = 0",
                "UPDATE audit_cold_person SET events = events + 1 WHERE org_id = $1 AND first = 0",
                "people",
            ),
            (
                "UPDATE audit_cold SET bytes = bytes - 1 WHERE org_id = $1 AND first = 0",
                "UPDATE audit_cold SET bytes = bytes + 1 WHERE org_id = $1 AND first = 0",
                "times and sizes",
            ),
        ] {
            house.as_owner(&[(tamper, args![org])]).await;
            assert_eq!(found(&house).await, [(0, FaultKind::OtherSummary(what))], "{tamper}");
            house.as_owner(&[(restore, args![org])]).await;
        }
        let hide = "UPDATE audit_cold SET names = $2 WHERE org_id = $1 AND first = 0";
        house.as_owner(&[(hide, args![org, vec![0_u8; 64]])]).await;
        assert_eq!(found(&house).await, [(0, FaultKind::OtherSummary("names"))]);
        house.as_owner(&[("DELETE FROM audit_cold_thing WHERE org_id = $1", args![org])]).await;
        assert_eq!(found(&house).await.len(), 1, "still the same chunk");
        house.as_owner(&[("DELETE FROM audit_cold WHERE org_id = $1", args![org])]).await;
        assert_eq!(found(&house).await[0], (0, FaultKind::Missing));
    }
}

#[tokio::test]
async fn while_the_archive_is_away_old_questions_are_refused_and_new_ones_go_on() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        house.tier(&past.ours, SECOND).await;
        let (record, log) = house.anew();
        house.shelf.is_away(true);
        let asks = async |path: &str| asked(&record, &past.ours, path).await;
        for path in [
            "/api/events/3",
            "/api/events?to=2026-01-02",
            "/api/events?action=test.*&limit=200&to=2026-01-20",
        ] {
            let answer = asks(path).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.json()["code"], "archive_unavailable", "{path}");
        }
        let newest = format!("/api/events/{}", past.size - 1);
        let nobody = "/api/events?user=mem_01KDVDNA00495K2ZPTT9ZNDTZX";
        for path in ["/api/events?limit=5", "/api/events?last=24h", &newest, nobody] {
            assert_eq!(asks(path).await.status, StatusCode::OK, "{path}");
        }
        house.grow(&past.ours, 3).await;
        let scope = past.ours.itself();
        assert!(record.read_on(&scope, 0).await.is_err());
        assert_eq!(record.read_on(&scope, past.size).await.expect("reads").len(), 8);
        // How old events are is known without it: of those in there, about.
        let mut about = Vec::new();
        for seq in [0, past.second - 1, past.second] {
            about.push(
                record.recorded_about(&scope, seq).await.expect("reads").expect("an instant"),
            );
        }
        house.shelf.works();
        let first = record.read_on(&scope, 0).await.expect("reads");
        let at = |event: &Value| event["timestamp"].as_str().expect("text").parse::<At>();
        let hot = record.read_on(&scope, past.second).await.expect("reads");
        assert_eq!(Ok(about[0]), at(&first[0]).map_err(drop));
        assert!(about[0] <= about[1] && about[1] < about[2], "{about:?}");
        assert_eq!(Ok(about[2]), at(&hot[0]).map_err(drop));
        log.check().await.expect("all is well");
    }
}

#[tokio::test]
async fn the_application_lets_no_event_leave() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        let (db, org) = (&house.bench.db, past.ours.org.as_str());
        let refused = async |text: &'static str| {
            let mut tx = db.begin(&Within::org(org)).await.expect("begins");
            tx.run(Statement::new("tamper", text), args![org]).await.expect_err("is refused")
        };
        // Neither before anything lies in the archive, nor what does not lie there.
        refused("DELETE FROM audit_event WHERE org_id = $1").await;
        house.tier(&past.ours, SECOND).await;
        refused("DELETE FROM audit_event WHERE org_id = $1").await;
        refused("DELETE FROM audit_cold WHERE org_id = $1").await;
        refused("UPDATE audit_cold SET next = 1000000 WHERE org_id = $1").await;
        refused("DELETE FROM audit_cold_person WHERE org_id = $1").await;
        refused("DELETE FROM audit_cold_thing WHERE org_id = $1").await;
        if db.engine() == Engine::Postgres {
            let says = "INSERT INTO audit_cold SELECT org_id, 1000000, 1000001, 0, 0, file, sha256,
                          names, 0, 0 FROM audit_cold WHERE org_id = $1 AND first = 0";
            let why = refused(says).await;
            let cause = std::error::Error::source(&why).expect("why").to_string();
            assert!(cause.contains("only who owns the record"), "{cause}");
            // Nor does it say that the org has left for another region.
            let why = refused("INSERT INTO audit_left (org_id) VALUES ($1)").await;
            let cause = std::error::Error::source(&why).expect("why").to_string();
            assert!(cause.contains("only who owns the record"), "{cause}");
            let complaints = db.posture(audit::sql::APPEND_ONLY).await.expect("looks");
            assert_eq!(complaints, [""; 0]);
            // And the verb itself does nothing with the rights of the application.
            house.published().await;
            let later = "2026-03-03T00:00:00Z".parse().expect("an instant");
            house.log.tier(&past.ours, db, later).await.expect_err("it may not");
        }
        assert_eq!(found(&house).await, []);
    }
}

#[tokio::test]
async fn whoever_is_erased_after_the_move_is_gone_and_every_proof_stands() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        house.tier(&past.ours, SECOND).await;
        let (ours, scope) = (&past.ours, past.ours.itself());
        let databases = Databases::new([(EU, house.bench.db.clone())]);
        let db = databases.of(&scope).expect("is served");
        let ingrid = person(INGRID);
        let rows = |held: Vec<audit::Held>| {
            held.into_iter().find(|held| held.store == "audit_event").and_then(|held| held.rows)
        };
        let located = rows(house.record.locate(&db, &scope, &ingrid).await.expect("locates"));
        assert!(located > Some(200), "{located:?}");
        let mut change = Change::begin(&house.record, &scope).await.expect("begins");
        let erased = house.record.erase(&mut change, &ingrid).await.expect("erases");
        assert_eq!(rows(erased), located);
        assert_eq!(change.forget(&[INGRID.to_owned()]).await.expect("forgets"), 1);
        change.commit(Event::done("test.person.erased", "member", INGRID)).await.expect("commits");
        house.bench.db.settle().await.expect("settles");

        let (record, log) = house.anew();
        let events = record.read_on(&scope, 0).await.expect("reads");
        let old = events.iter().find(|it| it["action"] == "test.thing.set").expect("one");
        assert_eq!(old["changes"], Value::Null);
        assert_eq!(old["erased"], json!(["payload"]));
        let plain = |bytes: &[u8]| bytes.windows(6).any(|it| it == b"Ingrid");
        assert!(house.shelf.files().values().all(|file| !plain(file)));
        if let Some(file) = house.bench.url.strip_prefix("sqlite://") {
            for end in ["", "-wal"] {
                assert!(!plain(&std::fs::read(format!("{file}{end}")).unwrap_or_default()));
            }
        }
        house.published().await;
        assert_eq!(log.verify_some(EU, 100_000).await.expect("verifies").faults, []);
        let path = "/api/record/evidence?from=2026-01-01&to=2026-02-01";
        let zip = house.ask(ours, path, "*/*").await;
        let verdict = verify::check(Cursor::new(zip.bytes()), &Options::default()).expect("one");
        assert!(verdict.sound && verdict.counts.payload_not_shown > 200, "{verdict}");
    }
}

#[tokio::test]
async fn what_is_withheld_is_withheld_in_the_archive_too() {
    for house in House::on_each_engine().await {
        let past = house.months(300).await;
        house.tier(&past.ours, SECOND).await;
        let scope = past.ours.itself();
        let mut change = Change::begin(&house.record, &scope).await.expect("begins");
        change.restrict(&[INGRID.to_owned()]).await.expect("restricts");
        change.commit(Event::done("test.person.restricted", "member", INGRID)).await.expect("ok");
        let old = house.record.event(&past.ours, 0).await.expect("reads");
        assert_eq!((&old["changes"], &old["withheld"]), (&Value::Null, &json!(["payload"])));
    }
}
