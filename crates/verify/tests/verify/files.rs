//! The files of a bundle.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::book::{BEGAN, Book, Hash, time, tree_hash};
use crate::keys::{CELL, Key, ORG, note};
use crate::zip::zip;

#[derive(Clone)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

fn index_path(index: usize) -> String {
    let (high, low) = (index / 1000, index % 1000);
    if high > 0 { format!("x{high:03}/{low:03}") } else { format!("{low:03}") }
}

/// Which tiles stand beside the entries.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Tiles {
    /// Those that the root needs.
    Needed,
    /// Every one.
    All,
}

impl Files {
    /// The whole of a record, with keys that sign it.
    pub(crate) fn whole(book: &Book, keys: &[Key]) -> Self {
        Self::part(book, 0, book.size(), keys, Tiles::Needed)
    }

    pub(crate) fn part(book: &Book, first: u64, next: u64, keys: &[Key], tiles: Tiles) -> Self {
        let mut files = Self(BTreeMap::new());
        let size = book.size();
        files.put(
            "manifest.json",
            json!({
                "format": "portico-evidence/v1", "origin": format!("{CELL}/{ORG}"), "org": ORG,
                "from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z",
                "first": first, "next": next, "size": size, "madeAt": time(29 * 86_400),
            })
            .to_string(),
        );
        files.put("checkpoint", book.signed(size, keys));
        let of_log = |key: &&Key| !matches!(key, Key::Witness(..));
        let keys: Vec<Value> = keys
            .iter()
            .filter(of_log)
            .map(|key| {
                json!({
                    "vkey": key.vkey(), "from": "2026-01-01T00:00:00Z", "to": null,
                })
            })
            .collect();
        files.put("keys.json", json!({ "keys": keys }).to_string());
        files.put("policy.txt", "Auditor may record:read\n");
        files.put("verify.html", "<!doctype html>\n");
        let (first, next) =
            (usize::try_from(first).expect("small"), usize::try_from(next).expect("small"));
        let shown = first..next;
        let line =
            |at: usize| format!("{}\n", book.0[at].opening(u64::try_from(at).expect("small")));
        files.put("openings.jsonl", shown.clone().map(line).collect::<String>());
        let leaves = book.leaves();
        let mut laid = Vec::new();
        for (index, entries) in book.0.chunks(256).enumerate() {
            let start = index * 256;
            if shown.is_empty() || start >= next || start + entries.len() <= first {
                continue;
            }
            laid.push(index);
            let framed = entries.iter().flat_map(|event| [vec![0, 104], event.entry()].concat());
            files.put(&path("entries", index, entries.len()), framed.collect::<Vec<u8>>());
        }
        files.tiles(&leaves, &laid, tiles);
        files
    }

    /// Brings the key of a witness, as whoever makes a bundle can.
    pub(crate) fn bringing(mut self, witness: Key) -> Self {
        self.edit("keys.json", |keys| {
            let used =
                json!({ "vkey": witness.vkey(), "from": "2026-01-01T00:00:00Z", "to": null });
            keys["keys"].as_array_mut().expect("keys").push(used);
        });
        self
    }

    /// Lists the checkpoint in the last of three epochs of the directory, which these keys sign.
    pub(crate) fn listed(mut self, keys: &[Key]) -> Self {
        let text = self.text("checkpoint");
        let (text, _) = text.split_once("\n\n").expect("signed");
        let leaf = |bytes: &[u8]| -> Hash {
            Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
        };
        let node = |left: Hash, right: Hash| -> Hash {
            Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
        };
        let slot = Sha256::digest(format!("portico-directory/v1 slot\n{ORG}"));
        let slot = u64::from_be_bytes(slot[..8].try_into().expect("eight"));
        let head = Sha256::new().chain_update("portico-directory/v1 head\n").chain_update([8; 32]);
        let head = head.chain_update(text).chain_update("\n").finalize();
        let path: Vec<Hash> = (0..64_u8).map(|height| Sha256::digest([height]).into()).collect();
        let root = path.iter().zip(0..).fold(leaf(&head), |hash, (sibling, height)| {
            if slot >> height & 1 == 0 { node(hash, *sibling) } else { node(*sibling, hash) }
        });
        let micros = (BEGAN + 86_400 * 29) * 1_000_000 + 250_000;
        let entry = [&b"directory/v1"[..], &micros.to_be_bytes(), &root].concat();
        let epochs = [leaf(b"first"), leaf(b"second"), leaf(&entry)];
        let root = STANDARD.encode(tree_hash(&epochs));
        let sibling = STANDARD.encode(node(epochs[0], epochs[1]));
        let signed = note(&format!("{CELL}/directory\n3\n{root}\n"), keys);
        let path: Vec<String> = path.iter().map(|hash| STANDARD.encode(hash)).collect();
        let listed = json!({
            "origin": format!("{CELL}/directory"), "epoch": 2, "at": time(29 * 86_400),
            "salt": "08".repeat(32), "path": path,
            "proof": format!("c2sp.org/tlog-proof@v1\nindex 2\n{sibling}\n\n{signed}"),
        });
        self.put("directory.json", listed.to_string());
        self
    }

    fn tiles(&mut self, leaves: &[Hash], laid: &[usize], tiles: Tiles) {
        let (mut row, mut level) = (leaves.to_vec(), 0);
        while !row.is_empty() {
            for (index, hashes) in row.chunks(256).enumerate() {
                // The tile above holds the hash of a whole one.
                let needed = if level == 0 {
                    !laid.contains(&index) && hashes.len() < 256
                } else {
                    laid.len() * 256 < leaves.len()
                };
                if needed || tiles == Tiles::All {
                    self.put(&path(&level.to_string(), index, hashes.len()), hashes.concat());
                }
            }
            row = row.chunks_exact(256).map(tree_hash).collect();
            level += 1;
        }
    }

    pub(crate) fn put(&mut self, name: &str, content: impl Into<Vec<u8>>) {
        self.0.insert(name.to_owned(), content.into());
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).expect("text")
    }

    pub(crate) fn edit(&mut self, name: &str, edit: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_str(&self.text(name)).expect("JSON");
        edit(&mut value);
        self.put(name, value.to_string());
    }

    pub(crate) fn replace(&mut self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} holds {from}");
        self.put(name, text.replacen(from, to, 1));
    }

    pub(crate) fn zip(&self) -> Vec<u8> {
        zip(self)
    }
}

fn path(level: &str, index: usize, width: usize) -> String {
    let path = format!("tile/{level}/{}", index_path(index));
    if width < 256 { format!("{path}.p/{width}") } else { path }
}
