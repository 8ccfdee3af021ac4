//! A record, as somebody honest keeps it: RFC 6962 in its own words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::keys::{CELL, Key, ORG, note};

pub(crate) type Hash = [u8; 32];

/// 2026-03-01T00:00:00Z.
pub(crate) const BEGAN: u64 = 1_772_323_200;

#[derive(Clone)]
pub(crate) struct Event {
    /// Canonical JSON of core, subject and payload; empty: it is not shown.
    pub(crate) json: [String; 3],
    pub(crate) shown: [bool; 3],
    pub(crate) salt: u64,
}

#[derive(Clone, Default)]
pub(crate) struct Book(pub(crate) Vec<Event>);

pub(crate) fn time(secs: i64) -> String {
    let of_day = BEGAN.checked_add_signed(secs).expect("a time") - BEGAN;
    assert!(of_day < 86_400 * 30, "in March");
    let (day, of_day) = (of_day / 86_400 + 1, of_day % 86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}.25Z")
}

impl Event {
    /// Fields stand in the order of RFC 8785.
    pub(crate) fn new(action: &str, resource: &str, secs: i64, salt: u64) -> Self {
        let kind = if action.starts_with("gateway.call.") { "call" } else { "budget" };
        let core = json!({
            "action": action, "actorKind": "member", "organizationId": ORG, "outcome": "success",
            "region": "eu", "requestId": format!("req_{salt}"), "resourceId": resource,
            "resourceType": kind, "timestamp": time(secs), "v": 1,
        });
        let subject = json!({ "ipAddress": "203.0.113.9", "userAgent": null, "userId": "usr_1" });
        let payload = json!({ "changes": { "amount": [salt, 2], "note": "\u{20ac} \"1\"" } });
        let json = [core, subject, payload].map(|value| value.to_string());
        Self { json, shown: [true; 3], salt }
    }

    fn salt(&self, class: &str) -> Hash {
        Sha256::digest(format!("salt {} {class}", self.salt)).into()
    }

    pub(crate) fn entry(&self) -> Vec<u8> {
        let mut entry = b"audit/v1".to_vec();
        for (class, json) in ["core", "subject", "payload"].iter().zip(&self.json) {
            let hash = Sha256::new()
                .chain_update(format!("audit/v1 {class}\n"))
                .chain_update(self.salt(class))
                .chain_update(json);
            entry.extend(hash.finalize());
        }
        entry
    }

    pub(crate) fn opening(&self, index: u64) -> Value {
        let mut opening = json!({ "index": index });
        for (place, class) in ["core", "subject", "payload"].iter().enumerate() {
            let salt: String =
                self.salt(class).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            opening[class] = if self.shown[place] {
                json!({ "salt": salt, "json": self.json[place] })
            } else {
                Value::Null
            };
        }
        opening
    }
}

/// The Merkle tree hash of RFC 6962, 2.1.
pub(crate) fn tree_hash(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            let hash = Sha256::new().chain_update([1]);
            hash.chain_update(tree_hash(left)).chain_update(tree_hash(right)).finalize().into()
        }
    }
}

impl Book {
    /// So many events, ten seconds apart: every third begins a call, and the next one ends it.
    pub(crate) fn of(count: u64) -> Self {
        let event = |at: u64| {
            let secs = i64::try_from(at).expect("small") * 10 % 2_000_000;
            match at % 3 {
                0 => Event::new("gateway.call.started", &format!("call_{at}"), secs, at),
                1 => Event::new("gateway.call.ended", &format!("call_{}", at - 1), secs, at),
                _ => Event::new("limits.budget.set", "bud_1", secs, at),
            }
        };
        Self((0..count).map(event).collect())
    }

    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.0.len()).expect("small")
    }

    pub(crate) fn leaves(&self) -> Vec<Hash> {
        let leaf = |event: &Event| {
            Sha256::new().chain_update([0]).chain_update(event.entry()).finalize().into()
        };
        self.0.iter().map(leaf).collect()
    }

    /// The text of the checkpoint at a size.
    pub(crate) fn checkpoint(&self, size: u64) -> String {
        checkpoint(&self.leaves(), size)
    }

    pub(crate) fn signed(&self, size: u64, keys: &[Key]) -> String {
        note(&self.checkpoint(size), keys)
    }
}

pub(crate) fn checkpoint(leaves: &[Hash], size: u64) -> String {
    let root = tree_hash(&leaves[..usize::try_from(size).expect("small")]);
    format!("{CELL}/{ORG}\n{size}\n{}\n", STANDARD.encode(root))
}
