//! What this room holds of a person: what the org's directory said of them.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use audit::{Exported, Keeper, Person, Table};
use base::args;
use base::db::{DbError, Statement};
use serde_json::json;

use crate::Scim;

pub(crate) const USERS: Statement = Statement::new(
    "count what directories know of a person",
    "SELECT COUNT(*) AS rows FROM scim_user WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_USERS: Statement = Statement::new(
    "erase what directories know of a person",
    "DELETE FROM scim_user WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const MEMBERSHIPS: Statement = Statement::new(
    "count the groups of a person",
    "SELECT COUNT(*) AS rows FROM scim_member WHERE org_id = $1 AND user_id IN
        (SELECT user_id FROM scim_user WHERE org_id = $1 AND member_id = $2)",
);

pub(crate) const ERASE_MEMBERSHIPS: Statement = Statement::new(
    "erase the groups of a person",
    "DELETE FROM scim_member WHERE org_id = $1 AND user_id IN
        (SELECT user_id FROM scim_user WHERE org_id = $1 AND member_id = $2)",
);

/// Whoever a refusal was about: what it told may quote what the directory sent.
pub(crate) const REFUSALS: Statement = Statement::new(
    "count refusals of directories",
    "SELECT COUNT(*) AS rows FROM scim_request
      WHERE org_id = $1 AND detail IS NOT NULL AND detail <> $2",
);

pub(crate) const ERASE_REFUSALS: Statement = Statement::new(
    "erase refusals of directories",
    "DELETE FROM scim_request WHERE org_id = $1 AND detail IS NOT NULL AND detail <> $2",
);

pub(crate) const READ: Statement = Statement::new(
    "read what directories know of a person",
    "SELECT user_id, external_id, document, created_at, changed_at
       FROM scim_user WHERE org_id = $1 AND member_id = $2 ORDER BY user_id LIMIT 10001",
);

/// Groups before users: they are found by them.
const TABLES: &[Table] = &[
    Table::values("scim_member", "groups of the person", MEMBERSHIPS, ERASE_MEMBERSHIPS),
    Table::values("scim_user", "what the directory said of the person", USERS, ERASE_USERS),
    Table::values(
        "scim_request",
        "the last refusals of directories, whoever they were about",
        REFUSALS,
        ERASE_REFUSALS,
    ),
    Table::nothing("scim_directory"),
    Table::nothing("scim_token"),
    Table::nothing("scim_group"),
];

#[async_trait]
impl Keeper for Scim {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn export(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
    ) -> Result<Vec<Exported>, DbError> {
        let mut known = Vec::new();
        for row in db.all(READ, args![person.id.as_str()]).await? {
            let id = row.text("user_id")?;
            known.push(json!({
                "id": id,
                "external_id": row.opt_text("external_id")?,
                "document": self.0.seals.open(scope, &id, &row)?,
                "created_at": row.at("created_at")?,
                "changed_at": row.at("changed_at")?,
            }));
        }
        Ok(vec![Exported::of("scim_user", known)])
    }
}
