//! What this room holds of a person: their limits, and what they spent, by ids.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Limits;

pub(crate) const LIMITS_OF: Statement = Statement::new(
    "count the limits of a person",
    "SELECT COUNT(*) AS rows FROM limits_limit
      WHERE org_id = $1 AND (subject = 'member:' || $2 OR set_by = $2)",
);

pub(crate) const LEDGER_OF: Statement = Statement::new(
    "count the ledger of a person",
    "SELECT COUNT(*) AS rows FROM limits_ledger
      WHERE org_id = $1 AND subject = 'member:' || $2",
);

const TABLES: &[Table] = &[
    Table::ids(
        "limits_limit",
        "limits on the person, or set by them",
        LIMITS_OF,
        "ids alone, which name nobody once the person is erased",
    ),
    Table::ids(
        "limits_ledger",
        "what the person spent, by day",
        LEDGER_OF,
        "numbers that budgets add up, under an id that names nobody",
    ),
];

impl Keeper for Limits {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
