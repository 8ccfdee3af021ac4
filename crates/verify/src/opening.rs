//! What is shown of an event, and whether the entry commits to it.

use serde::Deserialize;
use serde_json::Value;

use crate::fault::{Fault, FaultKind};
use crate::hash::{Hash, from_hex};
use crate::instant::Instant;

/// Bytes of a line at most.
pub(crate) const LINE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 104;
const VERSION: &[u8] = b"audit/v1";

/// A class of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Core,
    Subject,
    Payload,
}

impl Class {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Subject => "subject",
            Self::Payload => "payload",
        }
    }
}

/// What stands in the tree: commitments to core, subject and payload.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) leaf: Hash,
    commitments: [[u8; 32]; 3],
}

impl Entry {
    /// Reads an entry of `audit/v1`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let commitments = bytes.strip_prefix(VERSION)?;
        let (commitments, []) = commitments.as_chunks::<32>() else { return None };
        Some(Self { leaf: Hash::leaf(bytes), commitments: commitments.try_into().ok()? })
    }
}

/// What is shown of an event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opening {
    pub(crate) index: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    core: Option<Shown>,
    #[serde(deserialize_with = "Option::deserialize")]
    subject: Option<Shown>,
    #[serde(deserialize_with = "Option::deserialize")]
    payload: Option<Shown>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    salt: String,
    json: String,
}

/// What the rules of time and calls look at.
#[derive(Debug, Clone)]
pub(crate) struct Core {
    pub(crate) action: String,
    pub(crate) at: Instant,
    /// The call that it begins or ends.
    pub(crate) call: Option<String>,
    /// It came through the journal of a node, when the database was back.
    pub(crate) journalled: bool,
}

/// An opening that agrees with its entry.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) core: Option<Core>,
    /// Core, subject and payload, as far as they are shown.
    pub(crate) values: [Option<Value>; 3],
    pub(crate) hidden: Vec<Class>,
}

/// Reads a line, and compares it with the entry of this index.
pub(crate) fn open(line: &[u8], index: u64, entry: &Entry, org: &str) -> Result<Opened, Fault> {
    let opening: Opening = serde_json::from_slice(line).map_err(|cause| {
        FaultKind::OpeningShape
            .at(index, format!("the line of entry {index} is no opening: {cause}"))
    })?;
    judge(&opening, index, entry, org)
}

/// Compares an opening with the entry of this index.
pub(crate) fn judge(
    opening: &Opening,
    index: u64,
    entry: &Entry,
    org: &str,
) -> Result<Opened, Fault> {
    if opening.index != index {
        let words = format!("where entry {index} belongs, the opening of {} stands", opening.index);
        return Err(FaultKind::OpeningOrder.at(index, words));
    }
    let mut opened = Opened { core: None, values: [None, None, None], hidden: Vec::new() };
    let shown = opening.classes().into_iter().zip(entry.commitments).zip(&mut opened.values);
    for (((class, shown), commitment), place) in shown {
        let Some(shown) = shown else {
            opened.hidden.push(class);
            continue;
        };
        let value = class_of(index, class, shown, commitment)?;
        if class == Class::Core {
            opened.core = Some(core(index, &value, org)?);
        }
        *place = Some(value);
    }
    Ok(opened)
}

impl Opening {
    fn classes(&self) -> [(Class, Option<&Shown>); 3] {
        [
            (Class::Core, self.core.as_ref()),
            (Class::Subject, self.subject.as_ref()),
            (Class::Payload, self.payload.as_ref()),
        ]
    }

    /// The entry that commits to it, if all of it is shown.
    pub(crate) fn entry(&self) -> Option<Entry> {
        let mut bytes = VERSION.to_vec();
        for (class, shown) in self.classes() {
            bytes.extend(shown?.commitment(class)?.0);
        }
        Entry::parse(&bytes)
    }
}

impl Shown {
    /// What commits to it; nothing if the salt is none.
    fn commitment(&self, class: Class) -> Option<Hash> {
        let label = format!("audit/v1 {}\n", class.as_str());
        Some(Hash::of(&[label.as_bytes(), &from_hex(&self.salt)?, self.json.as_bytes()]))
    }
}

fn class_of(index: u64, class: Class, shown: &Shown, commitment: [u8; 32]) -> Result<Value, Fault> {
    let name = class.as_str();
    let hash = shown.commitment(class).ok_or_else(|| {
        FaultKind::OpeningShape
            .at(index, format!("the salt of {name} is not 64 hexadecimal digits"))
    })?;
    if hash.0 != commitment {
        let words = format!("the {name} that is shown is not what the entry commits to");
        return Err(FaultKind::Commitment.at(index, words));
    }
    let value: Option<Value> = serde_json::from_str(&shown.json).ok().filter(Value::is_object);
    let canonical = |value: &Value| {
        serde_json_canonicalizer::to_vec(value).is_ok_and(|text| text == shown.json.as_bytes())
    };
    value.filter(canonical).ok_or_else(|| {
        let words = format!("the {name} that is shown is no object in the form of RFC 8785");
        FaultKind::NotCanonical.at(index, words)
    })
}

fn core(index: u64, value: &Value, org: &str) -> Result<Core, Fault> {
    let text = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| FaultKind::Core.at(index, format!("the core has no text `{name}`")))
    };
    if value.get("v") != Some(&Value::from(1)) {
        return Err(FaultKind::Core.at(index, "the core is not of version 1"));
    }
    if text("organizationId")? != org {
        return Err(FaultKind::Org.at(index, "the event is of another org"));
    }
    let at = Instant::parse(text("timestamp")?)
        .ok_or_else(|| FaultKind::Core.at(index, "the timestamp is no RFC 3339 in UTC"))?;
    let action = text("action")?.to_owned();
    let is_call = value.get("resourceType").and_then(Value::as_str) == Some("call");
    let call = value.get("resourceId").and_then(Value::as_str).filter(|_| is_call);
    let journalled = value.get("journal").is_some_and(Value::is_string);
    Ok(Core { action, at, call: call.map(str::to_owned), journalled })
}
