//! What this room holds of a person: what reviewers decided about them, and as a reviewer.

use audit::{Keeper, Table};
use base::db::Statement;

use crate::Reviews;

pub(crate) const CAMPAIGNS: Statement = Statement::new(
    "count the reviews of a person",
    "SELECT COUNT(*) AS rows FROM reviews_campaign
      WHERE org_id = $1
        AND (created_by = $2 OR signed_by = $2 OR seconded_by = $2 OR ended_by = $2)",
);

pub(crate) const ITEMS: Statement = Statement::new(
    "count what was reviewed of a person",
    "SELECT COUNT(*) AS rows FROM reviews_item
      WHERE org_id = $1 AND (about_id = $2 OR decided_by = $2)",
);

const EVIDENCE: &str =
    "evidence that access was reviewed: ids alone, and reasons, which name no people";

const TABLES: &[Table] = &[
    Table::ids("reviews_campaign", "reviews that the person began or signed", CAMPAIGNS, EVIDENCE),
    Table::ids("reviews_item", "what was decided about the person, or by them", ITEMS, EVIDENCE),
];

impl Keeper for Reviews {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }
}
