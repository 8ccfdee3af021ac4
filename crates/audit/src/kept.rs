//! What the record itself holds of a person.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use base::args;
use base::db::{DbError, Row};
use serde_json::Value;

use crate::keeper::{Column, EXPORTED_MAX, Exported, Held, Keeper, Person, Table};
use crate::keys::Holder;
use crate::{Change, Record, sql};

const EVENTS: Table =
    Table::own("audit_event", "events of and about the person: values sealed under their key");
const KEYS: Table = Table::own("audit_key", "keys under which values are sealed");
const WITHHELD: Table = Table::own("audit_restricted", "that values are withheld");

const COLD: &str = "keyed hashes of ids, which name nobody once the person is erased; what is said \
                    of the archive is as unalterable as the archive";

const MOVES: &str =
    "by them the move carries the erasure over too; they go when it ends or is given up";

const TABLES: &[Table] = &[
    EVENTS,
    KEYS,
    WITHHELD,
    Table::values("audit_view", "saved views", sql::VIEWS_OF, sql::VIEWS_ERASE).exported(
        sql::VIEWS_READ,
        &[
            Column::Text("view_id"),
            Column::Text("name"),
            Column::Text("query"),
            Column::At("shared_at"),
            Column::At("created_at"),
        ],
    ),
    // By keyed hashes, like the columns of events; counted and exported with them.
    Table::staying("audit_cold_person", "in which parts of the archive the person is", COLD),
    Table::staying("audit_cold_thing", "which things in the archive are the person's alone", COLD),
    Table::staying(
        "audit_changed",
        "keys of rows that changed while the organization moves",
        MOVES,
    ),
    Table::nothing("audit_cold"),
    Table::nothing("audit_event_v0"),
    Table::nothing("audit_head"),
    Table::nothing("audit_open"),
    Table::nothing("audit_journal"),
    Table::nothing("audit_left"),
    Table::nothing("audit_mover"),
    Table::nothing("audit_wrapper"),
    Table::nothing("audit_checkpoint"),
    Table::nothing("audit_log_key"),
    Table::nothing("audit_verified"),
    Table::nothing("audit_slot"),
    Table::nothing("audit_epoch"),
    Table::nothing("audit_witness"),
];

#[async_trait]
impl Keeper for Record {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn locate(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        let (stored, tag) = self.names_of(scope, person)?;
        let counted = |row: Option<Row>| row.map(|row| row.count("rows")).transpose();
        let mut held = vec![
            EVENTS.held(counted(db.maybe(sql::EVENTS_OF, args![stored]).await?)?),
            KEYS.held(counted(db.maybe(sql::KEYS_OF, args![tag.as_str()]).await?)?),
            WITHHELD.held(counted(db.maybe(sql::RESTRICTED_OF, args![tag]).await?)?),
        ];
        held.extend(Table::locate_all(TABLES, db, person).await?);
        Ok(held)
    }

    async fn export(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
    ) -> Result<Vec<Exported>, DbError> {
        let (stored, _) = self.names_of(scope, person)?;
        let (mut events, mut before) = (Vec::new(), i64::MAX);
        while events.len() <= EXPORTED_MAX {
            let rows = db.all(sql::EVENTS_READ, args![stored.as_str(), before]).await?;
            let Some(last) = rows.last() else { break };
            before = last.int("seq")?;
            events.extend(self.told(db, scope, person, &rows).await?);
        }
        let room = (EXPORTED_MAX + 1).saturating_sub(events.len());
        let rows = self.archived_of((db, scope), &stored, before, room).await?;
        events.extend(self.told(db, scope, person, &rows).await?);
        let mut all = vec![Exported::of(EVENTS.name, events)];
        all.extend(Table::export_all(TABLES, db, person).await?);
        Ok(all)
    }

    async fn things(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
    ) -> Result<Vec<String>, DbError> {
        let (stored, _) = self.names_of(scope, person)?;
        let (mut things, mut after) = (Vec::new(), String::new());
        loop {
            let rows = db.all(sql::OWN_THINGS, args![stored.as_str(), after]).await?;
            let Some(last) = rows.last() else { return Ok(things) };
            after = last.text("resource_id")?;
            for row in &rows {
                things.push(row.text("resource_id")?);
            }
        }
    }

    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Vec<Held>, DbError> {
        let (stored, _) = self.names_of(change.scope(), person)?;
        let row = change.maybe(sql::EVENTS_OF, args![stored]).await?;
        // Their keys are destroyed by whoever leads the erasure, with those of all things of
        // theirs, and counted there: see `Change::forget`.
        let mut held = vec![
            EVENTS.held(row.map(|row| row.count("rows")).transpose()?),
            KEYS.held(None),
            WITHHELD.held(None),
        ];
        held.extend(Table::erase_all(TABLES, change, person).await?);
        Ok(held)
    }
}

impl Record {
    /// Events of a person: withheld as everywhere, but not from the person whose they are.
    async fn told(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
        rows: &[Row],
    ) -> Result<Vec<Value>, DbError> {
        if scope.caller().actor.id() != person.id {
            return self.shown(db, scope, rows).await;
        }
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            events.push(self.opened(db, scope, row).await?.into_event());
        }
        Ok(events)
    }

    /// A person as columns hold them, and as keys do.
    fn names_of(&self, scope: &Scope, person: &Person) -> Result<(String, String), DbError> {
        let (region, org) = (scope.region(), scope.org());
        let tag = self.keys.tag(region, org, &Holder::Of(person.id.clone()))?;
        Ok((self.keys.stored(region, org, &person.id)?, tag))
    }
}
