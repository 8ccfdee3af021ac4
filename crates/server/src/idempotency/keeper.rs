//! What is remembered of a person's requests; and the directory, which knows nobody.

use audit::{Keeper, Table};

use super::sql;

/// Answers for the tables of the server itself, and for the directory's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answers;

const TABLES: &[Table] = &[
    Table::values(
        "server_idempotency",
        "answers to the person's requests; answers to others, which may name them, are sealed \
         and gone after a day",
        sql::COUNT,
        sql::ERASE,
    ),
    Table::nothing("regions_home"),
    Table::nothing("regions_move"),
    Table::nothing("regions_fenced"),
    Table::nothing("regions_node"),
    Table::nothing("regions_domain"),
];

impl Keeper for Answers {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
