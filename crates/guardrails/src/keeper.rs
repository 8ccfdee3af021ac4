//! What this room holds of a person: policies that name them.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Guardrails;

pub(crate) const NAMING: Statement = Statement::new(
    "count the guardrails that name a person",
    "SELECT COUNT(*) AS rows FROM guardrails_policy
      WHERE org_id = $1 AND policy LIKE '%' || $2 || '%'",
);

const TABLES: &[Table] = &[
    Table::ids(
        "guardrails_policy",
        "guardrails that name the person's id",
        NAMING,
        "rules of the organization, whose wording is its own: change those that name somebody",
    ),
    Table::nothing("guardrails_setting"),
];

impl Keeper for Guardrails {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
