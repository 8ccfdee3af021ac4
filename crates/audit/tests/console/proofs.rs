//! What stands behind the record, on its pages.

use std::process::Command;

use access::{Caller, Region, Standing};
use audit::{CallFacts, Event};
use base::time::Clock as _;
use serde_json::{Value, json};

use crate::house::House;

async fn call(house: &House, caller: &Caller, id: &str) {
    let facts = CallFacts {
        tokens_in: 3,
        tokens_out: 4,
        price_nanocents: 90_071_992_547_409_930,
        attempts: 1,
        ..CallFacts::begun("small", house.clock.now())
    };
    let event = Event::done("gateway.call.ended", "call", id).call(facts);
    house.record.close_call(caller, &event).await.expect("durable");
}

fn number(count: u64) -> String {
    format!("<data class=\"num\" value=\"{count}\">{count}</data>")
}

#[tokio::test]
async fn each_event_says_whether_it_is_proven() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        call(&house, &auditor, "call_1").await;
        house.log.publish(Region::Eu).await.expect("publishes");
        call(&house, &auditor, "call_2").await;
        let proven = house.get(&auditor, "/record/0").await.text;
        assert!(
            proven.contains(&format!("proven</span> in the signed tree of {} events", number(1))),
            "{proven}"
        );
        assert!(proven.contains("/record/receipts/call_1"), "{proven}");
        let waits = house.get(&auditor, "/record/1").await.text;
        assert!(waits.contains("waits</span> for the next checkpoint"), "{waits}");
        let list = house.get(&auditor, "/record?action=gateway.*").await.text;
        let rows: Vec<bool> = list
            .split("<tr data-sequence")
            .skip(1)
            .map(|row| row.split("</tr>").next().unwrap_or_default().contains(">waits</span>"))
            .collect();
        assert_eq!(rows, [true, false], "the newest first");
    }
}

#[tokio::test]
async fn what_comes_from_the_archive_says_so_with_a_word_alone() {
    for house in House::on_each_engine().await {
        let auditor = house.auditor();
        for nth in 0..300 {
            let event = Event::done("identity.key.revoked", "key", format!("key_{nth}"));
            house.record.note(&auditor, &event).await.expect("durable");
        }
        house.log.publish(Region::Eu).await.expect("publishes");
        house.clock.advance(jiff::SignedDuration::from_hours(48));
        let owner = base::db::Db::open(&house.bench.owner_url).await.expect("opens");
        let operator = Caller::operator(auditor.org.clone(), Region::Eu, "test");
        let before = house.clock.now();
        assert_eq!(house.log.tier(&operator, &owner, before).await.expect("moves").moved, 256);
        let list = house.get(&auditor, "/record?action=identity.*&limit=60").await.text;
        let rows: Vec<bool> = list
            .split("<tr data-sequence")
            .skip(1)
            .map(|row| row.split("</tr>").next().unwrap_or_default().contains(">archive</span>"))
            .collect();
        assert_eq!(rows.len(), 60);
        assert_eq!(rows.iter().filter(|archived| **archived).count(), 16, "{list}");
        assert!(!rows[0] && rows[59], "the newest first");
        assert_eq!(house.get(&auditor, "/record/3").await.status, 200);
        let proofs = house.get(&auditor, "/record/proofs").await.text;
        let told = format!("The database holds those from event {} on", number(256));
        assert!(proofs.contains(&told), "{proofs}");
        owner.close().await;
    }
}

#[tokio::test]
async fn the_page_of_proofs_shows_what_stands_behind_the_record() {
    for house in House::on_each_engine().await {
        let (auditor, reader) = (house.auditor(), house.member(&["events:read"]));
        let before = house.get(&reader, "/record/proofs").await;
        assert_eq!(before.status, 200, "{}", before.text);
        assert!(before.text.contains("Nothing is published yet"), "{}", before.text);
        for id in ["call_1", "call_2", "call_3"] {
            call(&house, &auditor, id).await;
            house.log.publish(Region::Eu).await.expect("publishes");
            house.log.close_epoch(Region::Eu).await.expect("closes");
        }
        house.log.verify_some(Region::Eu, 100).await.expect("verifies");
        call(&house, &auditor, "call_4").await;
        let page = house.get(&reader, "/record/proofs").await.text;
        for told in [
            format!("<strong>{}</strong> in the record, of which {} wait", number(4), number(1)),
            format!("The tree of the first <strong>{}</strong> events of the log", number(3)),
            format!("epoch <strong>{}</strong>", number(2)),
            format!(
                "All <strong>{}</strong> events that were published were read again",
                number(3)
            ),
            "Nobody outside keeps heads of this log".to_owned(),
            "portico.example/eu/org_".to_owned(),
        ] {
            assert!(page.contains(&told), "{told} is not in {page}");
        }
        assert!(!page.contains("/api/record/evidence"), "no form for what one may not");
        let page = house.get(&auditor, "/record/proofs").await.text;
        assert!(page.contains("action=\"/api/record/evidence\""), "{page}");
        let refused = house.get(&house.member(&["patterns:read"]), "/record/proofs").await;
        assert_eq!(refused.status, 403);
    }
}

/// What the script of the page says of these texts; nothing where there is no node.
fn judged(cases: &[Value]) -> Option<Vec<Value>> {
    Command::new("node").arg("--version").output().ok()?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.json");
    std::fs::write(&file, json!(cases).to_string()).expect("writes");
    let root = env!("CARGO_MANIFEST_DIR");
    let run = Command::new("node")
        .arg(format!("{root}/tests/console/receipt.mjs"))
        .arg(format!("{root}/assets/receipt.js"))
        .arg(file)
        .output()
        .expect("runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(serde_json::from_slice(&run.stdout).expect("JSON"))
}

#[tokio::test]
async fn the_script_of_the_receipt_finds_it_true_and_each_changed_byte_false() {
    for house in House::on_each_engine().await {
        let ours = house.member_in(&["models:invoke"], Standing::default());
        for id in ["call_1", "call_2", "call_3"] {
            call(&house, &ours, id).await;
        }
        let receipt = house.log.receipt(&ours, "call_2").await.expect("a receipt");
        let page = house.get(&ours, "/record/receipts/call_2").await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("&#34;proof&#34;"), "the text of the receipt");
        let theirs = house.member(&["models:invoke"]);
        assert_eq!(house.get(&theirs, "/record/receipts/call_2").await.status, 404);

        let key = receipt.keys.keys.iter().find(|key| key.vkey.len() < 200).expect("Ed25519");
        let text = serde_json::to_string(&receipt).expect("json");
        let mut other: Value = serde_json::from_str(&text).expect("json");
        other["event"]["userId"] = json!("mem_somebody");
        // As it is written once the key of the payload was destroyed.
        let mut erased: Value = serde_json::from_str(&text).expect("json");
        erased["opening"]["payload"] = Value::Null;
        let mut silent = erased.clone();
        erased["event"]["erased"] = json!(["payload"]);
        silent["event"]["userAgent"] = Value::Null;
        for (told, sound) in
            [(&text, true), (&erased.to_string(), true), (&other.to_string(), false)]
        {
            let judged = verify::receipt(told.as_bytes(), &verify::Options::default());
            assert_eq!(judged.is_ok(), sound, "{judged:?}");
        }
        let changed = |text: &str| json!({ "receipt": text, "key": "" });
        let mut cases = vec![
            changed(&text),
            json!({ "receipt": text, "key": key.vkey }),
            json!({ "receipt": text, "key": "x+00000000+AQ==" }),
            changed(&other.to_string()),
            changed("{}"),
            changed("no receipt"),
            changed(&erased.to_string()),
            changed(&silent.to_string()),
        ];
        // One byte in each stretch of what is proven: all but the line feeds and quotes
        // around it, the keys that nobody uses here, and signatures that browsers do not verify.
        let last = text.find("\"keys\":").expect("keys");
        let mut flips = 0;
        for at in (0..last).step_by(29) {
            let mut bytes = text.clone().into_bytes();
            if !bytes[at].is_ascii_alphanumeric() {
                continue;
            }
            bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
            cases.push(changed(&String::from_utf8(bytes).expect("text")));
            flips += 1;
        }
        let Some(said) = judged(&cases) else { return };
        let states: Vec<&str> =
            said.iter().map(|one| one["state"].as_str().expect("text")).collect();
        assert_eq!(
            states[..8],
            ["true", "true", "false", "false", "false", "false", "true", "false"],
            "{:?}",
            said[0]
        );
        // A key that the receipt brings is its own word.
        let title = |case: usize| said[case]["title"].as_str().expect("text");
        assert_eq!(title(0), "Proven by its own key");
        assert_eq!(title(1), "Proven");
        assert_eq!(said[0]["steps"].as_array().expect("steps").len(), 7);
        let passed: Vec<&Value> = cases[8..]
            .iter()
            .zip(&states[8..])
            .filter(|(_, state)| **state != "false")
            .map(|(case, _)| &case["receipt"])
            .collect();
        // What passes changed a line of ML-DSA-44, and nothing else.
        let without = |text: &str| {
            let value: Value = serde_json::from_str(text).expect("json");
            let mut lines: Vec<String> = Vec::new();
            for note in [&value["checkpoint"]["note"], &value["directory"]["proof"]] {
                let kept = note.as_str().expect("text").lines().filter(|line| line.len() < 1_000);
                lines.extend(kept.map(str::to_owned));
            }
            let mut rest = value;
            rest["checkpoint"]["note"] = json!("");
            rest["directory"]["proof"] = json!("");
            (lines, rest)
        };
        for changed in passed {
            assert_eq!(without(changed.as_str().expect("text")), without(&text));
        }
        assert!(flips > 150, "{flips}");
    }
}
