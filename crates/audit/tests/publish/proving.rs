use access::Standing;
use aws_lc_rs::digest::{SHA256, digest};
use axum::http::StatusCode;
use base::args;
use serde_json::Value;
use tlog::{Hash, Proof, Verifier};

use crate::house::House;
use crate::people::Answer;

const CALL: &str = "call_01M84KXEK0S940HNQ04M48WG3M";

fn path(id: &str) -> String {
    format!("/api/receipts/{id}")
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(digits).collect()
}

/// The entry that an opening belongs to, by the words of `record-format.md`.
fn entry(opening: &Value) -> Vec<u8> {
    let mut entry = b"audit/v1".to_vec();
    for class in ["core", "subject", "payload"] {
        let shown = &opening[class];
        let salt = unhex(shown["salt"].as_str().expect("a salt"));
        let json = shown["json"].as_str().expect("json").as_bytes();
        let label = format!("audit/v1 {class}\n");
        let hash = digest(&SHA256, &[label.as_bytes(), &salt, json].concat());
        entry.extend_from_slice(hash.as_ref());
    }
    entry
}

/// What the receipt proves to somebody who has one key of the log.
fn proven(receipt: &Value) -> u64 {
    let keys = receipt["keys"]["keys"].as_array().expect("keys").iter();
    let keys = keys.map(|key| key["vkey"].as_str().expect("text").parse().expect("a key"));
    let keys: Vec<Verifier> = keys.collect();
    let text = receipt["proof"].as_str().expect("text");
    let proof = Proof::parse(text.as_bytes()).expect("a proof");
    assert_eq!(proof.index(), receipt["index"].as_u64().expect("a number"));
    assert_eq!(receipt["index"], receipt["opening"]["index"]);
    let leaf = Hash::of_leaf(&entry(&receipt["opening"]));
    let origin = receipt["keys"]["origin"].as_str().expect("text");
    let proven = proof.verify(&leaf, origin, &keys).expect("is proven");
    assert_eq!(proven.verified.len(), 1, "by the Ed25519 key of the log alone");
    assert_eq!(receipt["checkpoint"]["size"], proven.checkpoint.size());
    assert_eq!(receipt["checkpoint"]["root"], proven.checkpoint.root().to_string());
    let with_thirty = text.len() + (30 - proof.path().len()) * 45;
    assert!(with_thirty < 2048, "{with_thirty} bytes in a tree of a thousand million entries");
    proof.index()
}

fn receipt(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn whoever_made_a_call_proves_it_right_after_it() {
    for house in House::on_each_engine().await {
        let org = house.somebody().org.clone();
        let ours = house.member(&org, &["models:invoke"], Standing::default());
        house.grow(&ours, 300).await;
        let seq = house.call(&ours, CALL).await;
        let events = house.entries(&ours).await.len();
        let told = receipt(&house.ask(&ours, &path(CALL), "*/*").await);
        assert_eq!(i64::try_from(proven(&told)), Ok(seq));
        assert_eq!(told["id"], CALL);
        let judged = verify::receipt(told.to_string().as_bytes(), &verify::Options::default());
        assert_eq!(judged.expect("sound").event, *told["event"].as_object().expect("an object"));
        assert_eq!(told["event"]["action"], "gateway.call.ended");
        assert_eq!(told["event"]["sequence"], seq);
        assert_eq!(told["event"]["userId"], ours.actor.id());
        let note = told["checkpoint"]["note"].as_str().expect("a note");
        assert_eq!(note.as_bytes(), house.shelf.files()[&format!("{org}/checkpoint")]);

        // The proof alone, as other people's tools read it.
        let text = house.ask(&ours, &path(CALL), "text/plain").await;
        assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text.text(), told["proof"].as_str().expect("text"));
        let both = house.ask(&ours, &path(CALL), "application/json, text/plain").await;
        assert_eq!(proven(&receipt(&both)), proven(&told));
        assert_eq!(house.entries(&ours).await.len(), events, "one's own leaves no event");

        // Published by somebody who asked, or by the clock: the log goes on.
        house.grow(&ours, 5).await;
        assert_eq!(house.published().await, 5);
        assert_eq!(proven(&receipt(&house.ask(&ours, &path(CALL), "*/*").await)), proven(&told));
    }
}

#[tokio::test]
async fn a_call_without_an_end_is_proven_by_what_there_is_of_it() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        for (action, id) in [("gateway.call.started", "call_1"), ("gateway.call.refused", "req_2")]
        {
            let seq = house.tell(&ours, action, id).await;
            let told = receipt(&house.ask(&ours, &path(id), "*/*").await);
            assert_eq!(told["event"]["action"], action);
            assert_eq!(i64::try_from(proven(&told)), Ok(seq));
        }
        // What stands behind the end of a call does not hide it.
        let seq = house.tell(&ours, "gateway.call.ended", "call_1").await;
        house.tell(&ours, "gateway.call.refused", "call_1").await;
        let told = receipt(&house.ask(&ours, &path("call_1"), "*/*").await);
        assert_eq!(i64::try_from(proven(&told)), Ok(seq));
    }
}

#[tokio::test]
async fn a_receipt_is_for_whoever_made_the_call_and_for_readers_of_the_record() {
    for house in House::on_each_engine().await {
        let (ours, theirs) = (house.somebody(), house.somebody());
        let ingrid = house.member(&ours.org, &["models:invoke"], Standing::default());
        let mallory = house.member(&ours.org, &["models:invoke"], Standing::default());
        let auditor = house.member(&ours.org, &["events:read"], Standing::default());
        house.call(&ingrid, CALL).await;
        assert_eq!(house.ask(&ingrid, &path(CALL), "*/*").await.status, StatusCode::OK);

        let unknown = house.ask(&ours, &path("call_unknown"), "*/*").await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
        for stranger in [&theirs, &mallory] {
            let refused = house.ask(stranger, &path(CALL), "*/*").await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND);
            assert_eq!(refused.text(), unknown.text(), "nobody learns that it is there");
        }

        let events = house.entries(&ours).await.len();
        proven(&receipt(&house.ask(&auditor, &path(CALL), "*/*").await));
        let filter = audit::Filter { action: "audit.event.read".into(), ..Default::default() };
        let read = house.record.events(&ours, &filter).await.expect("reads").items;
        assert_eq!(read.len(), 1);
        assert_eq!(read[0]["resourceId"], "1");
        assert_eq!(read[0]["userId"], auditor.actor.id());
        assert_eq!(house.entries(&ours).await.len(), events + 2, "the reading, and ours");
    }
}

#[tokio::test]
async fn many_who_ask_at_once_and_the_clock_leave_one_log() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        for round in 0..6 {
            house.call(&ours, &format!("call_{round}")).await;
            let asked = path(&format!("call_{round}"));
            let ask = || house.ask(&ours, &asked, "*/*");
            let (a, b, c, d) =
                tokio::join!(ask(), house.log.publish(crate::house::EU), ask(), ask());
            b.expect("publishes");
            for one in [a, c, d] {
                proven(&receipt(&one));
            }
            house.grow(&ours, 90).await;
        }
        house.published().await;
        assert_eq!(house.checkpoint(&ours).size(), 6 * 92);
        house.restarted().check().await.expect("all is well");
    }
}

#[tokio::test]
async fn whoever_asks_for_many_receipts_makes_no_checkpoint_for_each() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        let mut behind = 0;
        for call in 0..40 {
            house.call(&ours, &format!("call_{call}")).await;
            let told = house.ask(&ours, &path(&format!("call_{call}")), "*/*").await;
            if told.status == StatusCode::SERVICE_UNAVAILABLE {
                assert!(told.text().contains("log_behind"), "{}", told.text());
                assert_eq!(told.headers["retry-after"], "5");
                behind += 1;
            }
        }
        assert_eq!(behind, 20);
        // The clock publishes, and then all are there.
        house.published().await;
        for call in [0, 39] {
            proven(&receipt(&house.ask(&ours, &path(&format!("call_{call}")), "*/*").await));
        }
    }
}

#[tokio::test]
async fn a_receipt_waits_for_the_store_and_says_so() {
    for house in House::on_each_engine().await {
        let ours = house.somebody();
        house.call(&ours, CALL).await;
        house.shelf.breaks_after(1);
        let refused = house.ask(&ours, &path(CALL), "*/*").await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.text().contains("log_unavailable"), "{}", refused.text());
        house.shelf.works();
        proven(&receipt(&house.ask(&ours, &path(CALL), "*/*").await));
    }
}

#[tokio::test]
async fn no_bundle_and_no_receipt_is_made_of_a_record_that_was_altered() {
    let flip = "UPDATE audit_event SET body = $2 WHERE org_id = $1 AND seq = 1";
    let period = "/api/record/evidence?from=2025-12-31&to=2027-01-01";
    for house in House::on_each_engine().await {
        // Altered before it was published, and after: in the entry, and in a value.
        let core = "at 1: its core does not agree with its commitment";
        for (published, at, of_bundle) in [
            (false, 30, "at 1: the event is not the one that was published"),
            (true, 30, "at 1: the event is not the one that was published"),
            (true, 300, core),
        ] {
            let ours = house.somebody();
            house.call(&ours, CALL).await;
            if published {
                house.published().await;
            }
            let mut body = house.body(&ours, 1).await;
            body[at] ^= 1;
            house.as_owner(&[(flip, args![ours.org.as_str(), body])]).await;
            for (path, words) in [(path(CALL), core), (period.to_owned(), of_bundle)] {
                let refused = house.ask(&ours, &path, "*/*").await;
                let text = refused.text();
                assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
                assert!(text.contains("record_faulty"), "{text}");
                assert!(text.contains(words), "{path} {at}: {text}");
            }
        }
        let metrics = house.metrics.render().expect("text");
        assert!(!metrics.contains("portico_record_faults_total 0"), "{metrics}");
    }
}
