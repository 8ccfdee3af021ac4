//! What this room holds of people: nothing.

use audit::{Keeper, Table};

use crate::Nodes;

const TABLES: &[Table] =
    &[Table::nothing("nodes_member"), Table::nothing("nodes_writer"), Table::nothing("nodes_news")];

impl Keeper for Nodes {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
