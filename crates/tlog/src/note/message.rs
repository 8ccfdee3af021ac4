//! What is really signed: the text alone, or a statement about it at a time.

use super::key::{Algorithm, KeyName};
use crate::checkpoint::Checkpoint;

/// Begins what an Ed25519 cosigner signs.
const COSIGNATURE: &str = "cosignature/v1";
/// Begins what an ML-DSA-44 cosigner signs.
const SUBTREE: &[u8; 12] = b"subtree/v1\n\0";

/// The message, or nothing if this algorithm makes no statement about such a text.
pub(super) fn message(
    algorithm: Algorithm,
    name: &KeyName,
    time_secs: u64,
    text: &str,
) -> Option<Vec<u8>> {
    match algorithm {
        // A text that reads like the message of a cosigner is never signed as a text: one seed
        // for both would let somebody's text pass for a witness's word.
        Algorithm::Ed25519 if text.starts_with(COSIGNATURE) => None,
        Algorithm::Ed25519 => Some(text.into()),
        Algorithm::CosignatureEd25519 => {
            Checkpoint::parse(text).ok()?;
            Some(format!("{COSIGNATURE}\ntime {time_secs}\n{text}").into())
        }
        Algorithm::CosignatureMlDsa44 => subtree(name, time_secs, &Checkpoint::parse(text).ok()?),
    }
}

/// It covers no lines after the root: a text that has some is not what would be signed.
fn subtree(name: &KeyName, time_secs: u64, checkpoint: &Checkpoint) -> Option<Vec<u8>> {
    if !checkpoint.extensions().is_empty() {
        return None;
    }
    let (name, origin) = (name.as_str().as_bytes(), checkpoint.origin().as_bytes());
    let mut message = SUBTREE.to_vec();
    message.push(u8::try_from(name.len()).ok()?);
    message.extend_from_slice(name);
    message.extend_from_slice(&time_secs.to_be_bytes());
    message.push(u8::try_from(origin.len()).ok()?);
    message.extend_from_slice(origin);
    message.extend_from_slice(&0u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size().to_be_bytes());
    message.extend_from_slice(&checkpoint.root().0);
    Some(message)
}
