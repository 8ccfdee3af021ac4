//! The receipt of a call: one event, and the way from it to what the log signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::check::{Options, in_use, seen};
use crate::checkpoint::Checkpoint;
use crate::fault::{Fault, FaultKind};
use crate::listed::{self, Listed};
use crate::manifest::{self, Log, LogKey};
use crate::note::Note;
use crate::opening::{Class, Entry, Opened, Opening, judge as open};
use crate::order::{Order, Seen};
use crate::proof::Proof;
use crate::ring::{Believed, Ring, Signed};
use crate::unreadable::Unreadable;
use crate::verdict::SignedCheckpoint;

/// Bytes of a receipt at most.
pub(crate) const RECEIPT_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// What an event is told with, without having been committed to.
const BESIDE: [&str; 3] = ["sequence", "erased", "withheld"];
/// What every event is told with: null where nothing was committed to.
const ALWAYS: [&str; 10] = [
    "organizationId",
    "userId",
    "action",
    "resourceType",
    "resourceId",
    "ipAddress",
    "userAgent",
    "timestamp",
    "changes",
    "outcome",
];

/// A receipt as Portico writes it. What it says twice must say the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    id: String,
    index: u64,
    event: Map<String, Value>,
    /// Absent in receipts from before it was shown: then nothing of the event may be hidden.
    entry: Option<String>,
    opening: Opening,
    checkpoint: Tree,
    proof: String,
    directory: Value,
    keys: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    size: u64,
    root: String,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    origin: String,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    vkey: String,
    from: Option<String>,
    to: Option<String>,
}

/// What a sound receipt proves.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Always: a receipt with a fault is that fault.
    pub sound: bool,
    /// The call.
    pub id: String,
    /// Whose record it is in.
    pub org: String,
    /// The position of the event.
    pub index: u64,
    /// The event, as it was committed to.
    pub event: Map<String, Value>,
    /// Classes of the event that are not shown.
    pub hidden: Vec<&'static str>,
    /// What the log signed.
    pub checkpoint: SignedCheckpoint,
    /// The epoch of the directory that lists it.
    pub listed: Listed,
}

/// Why a receipt is not sound.
#[derive(Debug)]
pub enum NotProven {
    /// It is none, or what was given beside it is not.
    Unreadable(Unreadable),
    /// The first thing that is wrong.
    Fault(Fault),
}

impl From<Fault> for NotProven {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Judges the receipt of a call.
pub fn receipt(bytes: &[u8], options: &Options) -> Result<Receipt, NotProven> {
    let unreadable = |cause: serde_json::Error| Unreadable::Receipt(cause.to_string());
    let document: Document =
        serde_json::from_slice(bytes).map_err(|cause| NotProven::Unreadable(unreadable(cause)))?;
    let Document { id, index, event, checkpoint: tree, .. } = &document;
    let note = Note::parse(tree.note.as_bytes()).map_err(malformed)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(malformed)?;
    let log = log(&checkpoint, &document)?;
    let keys = keys(&document.keys.keys)?;
    let ring = Ring::new(log.origin, &options.trusted, &keys);
    let signed = ring.stands_behind(&note, &checkpoint)?;

    let entry = entry(document.entry.as_deref(), &document.opening)?;
    let opened = open(&document.opening, *index, &entry, log.org)?;
    let Some(core) = &opened.core else {
        return Err(FaultKind::Core.at(*index, "the core of the event is not shown").into());
    };
    if core.call.as_ref() != Some(id) {
        return Err(FaultKind::Event.at(*index, "the event is of another call").into());
    }
    told(event, *index, &opened)?;

    let proof = Proof::parse(&document.proof);
    let proof = proof.ok_or_else(|| malformed("the proof is no `tlog-proof`"))?;
    if proof.index != *index || proof.note.text != note.text {
        return Err(malformed("the proof is of another entry or another checkpoint").into());
    }
    ring.stands_behind(&proof.note, &proof.checkpoint)?;
    if !proof.leads_from(entry.leaf) {
        let words = "the event does not lead to the root of the checkpoint";
        return Err(FaultKind::Root.at(*index, words).into());
    }
    let directory = document.directory.to_string();
    let listed = listed::judge(directory.as_bytes(), &note.text, &log, &options.trusted, &keys)?;

    let by = format!("epoch {} of the directory", listed.epoch);
    let epoch = Seen { size: checkpoint.size, at: listed.closed, by, outside: false };
    let seen = seen(&checkpoint, &signed).chain([epoch]).collect();
    let mut order = Order::new(options.skew_secs, seen);
    order.event(*index, core)?;
    in_use(&ring, &keys, &signed, order.latest(), options.skew_secs)?;
    for other in &options.outside {
        other.signatures(&ring, log.origin)?;
        other.same_size_same_root(&checkpoint)?;
    }
    Ok(Receipt {
        sound: true,
        id: id.clone(),
        org: log.org.to_owned(),
        index: *index,
        event: event.clone(),
        hidden: opened.hidden.iter().map(|class| class.as_str()).collect(),
        checkpoint: SignedCheckpoint::new(&checkpoint, &signed, &ring),
        listed,
    })
}

impl Receipt {
    /// Whether nothing that the user holds stands behind it.
    pub(crate) fn stands_alone(&self) -> bool {
        let mut signatures = self.checkpoint.signatures.iter().chain(&self.listed.signatures);
        self.checkpoint.log != Believed::Given && !signatures.any(Signed::witnessed)
    }
}

fn malformed(words: &str) -> Fault {
    FaultKind::Checkpoint.because(format!("the checkpoint: {words}"))
}

/// The log of the checkpoint: of one org of a cell.
fn log<'a>(checkpoint: &'a Checkpoint, document: &Document) -> Result<Log<'a>, Fault> {
    let Checkpoint { origin, size, root, .. } = checkpoint;
    let other = FaultKind::CheckpointOther;
    let tree = &document.checkpoint;
    if (tree.size, &tree.root) != (*size, &root.to_string()) || document.keys.origin != *origin {
        return Err(other.because("the receipt tells of another checkpoint than it holds"));
    }
    let (cell, org) = origin.rsplit_once('/').unwrap_or_default();
    if cell.is_empty() || org.is_empty() {
        return Err(other.because("the checkpoint is not of the log of an org"));
    }
    Ok(Log { origin, org })
}

/// The keys that the receipt brings, without those that have signed nothing yet.
fn keys(brought: &[Key]) -> Result<Vec<LogKey>, Fault> {
    let used = brought.iter().filter_map(|Key { vkey, from, to }| {
        Some(manifest::Key { vkey: vkey.clone(), from: from.clone()?, to: to.clone() })
    });
    manifest::log_keys(used.collect(), "the receipt")
}

/// The entry, or what it must be if everything of it is shown.
fn entry(entry: Option<&str>, opening: &Opening) -> Result<Entry, Fault> {
    let shape = |words| FaultKind::EntryShape.at(opening.index, words);
    let Some(entry) = entry else {
        let words = "it holds no entry, and not all of the event is shown";
        return opening.entry().ok_or_else(|| shape(words));
    };
    let bytes = STANDARD.decode(entry).ok();
    bytes.and_then(|bytes| Entry::parse(&bytes)).ok_or_else(|| shape("the entry is none"))
}

/// That the event which people read is what was committed to.
fn told(event: &Map<String, Value>, index: u64, opened: &Opened) -> Result<(), Fault> {
    let other = |words: &str| Err(FaultKind::Event.at(index, words));
    let mut committed: Map<String, Value> =
        ALWAYS.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    for value in opened.values.iter().flatten().filter_map(Value::as_object) {
        committed.extend(value.clone());
    }
    for (name, value) in event.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str())) {
        if committed.remove(name).as_ref() != Some(value) {
            return other(&format!("its `{name}` is told otherwise than it was committed to"));
        }
    }
    if let Some(name) = committed.keys().next() {
        return other(&format!("its `{name}` is not told"));
    }
    if event.get("sequence") != Some(&Value::from(index)) {
        return other("it is told with another position");
    }
    let named = |field: &str| event.get(field).and_then(Value::as_array).into_iter().flatten();
    let mut missing: Vec<_> = named("erased").chain(named("withheld")).collect();
    missing.sort_by_key(|name| name.as_str());
    let mut hidden: Vec<_> = opened.hidden.iter().copied().map(Class::as_str).collect();
    hidden.sort_unstable();
    if missing.iter().map(|name| name.as_str()).ne(hidden.into_iter().map(Some)) {
        return other("what is said to be erased or withheld is not what is not shown");
    }
    Ok(())
}
