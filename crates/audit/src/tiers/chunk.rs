//! A chunk of the archive: rows as they were, in one file.
//!
//! ```text
//! file   "portico-chunk/v1\n" ‖ AES-256-GCM of the deflated rows; what it is sealed under is
//!        derived from the org's key, and bound to the org and to the first position
//! rows   u64 first ‖ u32 n ‖ n × (i64 at ‖ 6 × (u32 length ‖ bytes)): action, user, kind and
//!        id of the resource, outcome, body. Numbers have their high byte first.
//! ```

use std::io::{Read as _, Write as _};

use access::OrgId;
use base::args;
use base::db::{DbError, Row, Value};
use base::seal::NotOpened;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::keys::Key;

const MAGIC: &[u8] = b"portico-chunk/v1\n";
/// Bytes of the rows of a chunk at most. A file of the store has 1 MiB at most, and what
/// cannot be packed smaller grows by less than a hundredth.
pub(crate) const CHUNK_BYTES_MAX: usize = 1_000_000;
/// Rows of a chunk at most: one that is searched in vain costs as much as they do.
pub(crate) const CHUNK_ROWS_MAX: usize = 1_024;

/// A row of the record, wherever it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) action: String,
    pub(crate) user_id: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) outcome: String,
    pub(crate) body: Vec<u8>,
}

/// Rows of positions that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    first: i64,
    rows: Vec<Kept>,
}

/// These bytes are no chunk, or not this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a chunk of the archive")]
pub(crate) struct NoChunk;

impl Kept {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            seq: row.int("seq")?,
            at: row.int("at")?,
            action: row.text("action")?,
            user_id: row.text("user_id")?,
            resource_type: row.text("resource_type")?,
            resource_id: row.text("resource_id")?,
            outcome: row.text("outcome")?,
            body: row.bytes("body")?,
        })
    }

    /// As a statement gives it.
    pub(crate) fn row(&self) -> Row {
        let names =
            ["seq", "at", "action", "user_id", "resource_type", "resource_id", "outcome", "body"];
        let values: Vec<Value> = args![
            self.seq,
            self.at,
            &self.action,
            &self.user_id,
            &self.resource_type,
            &self.resource_id,
            &self.outcome,
            self.body.as_slice()
        ];
        Row::given(names.into_iter().zip(values).collect())
    }

    fn parts(&self) -> [&[u8]; 6] {
        [
            self.action.as_bytes(),
            self.user_id.as_bytes(),
            self.resource_type.as_bytes(),
            self.resource_id.as_bytes(),
            self.outcome.as_bytes(),
            &self.body,
        ]
    }

    /// Its bytes in a chunk.
    pub(crate) fn bytes(&self) -> usize {
        self.parts().iter().fold(8, |bytes, part| bytes + 4 + part.len())
    }
}

impl Chunk {
    /// Of rows that follow one another; none of no rows.
    pub(crate) fn new(rows: Vec<Kept>) -> Option<Self> {
        let first = rows.first()?.seq;
        Some(Self { first, rows })
    }

    pub(crate) fn first(&self) -> i64 {
        self.first
    }

    /// The position behind the last.
    pub(crate) fn next(&self) -> i64 {
        self.rows.last().map_or(self.first, |last| last.seq + 1)
    }

    /// The oldest first.
    pub(crate) fn rows(&self) -> &[Kept] {
        &self.rows
    }

    /// The row at a position.
    pub(crate) fn row(&self, seq: i64) -> Option<&Kept> {
        self.rows.get(usize::try_from(seq - self.first).ok()?)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, NoChunk> {
        let mut bytes = self.first.to_be_bytes().to_vec();
        let len = |bytes: &mut Vec<u8>, len: usize| {
            let len = u32::try_from(len).map_err(|_| NoChunk)?;
            bytes.extend(len.to_be_bytes());
            Ok::<_, NoChunk>(())
        };
        len(&mut bytes, self.rows.len())?;
        for row in &self.rows {
            bytes.extend(row.at.to_be_bytes());
            for part in row.parts() {
                len(&mut bytes, part.len())?;
                bytes.extend(part);
            }
        }
        Ok(bytes)
    }

    fn from_bytes(mut bytes: &[u8]) -> Result<Self, NoChunk> {
        let first = i64::from_be_bytes(number(&mut bytes)?);
        let count = u32::from_be_bytes(number(&mut bytes)?);
        let mut rows = Vec::new();
        for seq in (first..).take(usize::try_from(count).map_err(|_| NoChunk)?) {
            let at = i64::from_be_bytes(number(&mut bytes)?);
            let mut text = || String::from_utf8(part(&mut bytes)?).map_err(|_| NoChunk);
            let (action, user_id) = (text()?, text()?);
            let (resource_type, resource_id, outcome) = (text()?, text()?, text()?);
            let body = part(&mut bytes)?;
            let row = Kept { seq, at, action, user_id, resource_type, resource_id, outcome, body };
            rows.push(row);
        }
        if bytes.is_empty() { Self::new(rows).ok_or(NoChunk) } else { Err(NoChunk) }
    }

    /// What its file is called: the same rows have the same name, and others another.
    pub(crate) fn file(&self, key: &Key) -> Result<String, NoChunk> {
        use std::fmt::Write as _;
        let tag = key.chunk_tag(&self.to_bytes()?);
        let mut name = format!("{:012}-", self.first);
        for byte in tag.iter().take(12) {
            let _infallible = write!(name, "{byte:02x}");
        }
        Ok(name)
    }

    /// Packed and sealed.
    pub(crate) fn seal(&self, key: &Key, org: &OrgId) -> Result<Vec<u8>, NoChunk> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&self.to_bytes()?).map_err(|_| NoChunk)?;
        let packed = packed.finish().map_err(|_| NoChunk)?;
        let sealed = key.seal_chunk(&purpose(org, self.first), &packed);
        let sealed = sealed.map_err(|NotOpened| NoChunk)?;
        Ok([MAGIC, &sealed].concat())
    }

    /// Opens what [`Chunk::seal`] sealed for this org and position.
    pub(crate) fn open(key: &Key, org: &OrgId, first: i64, file: &[u8]) -> Result<Self, NoChunk> {
        let sealed = file.strip_prefix(MAGIC).ok_or(NoChunk)?;
        let packed = key.open_chunk(&purpose(org, first), sealed);
        let packed = packed.map_err(|NotOpened| NoChunk)?;
        let bound = u64::try_from(2 * CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let mut unpacked = DeflateDecoder::new(packed.as_slice()).take(bound);
        unpacked.read_to_end(&mut bytes).map_err(|_| NoChunk)?;
        Self::from_bytes(&bytes)
    }
}

/// What it is sealed for.
fn purpose(org: &OrgId, first: i64) -> String {
    format!("chunk {org} {first}")
}

fn number<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], NoChunk> {
    let (number, rest) = bytes.split_first_chunk().ok_or(NoChunk)?;
    *bytes = rest;
    Ok(*number)
}

fn part(bytes: &mut &[u8]) -> Result<Vec<u8>, NoChunk> {
    let len = u32::from_be_bytes(number(bytes)?);
    let len = usize::try_from(len).map_err(|_| NoChunk)?;
    let (part, rest) = bytes.split_at_checked(len).ok_or(NoChunk)?;
    *bytes = rest;
    Ok(part.to_vec())
}

#[cfg(test)]
mod tests {
    use base::time::At;
    use proptest::prelude::*;

    use super::*;

    fn chunk(bodies: &[Vec<u8>]) -> Chunk {
        let row = |(seq, body): (i64, &Vec<u8>)| Kept {
            seq,
            at: seq * 7 - 3,
            action: "test.thing.set".to_owned(),
            user_id: format!("~{seq}"),
            resource_type: "thing".to_owned(),
            resource_id: String::new(),
            outcome: "success".to_owned(),
            body: body.clone(),
        };
        Chunk::new((40..).zip(bodies).map(row).collect()).unwrap()
    }

    proptest! {
        #[test]
        fn a_chunk_gives_back_what_was_put_in_and_no_other_bytes_are_one(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
            at in any::<prop::sample::Index>(),
        ) {
            let (org, key) = (OrgId::new(At::UNIX_EPOCH), Key::fresh().unwrap());
            let chunk = chunk(&bodies);
            let mut file = chunk.seal(&key, &org).unwrap();
            prop_assert_eq!(&Chunk::open(&key, &org, 40, &file).unwrap(), &chunk);
            prop_assert_eq!(chunk.row(41).is_some(), bodies.len() > 1);
            prop_assert_eq!(Chunk::open(&key, &org, 41, &file), Err(NoChunk), "of another place");
            let other = OrgId::new(At::UNIX_EPOCH);
            prop_assert_eq!(Chunk::open(&key, &other, 40, &file), Err(NoChunk), "of another org");
            let at = at.index(file.len());
            file[at] ^= 1;
            prop_assert_eq!(Chunk::open(&key, &org, 40, &file), Err(NoChunk));
        }
    }

    #[test]
    fn the_form_of_a_chunk_never_changes() {
        let bytes = [
            &40_i64.to_be_bytes()[..],
            &1_u32.to_be_bytes(),
            &277_i64.to_be_bytes(),
            b"\0\0\0\x0etest.thing.set\0\0\0\x03~40\0\0\0\x05thing\0\0\0\0\0\0\0\x07success",
            b"\0\0\0\x02\x01\xff",
        ]
        .concat();
        let chunk = chunk(&[vec![1, 0xff]]);
        assert_eq!(chunk.to_bytes().unwrap(), bytes);
        assert_eq!(Chunk::from_bytes(&bytes).unwrap(), chunk);
        assert_eq!(Chunk::from_bytes(&[&bytes[..], b"x"].concat()), Err(NoChunk));
        assert!((0..bytes.len()).all(|cut| Chunk::from_bytes(&bytes[..cut]).is_err()));
    }

    #[test]
    fn a_full_chunk_that_cannot_be_packed_smaller_fits_into_a_file() {
        let noise = |_| base::seal::random::<1_000>().unwrap().to_vec();
        let bodies: Vec<_> = (0..940).map(noise).collect();
        let chunk = chunk(&bodies);
        let bytes: usize = chunk.rows().iter().map(Kept::bytes).sum();
        assert!(bytes > 950_000 && bytes <= CHUNK_BYTES_MAX, "{bytes}");
        let org = OrgId::new(At::UNIX_EPOCH);
        let file = chunk.seal(&Key::fresh().unwrap(), &org).unwrap();
        assert!(file.len() <= 1 << 20, "{}", file.len());
    }
}
