//! What a log makes of the answer.

use crate::lines;
use crate::note::{self, NOTE_BYTES_MAX, Signature, Verified, Verifier};

/// The `Content-Type` of a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// Why an answer is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Not lines of signatures.
    #[error("the answer is not made of signatures")]
    Malformed,
    /// No known witness, or a wrong signature of one.
    #[error("the answer is refused: {0}")]
    Refused(#[source] note::Refused),
}

/// The cosignatures of known witnesses in a body that came with 200, each verified over the
/// text of the checkpoint. Lines of unknown keys are passed over.
pub fn cosignatures<'v>(
    body: &[u8],
    text: &str,
    witnesses: &'v [Verifier],
) -> Result<Vec<(Signature, Verified<'v>)>, Unanswered> {
    let body = Some(body).filter(|body| body.len() <= NOTE_BYTES_MAX);
    let body = body.and_then(|body| std::str::from_utf8(body).ok()).ok_or(Unanswered::Malformed)?;
    let signatures = Signature::parse_lines(body).map_err(|_| Unanswered::Malformed)?;
    let mut found = Vec::new();
    for signature in signatures {
        let Some(verifier) = witnesses.iter().find(|witness| witness.made(&signature)) else {
            continue;
        };
        let time_secs = verifier.verify(text, &signature).map_err(Unanswered::Refused)?;
        found.push((signature, Verified { verifier, time_secs }));
    }
    if found.is_empty() {
        return Err(Unanswered::Refused(note::Refused::NobodyKnown));
    }
    Ok(found)
}

/// The size in a body that came with 409 and the type of a size.
pub fn known_size(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    lines::decimal(text.strip_suffix('\n')?)
}
