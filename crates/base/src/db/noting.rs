//! What changes of an org while its rows are carried elsewhere: noted by triggers, row by row.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor as _};

use super::begun::begin;
use super::carry::of_sqlite;
use super::shape::{Kind, Shape, Values};
use super::turn::Run;
use super::{Db, DbError, Pool, Value, Within};
use crate::hex;

const NOTE: &str = "note what changes of an org";
const READ: &str = "read what changed of an org";

/// What the name of every trigger begins with.
const TRIGGER: &str = "moving_";
/// How long whoever writes may wait behind the making of a trigger, which waits for whoever
/// writes; how often that is tried, and what is waited in between. Some tries wait for longer than
/// PostgreSQL's `deadlock_timeout`, a second: only then it ends an autovacuum that is in the way.
const LOCK_WITHIN: &str = "100ms";
const LOCK_LONG: &str = "1200ms";
const LOCK_LONG_EACH: u32 = 10;
const LOCK_TRIES: u32 = 120;
const LOCK_EVERY: Duration = Duration::from_millis(500);
/// Triggers on a table.
const SIDES: usize = 3;
/// Notes that are read at once, and forgotten in one statement.
const NOTES_MAX: usize = 1_000;

/// A row that changed, at least once since it was last forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// The table.
    pub store: String,
    /// Its key, as [`Shape::key_of`] gives it.
    pub key: Values,
    item: String,
    version: i64,
}

impl Run<'_> {
    /// The triggers on a table: one text for each.
    fn triggers(&self, shape: &Shape, pool: &Pool) -> Vec<String> {
        let Self { org, name, notes, .. } = self;
        let table = &shape.name;
        let sides: [_; SIDES] =
            [("INSERT", &["NEW"][..]), ("UPDATE", &["OLD", "NEW"]), ("DELETE", &["OLD"])];
        let trigger = |(on, sides): (&str, &[&str])| {
            let of_org: Vec<_> =
                sides.iter().map(|side| format!("{side}.org_id = '{org}'")).collect();
            let of_org = of_org.join(" OR ");
            let key: Vec<_> = shape.key_kinds().into_iter().filter(|it| it.0 != "org_id").collect();
            match pool {
                Pool::Sqlite { .. } => {
                    let note = |side: &&str| {
                        let item = key.iter().map(|(column, kind)| match kind {
                            Kind::Bytes => format!("hex({side}.{column})"),
                            Kind::Text | Kind::Int => format!("{side}.{column}"),
                        });
                        let item: Vec<_> = item.collect();
                        format!(
                            "INSERT INTO {notes} (org_id, run, store, item, version)
                             VALUES ({side}.org_id, '{name}', '{table}', json_array({}), 1)
                             ON CONFLICT (org_id, run, store, item) DO UPDATE SET version = version + 1;",
                            item.join(", ")
                        )
                    };
                    let notes = sides.iter().map(note).collect::<String>();
                    format!(
                        "CREATE TRIGGER {TRIGGER}{org}_{name}_{on}_{table} AFTER {on} ON {table}
                         WHEN {of_org} BEGIN {notes} END"
                    )
                }
                Pool::Postgres(_) => {
                    let columns = key.iter().map(|(column, _)| format!(", '{column}'"));
                    format!(
                        "CREATE TRIGGER {TRIGGER}{org}_{name}_{on} AFTER {on} ON {table}
                         FOR EACH ROW WHEN ({of_org}) EXECUTE FUNCTION {notes}_note('{name}'{})",
                        columns.collect::<String>()
                    )
                }
            }
        };
        sides.into_iter().map(trigger).collect()
    }
}

impl Db {
    /// Notes from now on which rows of the org change in these tables, as whoever owns them. What
    /// was committed before may not be noted; whatever is committed behind it is. A note of no
    /// row says that it began, see [`Db::must_note`].
    pub async fn note_changes(&self, run: &Run<'_>, shapes: &[Shape]) -> Result<(), DbError> {
        plain(run.org)?;
        plain(run.name)?;
        let triggers = shapes.iter().map(|shape| run.triggers(shape, self.pool()));
        self.by_table(triggers.collect(), None).await?;
        let text = format!(
            "INSERT INTO {} (org_id, run, store, item, version) VALUES ($1, $2, '', '', 1)",
            run.notes
        );
        self.say_within(run.org, text, vec![run.org.into(), run.name.into()]).await
    }

    /// Whether nothing that changed since [`Db::note_changes`] was passed over; an error
    /// otherwise. What is taken away of a run by others, triggers or notes, is never put back, and
    /// of its notes that of no row goes first.
    pub async fn must_note(&self, run: &Run<'_>, shapes: &[Shape]) -> Result<(), DbError> {
        let begun = format!(
            "SELECT item FROM {} WHERE org_id = $1 AND run = $2 AND store = '' AND item = ''",
            run.notes
        );
        let args = vec![run.org.into(), run.name.into()];
        let begun = self.rows_within(run.org, begun, args).await?.len();
        let find = match self.pool() {
            Pool::Sqlite { .. } => {
                "SELECT name FROM sqlite_master
                  WHERE type = 'trigger' AND substr(name, 1, length($1)) = $1"
            }
            Pool::Postgres(_) => {
                "SELECT t.tgname::text AS name
                   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                   JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
                  WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
                    AND starts_with(t.tgname::text, lower($1))"
            }
        };
        let prefix = Value::from(format!("{TRIGGER}{}_{}_", run.org, run.name));
        let stand = self.rows_within(run.org, find.to_owned(), vec![prefix]).await?.len();
        if begun == 1 && stand == SIDES * shapes.len() {
            return Ok(());
        }
        let says = "another run took away what notes the changes: run it again";
        Err(DbError::says(NOTE, says.to_owned()))
    }

    /// Notes nothing more for this run.
    pub async fn note_no_more(&self, run: &Run<'_>) -> Result<(), DbError> {
        self.drop_triggers(run.org, &format!("{}_", run.name), None).await
    }

    /// Notes nothing more of the org for any run, as long as it is the turn of this one here.
    pub async fn note_none(&self, turn: &Run<'_>) -> Result<(), DbError> {
        self.drop_triggers(turn.org, "", Some(turn)).await
    }

    async fn drop_triggers(
        &self,
        org: &str,
        of_run: &str,
        turn: Option<&Run<'_>>,
    ) -> Result<(), DbError> {
        plain(org)?;
        let begin = Value::from(format!("{TRIGGER}{org}_{of_run}"));
        let find = match self.pool() {
            Pool::Sqlite { .. } => {
                "SELECT 'DROP TRIGGER IF EXISTS ' || name AS text FROM sqlite_master
                  WHERE type = 'trigger' AND substr(name, 1, length($1)) = $1"
            }
            // Names that are not quoted are folded.
            Pool::Postgres(_) => {
                "SELECT string_agg(format('DROP TRIGGER IF EXISTS %I ON %I', t.tgname, c.relname), '; ')
                        AS text
                   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                   JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
                  WHERE NOT t.tgisinternal AND starts_with(t.tgname::text, lower($1))
                  GROUP BY c.oid"
            }
        };
        let rows = self.rows_within(org, find.to_owned(), vec![begin]).await?;
        let drops = rows.iter().map(|row| row.text("text")).collect::<Result<Vec<_>, _>>()?;
        self.by_table(drops.into_iter().map(|drop| vec![drop]).collect(), turn).await
    }

    /// What was noted for a run in these tables, each row once.
    pub async fn noted(&self, run: &Run<'_>, shapes: &[Shape]) -> Result<Vec<Noted>, DbError> {
        let text = format!(
            "SELECT store, item, version FROM {} WHERE org_id = $1 AND run = $2
                AND (store, item) > ($3, $4) ORDER BY store, item LIMIT {NOTES_MAX}",
            run.notes
        );
        let (mut noted, mut after) = (Vec::new(), (String::new(), String::new()));
        loop {
            let args = vec![run.org.into(), run.name.into(), after.0.into(), after.1.into()];
            let rows = self.rows_within(run.org, text.clone(), args).await?;
            for row in &rows {
                let (store, item) = (row.text("store")?, row.text("item")?);
                let shape = shapes.iter().find(|shape| shape.name == store);
                let key = shape.and_then(|shape| key(shape, run.org, &item)).ok_or_else(|| {
                    DbError::says(READ, format!("a note of `{store}` is no key of it"))
                })?;
                noted.push(Noted { store, key, item, version: row.int("version")? });
            }
            match noted.last() {
                Some(Noted { store, item, .. }) if rows.len() == NOTES_MAX => {
                    after = (store.clone(), item.clone());
                }
                Some(_) | None => return Ok(noted),
            }
        }
    }

    /// Forgets what was noted, but of rows that changed again since it was read. A note that
    /// somebody holds at that moment may stay.
    pub async fn forget_noted(&self, run: &Run<'_>, noted: &[Noted]) -> Result<(), DbError> {
        let on = |cause| DbError::new(NOTE, cause);
        let mut pieces: Vec<&[Noted]> = noted.chunks(NOTES_MAX).collect();
        while let Some(piece) = pieces.pop() {
            let done = match self.pool() {
                Pool::Sqlite { write, .. } => {
                    let mut tx = write.begin().await.map_err(on)?;
                    let text = format!(
                        "DELETE FROM {} WHERE org_id = $1 AND run = $2 AND store = $3 AND item = $4
                            AND version = $5",
                        run.notes
                    );
                    for one in piece {
                        let args = of_sqlite(one.args(run)).map_err(on)?;
                        let query = sqlx::query_with(AssertSqlSafe(text.clone()), args);
                        query.execute(&mut *tx).await.map_err(on)?;
                    }
                    tx.commit().await.map_err(on)
                }
                Pool::Postgres(_) => self.forget_some(run, piece).await.map_err(on),
            };
            match done {
                // Whoever writes holds some of them: the others go.
                Err(error) if error.is_held() => {
                    if piece.len() > 1 {
                        let (one, other) = piece.split_at(piece.len() / 2);
                        pieces.extend([one, other]);
                    }
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// Waits so shortly for whoever holds one of them that no two wait for each other.
    async fn forget_some(&self, run: &Run<'_>, piece: &[Noted]) -> Result<(), sqlx::Error> {
        let Pool::Postgres(lines) = self.pool() else { return Ok(()) };
        let (pool, _) = lines.now();
        let mut tx = begin(&pool, Within::org(run.org).begins("BEGIN")?).await?;
        tx.execute("SET LOCAL lock_timeout = '10ms'").await?;
        let text = format!(
            "DELETE FROM {} n USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
                 AS given (org_id, run, store, item, version)
              WHERE n.org_id = given.org_id AND n.run = given.run AND n.store = given.store
                AND n.item = given.item AND n.version = given.version",
            run.notes
        );
        let args = super::carry::columns_of(piece.iter().map(|one| one.args(run)).collect())?;
        sqlx::query_with(AssertSqlSafe(text), args).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Changes tables, on PostgreSQL each in a transaction of its own: the lock on one is held
    /// for no longer than it takes, and nobody waits behind it for longer than a moment.
    async fn by_table(
        &self,
        tables: Vec<Vec<String>>,
        turn: Option<&Run<'_>>,
    ) -> Result<(), DbError> {
        match self.pool() {
            Pool::Sqlite { write, .. } => {
                let on = |cause| DbError::new(NOTE, cause);
                let mut tx = write.begin().await.map_err(on)?;
                if let Some(run) = turn {
                    run.holds_sqlite(&mut tx).await?;
                }
                for text in tables.into_iter().flatten() {
                    tx.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.map_err(on)?;
                }
                tx.commit().await.map_err(on)
            }
            Pool::Postgres(_) => {
                for texts in tables {
                    let mut tries = LOCK_TRIES;
                    loop {
                        let long = tries.is_multiple_of(LOCK_LONG_EACH) && tries < LOCK_TRIES;
                        let within = if long { LOCK_LONG } else { LOCK_WITHIN };
                        match self.change_table(&texts, within, turn).await {
                            Err(error) if error.is_held() && tries > 0 => tries -= 1,
                            changed => break changed?,
                        }
                        tokio::time::sleep(LOCK_EVERY).await;
                    }
                }
                Ok(())
            }
        }
    }

    async fn change_table(
        &self,
        texts: &[String],
        within: &str,
        turn: Option<&Run<'_>>,
    ) -> Result<(), DbError> {
        let Pool::Postgres(lines) = self.pool() else { return Ok(()) };
        let on = |cause| DbError::new(NOTE, cause);
        let begins = match turn {
            Some(run) => Within::org(run.org).begins("BEGIN").map_err(on)?,
            None => AssertSqlSafe("BEGIN".to_owned()),
        };
        let mut tx = begin(&lines.now().0, begins).await.map_err(on)?;
        let text = format!("SET LOCAL lock_timeout = '{within}'");
        tx.execute(AssertSqlSafe(text)).await.map_err(on)?;
        if let Some(run) = turn {
            run.holds_postgres(&mut tx).await?;
        }
        tx.execute(sqlx::raw_sql(AssertSqlSafe(texts.join("; ")))).await.map_err(on)?;
        tx.commit().await.map_err(on)
    }
}

impl Noted {
    fn args(&self, run: &Run<'_>) -> Values {
        let Self { store, item, version, .. } = self;
        vec![run.org.into(), run.name.into(), store.into(), item.into(), Value::from(*version)]
    }
}

/// The key that was noted; none: it is no key of this table.
fn key(shape: &Shape, org: &str, item: &str) -> Option<Values> {
    let mut given = serde_json::from_str::<Vec<serde_json::Value>>(item).ok()?.into_iter();
    let key = shape.key_kinds().into_iter().map(|(column, kind)| {
        if column == "org_id" {
            return Some(Value::from(org));
        }
        let given = given.next()?;
        Some(match kind {
            Kind::Int => Value::from(given.as_i64()?),
            Kind::Text => Value::from(given.as_str()?),
            Kind::Bytes => {
                let text = given.as_str()?;
                Value::from(hex::decode(text.strip_prefix("\\x").unwrap_or(text))?)
            }
        })
    });
    key.collect()
}

/// What stands in the name of a trigger, and in its text.
fn plain(word: &str) -> Result<(), DbError> {
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(DbError::says(NOTE, "ids have letters and digits".to_owned()))
}
