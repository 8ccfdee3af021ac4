//! Every action in plain words.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::json;

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// Whether a text between quotes is an action: `room.noun.verb`.
fn is_action(text: &str, rooms: &BTreeSet<String>) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let plain = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    parts.len() == 3 && parts.iter().all(plain) && rooms.contains(parts[0])
}

/// Texts that look like actions and are none: what OpenAI calls a piece of a stream.
const NONE: [&str; 1] = ["chat.completion.chunk"];

#[test]
fn every_action_of_every_room_has_words() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/").to_owned();
    let rooms = std::fs::read_dir(&crates).expect("crates/").map(|entry| entry.expect("an entry"));
    let rooms: BTreeSet<_> =
        rooms.map(|room| room.file_name().into_string().expect("utf-8")).collect();
    let mut wordless = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for room in &rooms {
        let folder = crates.join(room).join("src");
        for path in if folder.is_dir() { sources(&folder) } else { Vec::new() } {
            let text = std::fs::read_to_string(&path).expect("text");
            for action in text.split('"').skip(1).filter(|text| is_action(text, &rooms)) {
                if NONE.contains(&action) || text.contains(&format!("\"{action}\" =>")) {
                    continue;
                }
                seen.insert(action.to_owned());
                let event = json!({ "action": action, "userId": "u", "actorKind": "member",
                                    "resourceId": "r", "outcome": "success" });
                if audit::describe(&event, &HashMap::new()).starts_with("u did ") {
                    wordless.insert(action.to_owned(), path.display().to_string());
                }
            }
        }
    }
    assert!(seen.len() > 50, "{seen:?}");
    assert!(wordless.is_empty(), "give these words in crates/audit/src/words.rs: {wordless:#?}");
}
