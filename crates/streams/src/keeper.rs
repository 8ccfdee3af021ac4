//! What this room holds of a person: what sinks said of their events; and copies went out.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use audit::{Change, Held, Keeper, Person, Table};
use base::args;
use base::db::DbError;

use crate::{Streams, sql};

const POSITIONS: Table = Table::own(
    "streams_position",
    "what each sink said when something went wrong last, which may quote events of anybody",
);

const TABLES: &[Table] = &[
    Table::staying(
        "streams_sink",
        "where the record flows to",
        "what was delivered lies with whoever runs the sink: have the person erased there too",
    ),
    POSITIONS,
];

#[async_trait]
impl Keeper for Streams {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn locate(
        &self,
        db: &OrgDb<'_>,
        _: &Scope,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        let row = db.maybe(sql::SAID, args![]).await?;
        let mut held = Table::locate_all(TABLES, db, person).await?;
        held.push(POSITIONS.held(row.map(|row| row.count("rows")).transpose()?));
        Ok(held)
    }

    /// Whom a sink quotes cannot be told: what all of them said goes.
    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Vec<Held>, DbError> {
        // What is under way may quote the person when it is answered.
        change.run(sql::SUPERSEDE_ALL, args![]).await?;
        let rows = change.run(sql::CLEAR, args![]).await?;
        let mut held = Table::erase_all(TABLES, change, person).await?;
        held.push(POSITIONS.held(Some(rows)));
        Ok(held)
    }
}
