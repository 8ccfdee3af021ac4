//! What this room holds of a person: how an identity provider knows them.

use access::OrgDb;
use async_trait::async_trait;
use audit::{Change, Held, Keeper, Person, Table};
use base::args;
use base::db::{DbError, Statement};

use crate::Sso;

pub(crate) const LINKED: Statement = Statement::new(
    "count the provider identities of a person",
    "SELECT COUNT(*) AS rows FROM sso_identity WHERE org_id = $1 AND member_id = $2",
);

pub(crate) const ERASE_LINKED: Statement = Statement::new(
    "erase the provider identities of a person",
    "DELETE FROM sso_identity WHERE org_id = $1 AND member_id = $2",
);

/// Whoever they are of: the last one of each connection is kept, for the preview of a mapping.
pub(crate) const CAPTURED: Statement = Statement::new(
    "count captured answers of providers",
    "SELECT COUNT(*) AS rows FROM sso_captured WHERE org_id = $1 AND connection_id <> $2",
);

pub(crate) const ERASE_CAPTURED: Statement = Statement::new(
    "erase captured answers of providers",
    "DELETE FROM sso_captured WHERE org_id = $1 AND connection_id <> $2",
);

pub(crate) const VISIT: Statement = Statement::new(
    "look up what a provider said of a session",
    "SELECT COUNT(*) AS rows FROM sso_visit WHERE org_id = $1 AND session_id = $2",
);

pub(crate) const ERASE_VISIT: Statement = Statement::new(
    "erase what a provider said of a session",
    "DELETE FROM sso_visit WHERE org_id = $1 AND session_id = $2",
);

const VISITS: Table = Table::own("sso_visit", "what providers said of the person's sessions");

const TABLES: &[Table] = &[
    Table::values(
        "sso_identity",
        "what ties the person to an identity provider",
        LINKED,
        ERASE_LINKED,
    ),
    Table::values(
        "sso_captured",
        "the last answer of each connection, whoever it is of",
        CAPTURED,
        ERASE_CAPTURED,
    ),
    VISITS,
    Table::staying(
        "sso_flow",
        "sign-ins that are under way, sealed",
        "whoever was removed begins none; each is gone ten minutes after it began",
    ),
    Table::nothing("sso_connection"),
    Table::nothing("sso_seen"),
];

#[async_trait]
impl Keeper for Sso {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn locate(
        &self,
        db: &OrgDb<'_>,
        _: &access::Scope,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        let mut rows = 0;
        for session in sessions(person) {
            let row = db.maybe(VISIT, args![session]).await?;
            rows += row.map(|row| row.count("rows")).transpose()?.unwrap_or_default();
        }
        let mut held = Table::locate_all(TABLES, db, person).await?;
        held.push(VISITS.held(Some(rows)));
        Ok(held)
    }

    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Vec<Held>, DbError> {
        let mut rows = 0;
        for session in sessions(person) {
            rows += change.run(ERASE_VISIT, args![session]).await?;
        }
        let mut held = Table::erase_all(TABLES, change, person).await?;
        held.push(VISITS.held(Some(rows)));
        Ok(held)
    }
}

fn sessions(person: &Person) -> impl Iterator<Item = &str> {
    person.things.iter().map(String::as_str).filter(|thing| thing.starts_with("ses_"))
}
