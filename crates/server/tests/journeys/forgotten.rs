//! Somebody leaves and asks to be forgotten.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::portico::{Portico, text};

/// What nothing else in the world is called.
const NAME: &str = "Zwetschgenbaum";
/// What they asked.
const ASKED: &str = "why is the zwetschgen harvest late";

/// Everything that lies in a folder: databases, their logs, what is published.
pub(crate) fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes =
            if path.is_dir() { bytes_below(&path) } else { std::fs::read(path).expect("reads") };
        all.extend(bytes);
    }
    all
}

/// The tables that rooms say hold something of people, by what is written of them.
fn holding(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            holding(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !path.to_string_lossy().contains("/src/") || !text.contains("impl Keeper for ") {
            continue;
        }
        for claim in text.split("Table::").skip(1) {
            let Some((how, rest)) = claim.split_once('(') else { continue };
            let name = rest.trim_start().strip_prefix('"').and_then(|it| it.split('"').next());
            if let Some(name) = name.filter(|_| how != "nothing") {
                found.insert(name.to_owned());
            }
        }
    }
}

#[tokio::test]
async fn somebody_leaves_and_is_forgotten_with_proof() {
    let mut portico = Portico::on_sqlite("");
    let org = portico.org("acme", "eu");
    let email = format!("{}@acme.example", NAME.to_lowercase());
    let made = portico.run(
        &["member", "create", "--org", "acme", "--email", &email, "--name", NAME, "--json"],
        "correct horse battery\n",
    );
    let member: Value = serde_json::from_str(&made).expect("json");
    let id = text(&member["id"]);
    let made = portico.run(
        &["key", "create", "--org", "acme", "--owner", &id, "--name", "zwetschgen-key", "--json"],
        "",
    );
    let key = text(&serde_json::from_str::<Value>(&made).expect("json")["key"]);
    portico.serve().await;
    let pattern = json!({ "slug": "late", "name": "Late", "triggers": [ASKED], "answer": "It rains.",
                          "publish": true });
    assert_eq!(portico.http.post(&org.owner, "/api/patterns", &pattern).await.status, 201);
    let begun =
        portico.http.post(&key, "/api/conversations", &json!({ "model": "patterns" })).await;
    let conversation = text(&begun.json()["id"]);
    let path = format!("/api/conversations/{conversation}/messages");
    let said = portico.http.post(&key, &path, &json!({ "text": ASKED })).await;
    assert!(said.status < 300, "{}", said.text);

    // What is frozen they cannot delete themselves.
    let frozen = json!({ "person": id, "reason": "file 6" });
    let frozen = portico.http.post(&org.owner, "/api/privacy/holds", &frozen).await.json();
    let path = format!("/api/conversations/{conversation}");
    let refused = portico.http.ask("DELETE", &key, &path, None).await;
    assert_eq!((refused.status, text(&refused.json()["code"])), (409, "must_be_kept".to_owned()));
    let path = format!("/api/privacy/holds/{}", text(&frozen["id"]));
    assert_eq!(portico.http.ask("DELETE", &org.owner, &path, None).await.status, 200);

    // Not while they are a member.
    let ask = json!({ "person": email });
    let refused = portico.http.post(&org.owner, "/api/privacy/requests", &ask).await;
    assert_eq!((refused.status, text(&refused.json()["code"])), (409, "still_a_member".to_owned()));
    let removed = portico.http.ask("DELETE", &org.owner, &format!("/api/members/{id}"), None).await;
    assert!(removed.status < 300, "{}", removed.text);
    let located = portico.http.get(&org.owner, &format!("/api/privacy/person?person={id}")).await;
    let located = located.json();
    let rows = |store: &str| {
        let stores = located["stores"].as_array().expect("stores");
        let held = stores.iter().find(|held| held["store"] == store).map(|held| &held["rows"]);
        held.and_then(Value::as_u64).unwrap_or_default()
    };
    for store in
        ["identity_member", "identity_key", "chat_conversation", "chat_message", "audit_event"]
    {
        assert!(rows(store) > 0, "{store}: {located}");
    }
    let export = portico.http.get(&org.owner, &format!("/api/privacy/export?person={id}")).await;
    assert!(export.text.contains(ASKED) && export.text.contains(NAME), "{}", export.text);

    // A hold comes first, and is lifted.
    let hold = json!({ "person": id, "reason": "file 7" });
    let hold = portico.http.post(&org.owner, "/api/privacy/holds", &hold).await.json();
    let waits = portico.http.post(&org.owner, "/api/privacy/requests", &ask).await;
    assert_eq!((waits.status, text(&waits.json()["state"])), (202, "restricted".to_owned()));
    let request = text(&waits.json()["id"]);
    let path = format!("/api/privacy/holds/{}", text(&hold["id"]));
    assert_eq!(portico.http.ask("DELETE", &org.owner, &path, None).await.status, 200);
    let (path, begun) = (format!("/api/privacy/requests/{request}"), Instant::now());
    while portico.http.get(&org.owner, &path).await.json()["state"] != "erased" {
        assert!(begun.elapsed() < Duration::from_mins(1), "the sweep carries it out");
        tokio::task::yield_now().await;
    }

    // The receipt is judged offline, by a key that was had elsewhere.
    let receipt = portico.http.get(&org.owner, &format!("{path}/receipt")).await.json();
    let file = portico.folder().join("receipt.txt");
    std::fs::write(&file, text(&receipt["note"])).expect("writes");
    let verified = std::process::Command::new(env!("CARGO_BIN_EXE_portico"))
        .arg("verify")
        .arg(&file)
        .args(["--key", &text(&receipt["vkey"])])
        .output();
    let verified = verified.expect("runs");
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(
        verified.status.success() && told.contains("identity_member: 1 rows, destroyed"),
        "{told}"
    );
    let stores = receipt["statement"]["stores"].as_array().expect("stores").iter();
    let told: BTreeSet<String> = stores.map(|held| text(&held["store"])).collect();
    let mut tables = BTreeSet::new();
    holding(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut tables);
    assert_eq!(told, tables, "every store of every room that could hold something of a person");
    let event = format!("/api/events/{}", receipt["event"]);
    let event = portico.http.get(&org.owner, &event).await.json();
    assert_eq!(event["action"], "privacy.person.erased");
    assert_eq!(event["actorKind"], "node", "the sweep did it");

    // Nothing of them is left, however one looks.
    let shown = portico.http.get(&org.owner, "/api/events?limit=200").await.text;
    assert!(!shown.to_lowercase().contains("zwetschgen"), "{shown}");
    portico.terminate();
    let bytes = bytes_below(&portico.folder().join("data"));
    for trace in [NAME.as_bytes(), email.as_bytes(), b"zwetschgen-key"] {
        let found = bytes.windows(trace.len()).any(|at| at == trace);
        assert!(!found, "{}", String::from_utf8_lossy(trace));
    }
    let listed = portico.run(&["privacy", "requests", "--org", "acme"], "");
    assert!(listed.contains(&request) && listed.contains("done"), "{listed}");
}
