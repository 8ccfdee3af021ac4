//! What this room holds of a person: numbers, by ids.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Usage;

pub(crate) const SUMS: Statement = Statement::new(
    "count the sums of a person",
    "SELECT COUNT(*) AS rows FROM usage_sum
      WHERE org_id = $1 AND kind = 'member' AND subject = $2",
);

pub(crate) const CELLS: Statement = Statement::new(
    "count the numbers of a person",
    "SELECT COUNT(*) AS rows FROM usage_cell WHERE org_id = $1 AND member_id = $2",
);

const NUMBERS: &str = "numbers that the organization is billed by, under an id that names nobody";

const TABLES: &[Table] = &[
    Table::ids("usage_sum", "calls, tokens and money by hour and day", SUMS, NUMBERS),
    Table::ids("usage_cell", "the same by model, key and team", CELLS, NUMBERS),
    Table::nothing("usage_cursor"),
];

impl Keeper for Usage {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
