//! Whether the directory of the cell lists the checkpoint, as the one head of its org in an epoch.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultKind};
use crate::hash::{Hash, from_hex};
use crate::instant::Instant;
use crate::key::VerifierKey;
use crate::manifest::{Log, LogKey};
use crate::proof::Proof;
use crate::ring::{Ring, Signed};

/// Bytes of `directory.json` at most: a path, and a note as long as notes may be.
pub(crate) const DIRECTORY_BYTES_MAX: u64 = 512 * 1024;
/// Levels of the tree of slots.
const HEIGHT: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    origin: String,
    epoch: u64,
    at: String,
    salt: String,
    path: Vec<String>,
    proof: String,
}

/// The epoch of the directory in which the checkpoint of a bundle is the one head of its org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The name of the directory's log.
    pub origin: String,
    /// The epoch.
    pub epoch: u64,
    /// When it was closed, as the directory says.
    pub at: String,
    /// Epochs of the tree that was signed.
    pub size: u64,
    /// Who signed it.
    pub signatures: Vec<Signed>,
    #[serde(skip)]
    pub(crate) closed: Instant,
}

/// Judges `directory.json` for a checkpoint, of which this is the text that was signed.
pub(crate) fn judge(
    bytes: &[u8],
    text: &str,
    log: &Log<'_>,
    given: &[VerifierKey],
    brought: &[LogKey],
) -> Result<Listed, Fault> {
    let malformed = |words: &str| FaultKind::Directory.because(format!("directory.json: {words}"));
    let document: Document =
        serde_json::from_slice(bytes).map_err(|cause| malformed(&cause.to_string()))?;
    let cell = log.origin.strip_suffix(log.org).unwrap_or_default();
    if document.origin != format!("{cell}directory") {
        return Err(malformed("it is not of the directory beside this log"));
    }
    let closed = Instant::parse(&document.at);
    let closed = closed.ok_or_else(|| malformed("a time is no RFC 3339 in UTC"))?;
    let salt = from_hex(&document.salt);
    let salt = salt.ok_or_else(|| malformed("the salt is not 64 hexadecimal digits"))?;
    let path: Option<Vec<Hash>> =
        document.path.iter().map(|hash| Hash::from_base64(hash)).collect();
    let path = path.filter(|path| path.len() == HEIGHT);
    let path = path.ok_or_else(|| malformed("the path from the slot is not 64 hashes"))?;
    let proof = Proof::parse(&document.proof).ok_or_else(|| malformed("its proof is none"))?;
    if proof.index != document.epoch || proof.checkpoint.origin != document.origin {
        return Err(malformed("its proof is of another epoch or another log"));
    }

    let root = slots_root(log.org, &salt, text, &path);
    let entry = [&b"directory/v1"[..], &closed.micros().to_be_bytes(), &root.0].concat();
    let size = proof.checkpoint.size;
    if !proof.leads_from(Hash::leaf(&entry)) {
        let words = "the directory does not list this checkpoint for this org in that epoch";
        return Err(FaultKind::DirectoryHead.because(words));
    }
    let signatures = signed(&proof, &document.origin, log.origin, given, brought)?;
    let Document { origin, epoch, at, .. } = document;
    Ok(Listed { origin, epoch, at, size, signatures, closed })
}

/// Who signed the directory: the log's keys under the directory's name, and witnesses.
fn signed(
    proof: &Proof,
    origin: &str,
    of_log: &str,
    given: &[VerifierKey],
    brought: &[LogKey],
) -> Result<Vec<Signed>, Fault> {
    let named = |key: &VerifierKey| {
        if key.name() == of_log { key.named(origin) } else { key.clone() }
    };
    let given: Vec<VerifierKey> = given.iter().map(named).collect();
    let brought: Vec<LogKey> =
        brought.iter().map(|log| LogKey { key: named(&log.key), ..log.clone() }).collect();
    let ring = Ring::new(origin, &given, &brought);
    let refused = |words: String| FaultKind::DirectorySignature.because(words);
    let signed = ring.signatures(&proof.note, &proof.checkpoint).map_err(|by| {
        refused(format!("the signature of `{by}` under the directory is not by its key"))
    })?;
    if ring.of_log(&signed).is_empty() {
        return Err(refused("no key of the log that counts signed the directory".to_owned()));
    }
    Ok(signed)
}

/// The root of the slots to which a checkpoint leads.
fn slots_root(org: &str, salt: &[u8; 32], text: &str, path: &[Hash]) -> Hash {
    let slot = Hash::of(&[b"portico-directory/v1 slot\n", org.as_bytes()]);
    let head = Hash::of(&[b"portico-directory/v1 head\n", salt, text.as_bytes()]);
    // The last bit of the first eight bytes is that of the lowest level.
    let bits = slot.0.iter().take(8).rev().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    bits.zip(path).fold(Hash::leaf(&head.0), |hash, (bit, sibling)| {
        if bit == 0 { Hash::node(&hash, sibling) } else { Hash::node(sibling, &hash) }
    })
}
