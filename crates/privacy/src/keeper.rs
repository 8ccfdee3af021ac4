//! What this room holds of a person: that they were erased, and what holds were on them.

use audit::{Keeper, Table};

use crate::sql;

/// Answers for the tables of this room, which is opened after all keepers.
#[derive(Debug, Clone, Copy)]
pub struct Requests;

const WHY: &str = "proof of what was done with the person's data, under an id that names nobody";

const TABLES: &[Table] = &[
    Table::ids(
        "privacy_request",
        "erasures of the person, or asked by them",
        sql::REQUESTS_COUNT,
        WHY,
    ),
    Table::ids(
        "privacy_hold",
        "legal holds on the person, or placed by them; reasons name no people",
        sql::HOLDS_COUNT,
        WHY,
    ),
    Table::ids("privacy_retention", "retention that the person set", sql::RETENTION_COUNT, WHY),
];

impl Keeper for Requests {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
