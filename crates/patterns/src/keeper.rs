//! What this room holds of a person: who taught. What was taught is the org's.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Patterns;

pub(crate) const PATTERNS: Statement = Statement::new(
    "count the patterns of a person",
    "SELECT COUNT(*) AS rows FROM patterns_pattern WHERE org_id = $1 AND created_by = $2",
);

pub(crate) const VERSIONS: Statement = Statement::new(
    "count what a person taught",
    "SELECT COUNT(*) AS rows FROM patterns_version WHERE org_id = $1 AND taught_by = $2",
);

pub(crate) const CASES: Statement = Statement::new(
    "count the test cases of a person",
    "SELECT COUNT(*) AS rows FROM patterns_cases WHERE org_id = $1 AND set_by = $2",
);

const TAUGHT: &str =
    "what was taught is the organization's; who taught it stands there by an id alone";

const TABLES: &[Table] = &[
    Table::ids("patterns_pattern", "patterns that the person began", PATTERNS, TAUGHT),
    Table::ids("patterns_version", "versions that the person taught", VERSIONS, TAUGHT),
    Table::ids("patterns_cases", "test cases that the person set", CASES, TAUGHT),
    Table::nothing("patterns_org"),
    Table::nothing("patterns_use"),
];

impl Keeper for Patterns {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
