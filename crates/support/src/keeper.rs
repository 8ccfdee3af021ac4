//! What this room holds of a person: who was let in, who asked and who decided.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Support;

pub(crate) const REQUESTS: Statement = Statement::new(
    "count the support requests of a person",
    "SELECT COUNT(*) AS rows FROM support_request
      WHERE org_id = $1 AND (operator_id = $2 OR decided_by = $2 OR ended_by = $2)",
);

pub(crate) const ASKS: Statement = Statement::new(
    "count what a person asked of other orgs",
    "SELECT COUNT(*) AS rows FROM support_ask WHERE org_id = $1 AND operator_id = $2",
);

const TABLES: &[Table] = &[
    Table::ids(
        "support_request",
        "requests that the person asked or decided",
        REQUESTS,
        "the customer's own list of who asked to be let in, with names of the operator's people; \
         of members of this organization it holds ids alone",
    ),
    Table::ids(
        "support_ask",
        "requests of the person to other organizations",
        ASKS,
        "ids alone, which name nobody once the person is erased",
    ),
];

impl Keeper for Support {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
