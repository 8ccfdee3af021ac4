//! What a unit of work asked so far and was told: so that it can be done again, and only if
//! it is told the same.

use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Batch, Engine, IDLE_MAX, Row, Statement, Value};

/// Statements that are kept at most; a longer unit of work is not done again unseen.
const SAYINGS_MAX: usize = 512;
/// Bytes of arguments that are kept at most.
const BYTES_MAX: usize = 4 << 20;

/// One thing that is asked.
#[derive(Debug, Clone)]
pub(crate) enum Saying {
    /// For its rows.
    All(Statement, Vec<Value>),
    /// For how many rows it changes.
    Run(Statement, Vec<Value>),
    /// Many rows to insert.
    Many(Batch, Vec<Vec<Value>>),
}

/// What the engine gave.
#[derive(Debug)]
pub(crate) enum Heard {
    Rows(Vec<Row>),
    Changed(u64),
}

/// What was asked and heard up to a mark.
#[derive(Debug)]
pub(crate) struct Told {
    said: Vec<(Saying, [u8; 32])>,
    bytes: usize,
    /// Nothing more is kept: whoever set it does what comes behind it again as a whole.
    marked: bool,
    /// Too much to be kept, or it stood still: it cannot be done again.
    lost: bool,
    touched: Instant,
}

impl Saying {
    pub(crate) fn doing(&self) -> &'static str {
        match self {
            Self::All(statement, _) | Self::Run(statement, _) => statement.doing,
            Self::Many(batch, _) => batch.doing,
        }
    }

    fn bytes(&self) -> usize {
        let of = |value: &Value| match value {
            Value::Text(text) => text.as_ref().map_or(0, String::len),
            Value::Int(_) => size_of::<i64>(),
            Value::Bytes(bytes) => bytes.as_ref().map_or(0, Vec::len),
        };
        match self {
            Self::All(_, args) | Self::Run(_, args) => args.iter().map(of).sum(),
            Self::Many(_, rows) => rows.iter().flatten().map(of).sum(),
        }
    }
}

impl Heard {
    /// The same for the same rows in the same order.
    fn digest(&self) -> Option<[u8; 32]> {
        let mut context = Context::new(&SHA256);
        match self {
            Self::Rows(rows) => {
                for row in rows {
                    row.digest(&mut context)?;
                }
            }
            Self::Changed(count) => context.update(&count.to_le_bytes()),
        }
        context.finish().as_ref().try_into().ok()
    }
}

impl Told {
    /// Only `PostgreSQL` undoes work by itself; for `SQLite` nothing is kept.
    pub(crate) fn new(engine: Engine) -> Self {
        let (said, bytes, lost) = (Vec::new(), 0, engine == Engine::Sqlite);
        Self { said, bytes, marked: false, lost, touched: Instant::now() }
    }

    /// From here on nothing is kept.
    pub(crate) fn mark(&mut self) {
        self.marked = true;
    }

    /// Whether what is said now could be said again by the unit of work itself.
    pub(crate) fn is_unseen(&self) -> bool {
        !self.marked && !self.lost
    }

    /// Whether all that was said up to the mark is known.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost
    }

    /// Before something is asked. Whoever stood still for so long that it was undone must not
    /// go on where others may have taken over.
    pub(crate) fn asks(&mut self) {
        self.lost |= self.touched.elapsed() > IDLE_MAX;
    }

    /// An answer, or none, came: time is counted from here.
    pub(crate) fn touch(&mut self) {
        self.touched = Instant::now();
    }

    pub(crate) fn keep(&mut self, saying: Saying, heard: &Heard) {
        if self.marked || self.lost {
            return;
        }
        self.bytes += saying.bytes();
        let fits = self.said.len() < SAYINGS_MAX && self.bytes <= BYTES_MAX;
        if let (true, Some(digest)) = (fits, heard.digest()) {
            self.said.push((saying, digest));
        } else {
            self.lost = true;
            self.said.clear();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.said.len()
    }

    pub(crate) fn at(&self, index: usize) -> Option<Saying> {
        self.said.get(index).map(|(saying, _)| saying.clone())
    }

    /// Whether the same was heard as before.
    pub(crate) fn is_same(&self, index: usize, heard: &Heard) -> bool {
        let before = self.said.get(index).map(|(_, digest)| digest);
        before.is_some() && heard.digest().as_ref() == before
    }
}
