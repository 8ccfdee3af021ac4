//! The bytes of a journal: `journal/v1`. Pure: no file, no key of an org.
//!
//! ```text
//! file  = "portico-journal/v1\n" │ id 16 │ began 8 │ chain 32
//! frame = bytes of the body 4 │ first number 8 │ count 4 │ check 16   head
//!       │ count × ( bytes 4 │ entry )                                 body
//!       │ chain 32
//! chain = HMAC-SHA-256(key, "chain\n" │ chain before │ head │ body), of the file over all before it
//! check = the first 16 bytes of HMAC-SHA-256(key, "head\n" │ chain before │ head without check)
//! ```
//! Numbers have their high byte first; `began` is microseconds since 1970. One write is one
//! frame. What a crash tore is the last frame and ends too early, or was never filled: it is
//! cut, for nobody was told of it. Anything else that does not fit is no crash.

use std::io::{self, ErrorKind, Read};

use base::bytes::{some, take};
use base::seal::{Mac, equal};

/// What every journal begins with.
const MAGIC: &[u8] = b"portico-journal/v1\n";
const ID_LEN: usize = 16;
const CHAIN_LEN: usize = 32;
const CHECK_LEN: usize = 16;
/// Bytes of what names the file, and what is behind it.
pub(crate) const FILE_HEAD_LEN: usize = MAGIC.len() + ID_LEN + 8 + CHAIN_LEN;
/// Bytes of a frame's head, and of what it tells.
const TOLD_LEN: usize = 4 + 8 + 4;
const HEAD_LEN: usize = TOLD_LEN + CHECK_LEN;

/// What a frame is chained to.
pub(crate) type Chain = [u8; CHAIN_LEN];

/// Where a journal is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) chain: Chain,
    /// The number of the next entry, from 0.
    pub(crate) number: u64,
    /// Bytes before it.
    pub(crate) offset: u64,
}

/// A journal is named by these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) id: [u8; ID_LEN],
    pub(crate) began: i64,
}

/// Entries that were written together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The number of the first.
    pub(crate) first: u64,
    pub(crate) entries: Vec<Vec<u8>>,
}

/// What is at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Frame(Frame),
    /// Nothing, or what a crash tore.
    End,
}

/// Why a journal is not read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRead {
    /// It was altered, or it is another's.
    #[error("its chain is broken at entry {0}")]
    Broken(u64),
    /// Its file cannot be read.
    #[error("its file cannot be read")]
    Unreadable(#[from] io::Error),
}

impl Name {
    /// The first bytes of its file, and the place behind them.
    pub(crate) fn head(&self, mac: &Mac) -> (Vec<u8>, Place) {
        let mut head = [MAGIC, &self.id, &self.began.to_be_bytes()].concat();
        let chain = mac.tag(&[b"file\n", head.as_slice()].concat());
        head.extend_from_slice(&chain);
        let place = Place { chain, number: 0, offset: len_of(&head) };
        (head, place)
    }

    /// Reads it. None: the file was never filled, so nobody was told of anything in it.
    pub(crate) fn read(mac: &Mac, from: &mut impl Read) -> Result<Option<(Self, Place)>, NotRead> {
        let mut head = [0; FILE_HEAD_LEN];
        let filled = fill(from, &mut head)?;
        if filled < FILE_HEAD_LEN || head.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (rest, broken) = (&mut head.as_slice(), || NotRead::Broken(0));
        let magic = some(rest, MAGIC.len()).ok_or_else(broken)?;
        let id = take(rest).ok_or_else(broken)?;
        let began = i64::from_be_bytes(take(rest).ok_or_else(broken)?);
        let name = Self { id, began };
        let (whole, place) = name.head(mac);
        if magic != MAGIC || !equal(&whole, &head) {
            return Err(NotRead::Broken(0));
        }
        Ok(Some((name, place)))
    }
}

impl Place {
    /// The bytes of a frame that stands here, and the place behind it; none of one that is
    /// too large to be written.
    pub(crate) fn frame(&self, mac: &Mac, entries: &[Vec<u8>]) -> Option<(Vec<u8>, Self)> {
        let mut body = Vec::new();
        for entry in entries {
            body.extend_from_slice(&u32::try_from(entry.len()).ok()?.to_be_bytes());
            body.extend_from_slice(entry);
        }
        let count = u32::try_from(entries.len()).ok()?;
        let bytes = u32::try_from(body.len()).ok()?.to_be_bytes();
        let told = [&bytes[..], &self.number.to_be_bytes(), &count.to_be_bytes()].concat();
        let check = self.check(mac, &told);
        let head = [told.as_slice(), &check].concat();
        let chain = self.link(mac, &head, &body);
        let frame = [head.as_slice(), &body, &chain].concat();
        let number = self.number.checked_add(u64::from(count))?;
        let offset = self.offset.checked_add(len_of(&frame))?;
        Some((frame, Self { chain, number, offset }))
    }

    /// What stands here, and moves behind it. `left` are the bytes from here to the end.
    pub(crate) fn next(
        &mut self,
        mac: &Mac,
        from: &mut impl Read,
        left: u64,
    ) -> Result<Step, NotRead> {
        let broken = || NotRead::Broken(self.number);
        let mut head = [0; HEAD_LEN];
        let filled = fill(from, &mut head)?;
        let (told, check) = head.split_at(TOLD_LEN);
        if filled < HEAD_LEN {
            return Ok(Step::End);
        }
        if !equal(check, &self.check(mac, told)) {
            // Room that was taken and never filled is no frame.
            let zeros = head.iter().all(|byte| *byte == 0) && rest_is_zeros(from)?;
            return if zeros { Ok(Step::End) } else { Err(broken()) };
        }
        let rest = &mut &*told;
        let bytes = u32::from_be_bytes(take(rest).ok_or_else(broken)?);
        let first = u64::from_be_bytes(take(rest).ok_or_else(broken)?);
        let count = u32::from_be_bytes(take(rest).ok_or_else(broken)?);
        let whole = u64::from(bytes) + len_of(&head) + u64::try_from(CHAIN_LEN).unwrap_or(0);
        if whole > left {
            return Ok(Step::End);
        }
        let len = usize::try_from(bytes).map_err(|_| broken())?;
        let mut body = vec![0; len];
        let mut chain = [0; CHAIN_LEN];
        if fill(from, &mut body)? < len || fill(from, &mut chain)? < CHAIN_LEN {
            return Ok(Step::End);
        }
        if first != self.number || !equal(&chain, &self.link(mac, &head, &body)) {
            return Err(broken());
        }
        let entries = entries(&body, count).ok_or_else(broken)?;
        let number = first.checked_add(u64::from(count)).ok_or_else(broken)?;
        *self = Self { chain, number, offset: self.offset.saturating_add(whole) };
        Ok(Step::Frame(Frame { first, entries }))
    }

    fn check(&self, mac: &Mac, told: &[u8]) -> [u8; CHECK_LEN] {
        let tag = mac.tag(&[b"head\n", self.chain.as_slice(), told].concat());
        take(&mut tag.as_slice()).unwrap_or_default()
    }

    fn link(&self, mac: &Mac, head: &[u8], body: &[u8]) -> Chain {
        mac.tag(&[b"chain\n", self.chain.as_slice(), head, body].concat())
    }
}

/// Cuts a body into its entries.
fn entries(mut body: &[u8], count: u32) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    for _ in 0..count {
        let len = u32::from_be_bytes(take(&mut body)?);
        entries.push(some(&mut body, usize::try_from(len).ok()?)?.to_vec());
    }
    body.is_empty().then_some(entries)
}

/// As many bytes as there are.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(some) => filled += some,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn rest_is_zeros(from: &mut impl Read) -> io::Result<bool> {
    let mut some = [0; 4096];
    loop {
        let filled = fill(from, &mut some)?;
        if some.iter().take(filled).any(|byte| *byte != 0) {
            return Ok(false);
        }
        if filled < some.len() {
            return Ok(true);
        }
    }
}

fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use base::seal::RootKey;
    use proptest::prelude::*;

    use super::*;

    const NAME: Name = Name { id: [7; ID_LEN], began: 1_700_000_000_000_000 };

    fn mac(key: u8) -> Mac {
        RootKey::from_bytes(&[key; 32]).unwrap().mac("audit/journal")
    }

    /// A file of these frames.
    fn written(frames: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let (mut file, mut place) = NAME.head(&mac(1));
        for entries in frames {
            let (bytes, behind) = place.frame(&mac(1), entries).unwrap();
            file.extend(bytes);
            place = behind;
        }
        assert_eq!(place.offset, len_of(&file));
        file
    }

    /// The entries of a file, up to its end or to where it is broken.
    fn read(mac: &Mac, mut file: &[u8]) -> (Vec<Vec<u8>>, Result<u64, NotRead>) {
        let mut read = Vec::new();
        let mut place = match Name::read(mac, &mut file) {
            Ok(Some((_, place))) => place,
            Ok(None) => return (read, Ok(0)),
            Err(error) => return (read, Err(error)),
        };
        loop {
            let left = len_of(file);
            match place.next(mac, &mut file, left) {
                Ok(Step::End) => return (read, Ok(place.offset)),
                Ok(Step::Frame(frame)) => read.extend(frame.entries),
                Err(error) => return (read, Err(error)),
            }
        }
    }

    fn frames() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
        let entry = prop::collection::vec(any::<u8>(), 0..40);
        prop::collection::vec(prop::collection::vec(entry, 1..4), 1..6)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(frames in frames()) {
            let file = written(&frames);
            let (read, end) = read(&mac(1), &file);
            prop_assert_eq!(read, frames.concat());
            prop_assert_eq!(end.unwrap(), len_of(&file));
        }

        #[test]
        fn a_write_that_was_torn_is_cut_and_nothing_before_it(frames in frames(), cut in any::<prop::sample::Index>(), zeros in 0_usize..200) {
            let file = written(&frames);
            let whole = written(&frames[..frames.len() - 1]).len();
            let kept = whole + cut.index(file.len() - whole);
            let mut torn = file[..kept].to_vec();
            // Some file systems grow a file before they fill it.
            torn.resize(if kept == whole { kept + zeros } else { kept }, 0);
            let (read, end) = read(&mac(1), &torn);
            prop_assert_eq!(read, frames[..frames.len() - 1].concat());
            prop_assert_eq!(end.unwrap(), len_of(&file[..whole]));
        }

        #[test]
        fn whatever_byte_is_changed_stops_the_reading_there(frames in frames(), at in any::<prop::sample::Index>(), by in 1_u8..) {
            let mut file = written(&frames);
            let at = at.index(file.len());
            file[at] ^= by;
            let (read, end) = read(&mac(1), &file);
            prop_assert!(end.is_err(), "{end:?}");
            prop_assert!(frames.concat().starts_with(&read));
        }

        #[test]
        fn no_bytes_make_the_reader_fail_otherwise(file in prop::collection::vec(any::<u8>(), 0..400), head in any::<bool>()) {
            let mut bytes = if head { written(&[]) } else { Vec::new() };
            bytes.extend(&file);
            let (read, _) = read(&mac(1), &bytes);
            prop_assert!(read.is_empty());
        }
    }

    #[test]
    fn frames_that_are_dropped_swapped_or_repeated_and_those_of_another_key_are_refused() {
        let frames = [vec![b"one".to_vec()], vec![b"two".to_vec()], vec![b"three".to_vec()]];
        let ends: Vec<usize> = (0..=3).map(|count| written(&frames[..count]).len()).collect();
        let file = written(&frames);
        let part = |of: usize| &file[ends[of]..ends[of + 1]];
        let head = &file[..ends[0]];
        for order in [[1, 2, 2], [0, 2, 1], [0, 0, 1], [2, 1, 0]] {
            let altered = [head, part(order[0]), part(order[1]), part(order[2])].concat();
            assert!(read(&mac(1), &altered).1.is_err(), "{order:?}");
        }
        assert!(matches!(read(&mac(2), &file).1, Err(NotRead::Broken(0))));
    }
}
