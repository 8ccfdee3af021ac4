//! What a room holds of a person: each room answers for its own tables.
//!
//! ```text
//! locate    what is held where, counted
//! export    the same, as the person may read it
//! things    what is theirs alone: its keys in the record go with theirs
//! erase     within one change: all of it, in every room, or none of it
//! ```
//! A house rule sees to it that every table of every room is answered for by exactly one
//! keeper.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use base::args;
use base::db::{DbError, Row, Statement};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Change;

/// Rows of one table that an export holds at most; what is beyond is said to be missing.
pub const EXPORTED_MAX: usize = 10_000;

/// A room that answers for its tables.
#[async_trait]
pub trait Keeper: Send + Sync + std::fmt::Debug {
    /// Every table of the room, and what each holds of people.
    fn tables(&self) -> &'static [Table];

    /// Who this is, by id or e-mail address, if this room knows people.
    async fn person(&self, _db: &OrgDb<'_>, _who: &str) -> Result<Option<Person>, DbError> {
        Ok(None)
    }

    /// The ids of people, if this room knows them: a piece of them behind one, `""` at first.
    async fn people(&self, _: &OrgDb<'_>, _after: &str) -> Result<Vec<String>, DbError> {
        Ok(Vec::new())
    }

    /// Ends that a person can act, without any more being asked: only of whoever was erased
    /// once, and whom a restore brought back.
    async fn turn_out(&self, _: &mut Change, _: &Person) -> Result<(), DbError> {
        Ok(())
    }

    /// What is held of a person, by table.
    async fn locate(
        &self,
        db: &OrgDb<'_>,
        _: &Scope,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        Table::locate_all(self.tables(), db, person).await
    }

    /// What is held of a person, to be read by them.
    async fn export(
        &self,
        db: &OrgDb<'_>,
        _: &Scope,
        person: &Person,
    ) -> Result<Vec<Exported>, DbError> {
        Table::export_all(self.tables(), db, person).await
    }

    /// The ids of things that are this person's alone, for [`Person::things`].
    async fn things(&self, _: &OrgDb<'_>, _: &Scope, _: &Person) -> Result<Vec<String>, DbError> {
        Ok(Vec::new())
    }

    /// Erases what is held of a person, and says what that was and what stays: of every table
    /// that could hold something, whether it did or not.
    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Vec<Held>, DbError> {
        Table::erase_all(self.tables(), change, person).await
    }
}

/// A person, as the room that knows people tells of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// A member (`mem_…`) or the guest of a setup link (`stp_…`).
    pub id: String,
    /// Whether they can still act.
    pub standing: Standing,
    /// What people call them; empty of whoever was erased, and of guests.
    pub name: String,
    /// Empty of whoever was erased, and of guests.
    pub email: String,
    /// Things that are theirs alone, by what [`Keeper::things`] of all rooms told: sessions,
    /// keys, passkeys, conversations. Their keys in the record go with the person's.
    #[serde(skip)]
    pub things: Vec<String>,
}

/// Whether a person can still act in the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A member, invited or suspended ones included; or a setup link that still opens.
    Present,
    /// Was removed, or the link has ended.
    Former,
}

/// A table, and how a keeper deals with it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What it holds of people.
    pub holds: Holds,
    /// What that is, in plain words.
    pub what: &'static str,
    /// The person alone reads it while they are a member, whoever else asks.
    pub private: bool,
    count: Option<Statement>,
    fate: Fate,
    export: Option<(Statement, &'static [Column])>,
}

/// What a table holds of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Nothing of anybody.
    Nothing,
    /// Ids, which name nobody once the person is erased.
    Ids,
    /// What tells something of a person.
    Values,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Dealt with by the keeper's own code, or nothing to deal with.
    Own,
    /// Erased by this statement; `$2` is the person.
    Erased(Statement),
    /// Why it stays.
    Stays(&'static str),
}

impl Table {
    /// Holds nothing of anybody.
    pub const fn nothing(name: &'static str) -> Self {
        Self {
            name,
            holds: Holds::Nothing,
            what: "",
            private: false,
            count: None,
            fate: Fate::Own,
            export: None,
        }
    }

    /// Holds ids of people, which stay for this reason. `count` gives `rows` of `$2`.
    pub const fn ids(
        name: &'static str,
        what: &'static str,
        count: Statement,
        why: &'static str,
    ) -> Self {
        let (count, fate) = (Some(count), Fate::Stays(why));
        Self { name, holds: Holds::Ids, what, private: false, count, fate, export: None }
    }

    /// Holds values, which `erase` erases. Both take the person as `$2`.
    pub const fn values(
        name: &'static str,
        what: &'static str,
        count: Statement,
        erase: Statement,
    ) -> Self {
        let (count, fate) = (Some(count), Fate::Erased(erase));
        Self { name, holds: Holds::Values, what, private: false, count, fate, export: None }
    }

    /// Holds values that stay, for this reason. They are not counted by person.
    pub const fn staying(name: &'static str, what: &'static str, why: &'static str) -> Self {
        let fate = Fate::Stays(why);
        Self { name, holds: Holds::Values, what, private: false, count: None, fate, export: None }
    }

    /// Holds values with which the keeper deals in a way of its own, and of which it tells itself.
    pub const fn own(name: &'static str, what: &'static str) -> Self {
        Self {
            name,
            holds: Holds::Values,
            what,
            private: false,
            count: None,
            fate: Fate::Own,
            export: None,
        }
    }

    /// And is read by the person alone while they are a member.
    #[must_use]
    pub const fn private(self) -> Self {
        Self { private: true, ..self }
    }

    /// And is exported so: `$2` is the person, and there are at most [`EXPORTED_MAX`] rows and
    /// one.
    #[must_use]
    pub const fn exported(self, read: Statement, columns: &'static [Column]) -> Self {
        Self { export: Some((read, columns)), ..self }
    }

    /// What is said of it, with so many rows.
    pub fn held(&self, rows: Option<u64>) -> Held {
        let stays = match self.fate {
            Fate::Stays(why) => Some(why.to_owned()),
            Fate::Erased(_) | Fate::Own => None,
        };
        Held { store: self.name.to_owned(), what: self.what.to_owned(), rows, stays }
    }

    /// What is held in those of the tables that count their rows.
    pub async fn locate_all(
        tables: &[Self],
        db: &OrgDb<'_>,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        let mut held = Vec::new();
        for table in tables {
            match (table.count, table.fate) {
                (Some(count), _) => {
                    let row = db.maybe(count, args![person.id.as_str()]).await?;
                    held.push(table.held(row.map(|row| row.count("rows")).transpose()?));
                }
                (None, Fate::Stays(_)) => held.push(table.held(None)),
                (None, Fate::Own | Fate::Erased(_)) => {}
            }
        }
        Ok(held)
    }

    /// The rows of those of the tables that name columns.
    pub async fn export_all(
        tables: &[Self],
        db: &OrgDb<'_>,
        person: &Person,
    ) -> Result<Vec<Exported>, DbError> {
        let mut all = Vec::new();
        for table in tables {
            let Some((read, columns)) = table.export else { continue };
            let rows = db.all(read, args![person.id.as_str()]).await?;
            let rows = rows.iter().map(|row| Column::object(columns, row));
            all.push(Exported::of(table.name, rows.collect::<Result<_, _>>()?));
        }
        Ok(all)
    }

    /// Erases from those of the tables that say how.
    pub async fn erase_all(
        tables: &[Self],
        change: &mut Change,
        person: &Person,
    ) -> Result<Vec<Held>, DbError> {
        let mut held = Vec::new();
        for table in tables {
            held.extend(table.erase(change, person).await?);
        }
        Ok(held)
    }

    async fn erase(&self, change: &mut Change, person: &Person) -> Result<Option<Held>, DbError> {
        Ok(match (self.fate, self.count) {
            (Fate::Erased(erase), _) => {
                let rows = change.run(erase, args![person.id.as_str()]).await?;
                Some(self.held(Some(rows)))
            }
            (Fate::Stays(_), Some(count)) => {
                let row = change.maybe(count, args![person.id.as_str()]).await?;
                Some(self.held(row.map(|row| row.count("rows")).transpose()?))
            }
            (Fate::Stays(_), None) => Some(self.held(None)),
            (Fate::Own, _) => None,
        })
    }
}

/// What a store holds of a person, or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The table.
    pub store: String,
    /// What it holds, in plain words.
    pub what: String,
    /// How many rows; absent where they are not counted by person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
    /// Why it stays, if it does; absent: an erasure destroys it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stays: Option<String>,
}

/// The rows of a table that are about a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// The table.
    pub store: String,
    /// Its rows, as objects.
    pub rows: Vec<Value>,
    /// There are more than an export holds.
    pub cut: bool,
}

impl Exported {
    /// These rows, as many as an export holds.
    pub fn of(store: &str, mut rows: Vec<Value>) -> Self {
        let cut = rows.len() > EXPORTED_MAX;
        rows.truncate(EXPORTED_MAX);
        Self { store: store.to_owned(), rows, cut }
    }

    /// The same; there are more, if `more`.
    #[must_use]
    pub fn cut_if(self, more: bool) -> Self {
        Self { cut: self.cut || more, ..self }
    }
}

/// A column of an export.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text.
    Text(&'static str),
    /// A number.
    Number(&'static str),
    /// An instant.
    At(&'static str),
}

impl Column {
    fn object(columns: &[Self], row: &Row) -> Result<Value, DbError> {
        let mut object = Map::new();
        for column in columns {
            let (name, value) = match column {
                Self::Text(name) => (name, row.opt_text(name)?.map(Value::from)),
                Self::Number(name) => (name, row.opt_int(name)?.map(Value::from)),
                Self::At(name) => (name, row.opt_at(name)?.map(|at| Value::from(at.to_string()))),
            };
            object.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        Ok(Value::Object(object))
    }
}
