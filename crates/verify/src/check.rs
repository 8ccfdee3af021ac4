//! Judges a bundle.

use std::io::{Read, Seek};

use crate::PAGE;
use crate::bundle::{Bundle, Stop};
use crate::checkpoint::Checkpoint;
use crate::entries;
use crate::fault::{Fault, FaultKind};
use crate::instant::Instant;
use crate::key::VerifierKey;
use crate::listed::{self, DIRECTORY_BYTES_MAX};
use crate::manifest::{self, KEYS_BYTES_MAX, LogKey, MANIFEST_BYTES_MAX, Manifest};
use crate::name::{Name, Part};
use crate::note::{NOTE_BYTES_MAX, Note};
use crate::order::{Order, Seen};
use crate::outside::{OUTSIDE_MAX, Outside};
use crate::ring::{Ring, Signed};
use crate::tree::{LEVELS, Tree};
use crate::unreadable::Unreadable;
use crate::verdict::{SignedCheckpoint, Verdict};

/// Bytes of `policy.txt` and of `verify.html` at most.
const TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the user brings.
#[derive(Debug, Clone)]
pub struct Options {
    /// Checkpoints from outside.
    pub outside: Vec<Outside>,
    /// Keys of the log and of witnesses that the user got from elsewhere.
    pub trusted: Vec<VerifierKey>,
    /// Seconds that clocks may differ.
    pub skew_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { outside: Vec::new(), trusted: Vec::new(), skew_secs: crate::SKEW_SECS }
    }
}

/// Judges a bundle; an error means that there is nothing to judge.
pub fn check(bundle: impl Read + Seek, options: &Options) -> Result<Verdict, Unreadable> {
    if options.outside.len() > OUTSIDE_MAX {
        let words = format!("at most {OUTSIDE_MAX} can be compared at once");
        return Err(Unreadable::Given { name: "checkpoints".to_owned(), words });
    }
    let mut verdict = Verdict::new(options);
    match judge(bundle, options, &mut verdict) {
        Ok(()) => verdict.conclude(None),
        Err(Stop::Fault(fault)) => verdict.conclude(Some(fault)),
        Err(Stop::Unreadable(unreadable)) => return Err(unreadable),
    }
    Ok(verdict)
}

fn judge<R: Read + Seek>(source: R, options: &Options, verdict: &mut Verdict) -> Result<(), Stop> {
    let bundle = Bundle::open(source)?;
    let (manifest, made_at) = Manifest::parse(&bundle.whole(Name::Manifest, MANIFEST_BYTES_MAX)?)?;
    verdict.about(&manifest);
    bundle.expects(&manifest)?;
    let keys = manifest::keys(&bundle.whole(Name::Keys, KEYS_BYTES_MAX)?)?;
    bundle.whole(Name::Policy, TEXT_BYTES_MAX)?;
    verdict.own_page = bundle.whole(Name::Page, TEXT_BYTES_MAX)? == PAGE.as_bytes();

    let ring = Ring::new(&manifest.origin, &options.trusted, &keys);
    let note = bundle.whole(Name::Checkpoint, NOTE_BYTES_MAX)?;
    let (text, checkpoint, signed) = signed(&note, &ring, &manifest)?;
    verdict.checkpoint = Some(SignedCheckpoint::new(&checkpoint, &signed, &ring));

    if let Some(bytes) = bundle.optional(Name::Directory, DIRECTORY_BYTES_MAX)? {
        verdict.listed =
            Some(listed::judge(&bytes, &text, &manifest.log(), &options.trusted, &keys)?);
    }

    let mut outside = Vec::new();
    for other in &options.outside {
        outside.push((other, other.signatures(&ring, &manifest.origin)?));
    }
    // What the bundle says of its own making counts too: an event behind it contradicts it.
    let by = "the manifest".to_owned();
    let made = Seen { size: checkpoint.size, at: made_at, by, outside: false };
    let others = outside.iter().flat_map(|(other, signatures)| other.seen(signatures));
    let mut seen: Vec<_> = seen(&checkpoint, &signed).chain([made]).chain(others).collect();
    if let Some(listed) = &verdict.listed {
        let by = format!("epoch {} of the directory", listed.epoch);
        seen.push(Seen { size: checkpoint.size, at: listed.closed, by, outside: false });
    }
    let mut order = Order::new(options.skew_secs, seen);
    let sizes = options.outside.iter().map(Outside::size).collect();
    let mut tree = Tree::new(manifest.size, sizes);
    entries::judge(&bundle, &manifest, &mut order, &mut tree, &mut verdict.counts)?;
    verdict.counts.ordered(&order);
    tiles(&bundle, &manifest, &mut tree)?;
    match tree.root(manifest.size) {
        Some(root) if root == checkpoint.root => {}
        Some(_) => {
            let words = "the entries and tiles do not have the root of the checkpoint";
            return Err(FaultKind::Root.because(words).into());
        }
        None => {
            let words = "hashes are missing without which the root cannot be computed";
            return Err(FaultKind::RootUnknown.because(words).into());
        }
    }
    order.end(manifest.first)?;
    in_use(&ring, &keys, &signed, order.latest(), options.skew_secs)?;
    for (other, signatures) in outside {
        verdict.outside.push(other.compare(signatures, &manifest, &tree)?);
    }
    Ok(())
}

/// The checkpoint, the text that was signed, and who signed it.
fn signed(
    note: &[u8],
    ring: &Ring<'_>,
    manifest: &Manifest,
) -> Result<(String, Checkpoint, Vec<Signed>), Fault> {
    let malformed = |words| FaultKind::Checkpoint.because(format!("the checkpoint: {words}"));
    let note = Note::parse(note).map_err(malformed)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(malformed)?;
    let other = |words: &str| Err(FaultKind::CheckpointOther.because(words));
    if checkpoint.origin != manifest.origin {
        return other("the checkpoint is of another log than the manifest names");
    }
    if checkpoint.size != manifest.size {
        return other("the checkpoint is of another size than the manifest says");
    }
    let signed = ring.stands_behind(&note, &checkpoint)?;
    Ok((note.text, checkpoint, signed))
}

/// When the tree of the checkpoint was seen, by who signed it.
pub(crate) fn seen(checkpoint: &Checkpoint, signed: &[Signed]) -> impl Iterator<Item = Seen> {
    signed.iter().filter_map(|signed| {
        let by = format!("`{}` under the checkpoint", signed.by);
        Some(Seen { size: checkpoint.size, at: signed.at?, by, outside: false })
    })
}

/// Lays the tiles, from below.
fn tiles<R: Read + Seek>(
    bundle: &Bundle<R>,
    manifest: &Manifest,
    tree: &mut Tree,
) -> Result<(), Stop> {
    let laid = crate::bundle::bundles(manifest);
    for part in bundle.tiles(0) {
        if !laid.contains(&part.index) {
            tree.lay_leaves(part, None, entries::tile(bundle, 0, part)?)?;
        }
    }
    for level in 1..LEVELS {
        let mut indexes = tree.follow(level);
        indexes.extend(bundle.tiles(level).iter().map(|part| part.index));
        indexes.sort_unstable();
        indexes.dedup();
        for index in indexes {
            let Some(part) = Part::of(manifest.size, level, index) else { continue };
            tree.lay_over(level, part, entries::tile(bundle, level, part)?)?;
        }
    }
    Ok(())
}

/// That one of the keys which stand behind the checkpoint was in use when it was signed: not
/// before its last event that is shown, and not after a witness saw it.
pub(crate) fn in_use(
    ring: &Ring<'_>,
    keys: &[LogKey],
    signed: &[Signed],
    latest: Option<Instant>,
    skew_secs: u64,
) -> Result<(), Fault> {
    let seen = signed.iter().filter_map(|signed| signed.at).min();
    let mut histories = keys
        .iter()
        .filter(|log| ring.of_log(signed).iter().any(|by| by.key.as_ref() == Some(&log.key)))
        .peekable();
    // A key that the user gave and the bundle does not name has no history to compare with.
    if histories.peek().is_none() {
        return Ok(());
    }
    let fits = |log: &LogKey| {
        let begun = seen.is_none_or(|seen| seen.after(skew_secs) >= log.from);
        let lasts = |to: Instant| latest.is_none_or(|latest| latest <= to.after(skew_secs));
        begun && log.to.is_none_or(lasts)
    };
    if histories.any(fits) {
        return Ok(());
    }
    let words = "the key that signed the checkpoint was not in use at that time";
    Err(FaultKind::KeyNotInUse.because(words))
}
