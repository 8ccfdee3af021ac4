//! What this room holds of a person: nothing here, but copies went out.

use audit::{Keeper, Table};

use crate::Streams;

const TABLES: &[Table] = &[
    Table::staying(
        "streams_sink",
        "where the record flows to",
        "what was delivered lies with whoever runs the sink: have the person erased there too",
    ),
    Table::nothing("streams_position"),
];

impl Keeper for Streams {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
