//! Rows of tables as bytes, and back. No engine is asked.
//!
//! ```text
//! table = name │ columns 2 │ columns × name │ rows 4 │ rows × columns × value
//! name  = bytes 2 │ UTF-8
//! value = kind 1 │ nothing, or a number 8, or bytes 4 │ those
//! ```
//! Numbers have their high byte first. One table behind the other: two packs behind each other
//! are a pack.

use super::shape::Values;
use super::value::Value;
use crate::bytes::{some, take};

/// Rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// What the table is called.
    pub table: String,
    /// Its columns, in the order in which rows have them.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Values>,
}

/// The bytes are no pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no rows of tables")]
pub struct NotPacked;

const NO_TEXT: u8 = 0;
const TEXT: u8 = 1;
const NO_INT: u8 = 2;
const INT: u8 = 3;
const NO_BYTES: u8 = 4;
const BYTES: u8 = 5;

impl Packed {
    /// Adds this table to the bytes of others; nothing is added of one that is too large.
    pub fn pack(&self, into: &mut Vec<u8>) -> Result<(), NotPacked> {
        let begin = into.len();
        let packed = self.add(into);
        if packed.is_none() {
            into.truncate(begin);
        }
        packed.ok_or(NotPacked)
    }

    fn add(&self, into: &mut Vec<u8>) -> Option<()> {
        add_name(into, &self.table)?;
        into.extend(u16::try_from(self.columns.len()).ok()?.to_be_bytes());
        for column in &self.columns {
            add_name(into, column)?;
        }
        into.extend(u32::try_from(self.rows.len()).ok()?.to_be_bytes());
        for row in &self.rows {
            if row.len() != self.columns.len() || row.is_empty() {
                return None;
            }
            for value in row {
                add_value(into, value)?;
            }
        }
        Some(())
    }

    /// The tables in these bytes.
    pub fn unpack(mut bytes: &[u8]) -> Result<Vec<Self>, NotPacked> {
        let mut tables = Vec::new();
        while !bytes.is_empty() {
            tables.push(Self::next(&mut bytes).ok_or(NotPacked)?);
        }
        Ok(tables)
    }

    /// No room is taken before what is to fill it was seen.
    fn next(rest: &mut &[u8]) -> Option<Self> {
        let table = name(rest)?;
        let columns: Option<Vec<_>> =
            (0..u16::from_be_bytes(take(rest)?)).map(|_| name(rest)).collect();
        let columns = columns.filter(|columns| !columns.is_empty())?;
        let count = u32::from_be_bytes(take(rest)?);
        let row =
            |rest: &mut &[u8]| columns.iter().map(|_| value(rest)).collect::<Option<Values>>();
        let rows = (0..count).map(|_| row(rest)).collect::<Option<Vec<_>>>()?;
        Some(Self { table, columns, rows })
    }
}

fn add_name(into: &mut Vec<u8>, name: &str) -> Option<()> {
    into.extend(u16::try_from(name.len()).ok()?.to_be_bytes());
    into.extend(name.as_bytes());
    Some(())
}

fn add_value(into: &mut Vec<u8>, value: &Value) -> Option<()> {
    let (kind, bytes) = match value {
        Value::Int(Some(number)) => {
            into.push(INT);
            into.extend(number.to_be_bytes());
            return Some(());
        }
        Value::Text(Some(text)) => (TEXT, Some(text.as_bytes())),
        Value::Bytes(Some(bytes)) => (BYTES, Some(bytes.as_slice())),
        Value::Text(None) => (NO_TEXT, None),
        Value::Int(None) => (NO_INT, None),
        Value::Bytes(None) => (NO_BYTES, None),
    };
    into.push(kind);
    if let Some(bytes) = bytes {
        into.extend(u32::try_from(bytes.len()).ok()?.to_be_bytes());
        into.extend(bytes);
    }
    Some(())
}

fn name(rest: &mut &[u8]) -> Option<String> {
    let len = u16::from_be_bytes(take(rest)?);
    text(rest, len.into())
}

fn value(rest: &mut &[u8]) -> Option<Value> {
    let [kind] = take(rest)?;
    let len = |rest: &mut &[u8]| usize::try_from(u32::from_be_bytes(take(rest)?)).ok();
    Some(match kind {
        NO_TEXT => Value::Text(None),
        TEXT => {
            let len = len(rest)?;
            Value::Text(Some(text(rest, len)?))
        }
        NO_INT => Value::Int(None),
        INT => Value::Int(Some(i64::from_be_bytes(take(rest)?))),
        NO_BYTES => Value::Bytes(None),
        BYTES => {
            let len = len(rest)?;
            Value::Bytes(Some(some(rest, len)?.to_vec()))
        }
        _ => return None,
    })
}

fn text(rest: &mut &[u8], len: usize) -> Option<String> {
    std::str::from_utf8(some(rest, len)?).ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn tables() -> Vec<Packed> {
        let table = |name: &str, rows| Packed {
            table: name.to_owned(),
            columns: ["one", "two"].map(ToOwned::to_owned).into(),
            rows,
        };
        let bytes = || vec![0_u8, 255, 7];
        vec![
            table("first", vec![args!["é", 7], args!["", i64::MIN]]),
            table("empty", Vec::new()),
            table("last", vec![vec![Value::Bytes(Some(bytes())), Value::Int(None)]]),
            table("last", vec![vec![Value::Bytes(None), Value::Text(None)]]),
        ]
    }

    fn packed() -> Vec<u8> {
        let mut bytes = Vec::new();
        for table in tables() {
            table.pack(&mut bytes).unwrap();
        }
        bytes
    }

    /// A small generator: the same bytes in every run.
    #[test]
    fn no_bytes_whatsoever_are_rows_in_two_ways() {
        let mut state: u64 = 42;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut read = 0;
        for _ in 0..100_000 {
            let mut bytes = packed();
            for _ in 0..=next(3) {
                let place = next(bytes.len());
                bytes[place] = [0, 1, 2, 5, 6, 255, b'x'][next(7)];
            }
            let Ok(tables) = Packed::unpack(&bytes) else { continue };
            let mut again = Vec::new();
            for table in &tables {
                table.pack(&mut again).unwrap();
            }
            assert_eq!(again, bytes);
            read += 1;
        }
        assert!(read > 1_000, "{read}");
    }

    #[test]
    fn rows_that_were_packed_are_unpacked_as_they_were() {
        let mut bytes = packed();
        assert_eq!(Packed::unpack(&bytes).unwrap(), tables());
        let before = bytes.clone();
        let torn = Packed { columns: vec!["one".to_owned()], ..tables()[0].clone() };
        assert_eq!((torn.pack(&mut bytes), bytes == before), (Err(NotPacked), true));
    }

    #[test]
    fn what_is_cut_or_no_pack_is_refused_and_takes_no_room() {
        let bytes = packed();
        let mut ends = 0;
        for cut in 0..bytes.len() {
            // Between two tables a pack may end.
            ends += usize::from(Packed::unpack(&bytes[..cut]).is_ok());
        }
        assert_eq!(ends, 4, "at the beginning and behind three tables");
        let endless = [&[0, 1, b't', 0, 0][..], &[255; 4]].concat();
        assert_eq!(Packed::unpack(&endless), Err(NotPacked), "rows of no columns");
        let long = [&[0, 1, b't', 0, 1, 0, 1, b'c', 0, 0, 0, 1, BYTES][..], &[255; 4]].concat();
        assert_eq!(Packed::unpack(&long), Err(NotPacked), "longer than all there is");
    }
}
