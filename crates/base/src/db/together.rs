//! Several reads at once: of one moment, and in one trip.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};
use sqlx::postgres::PgArguments;

use super::begun::begin;
use super::here::{self, refused};
use super::lines::{ACQUIRE_TIMEOUT, SILENCE_MAX};
use super::pool::{Db, Pool};
use super::row::EngineRow;
use super::value::{Value, bind};
use super::{DbError, Row, Statement, Within};

/// Connections that stay open, and statements that each keeps prepared.
const IDLE_MAX: usize = 2;
const PREPARED_MAX: usize = 64;

/// A read: what is asked, and its arguments.
pub type Ask = (Statement, Vec<Value>);

/// Connections to the embedded engine that read where they are asked.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    /// None: the database is closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), idle: Mutex::new(Some(Vec::new())) }
    }

    pub(super) fn close(&self) {
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<Connection, sqlx::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&self.file, flags)?;
            connection.busy_timeout(ACQUIRE_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
            connection.pragma_update(None, "cache_size", super::pool::READ_CACHE)?;
            Ok(connection)
        };
        open().map_err(refused)
    }

    /// On the thread that asks.
    fn read<const N: usize>(&self, asked: &[Ask; N]) -> Result<[Vec<Row>; N], sqlx::Error> {
        let connection = self.idle().as_mut().ok_or(sqlx::Error::PoolClosed)?.pop();
        let connection = connection.map_or_else(|| self.open(), Ok)?;
        let read = || {
            let (moment, mut all) = (connection.unchecked_transaction()?, none());
            for (rows, (statement, args)) in all.iter_mut().zip(asked) {
                *rows = here::all(&moment, statement, args)?;
            }
            Ok(all)
        };
        let read = read().map_err(refused);
        // One that failed, or is still within something, is of no use to anybody.
        if read.is_ok()
            && connection.is_autocommit()
            && let Some(idle) = self.idle().as_mut().filter(|idle| idle.len() < IDLE_MAX)
        {
            idle.push(connection);
        }
        read
    }
}

fn none<const N: usize>() -> [Vec<Row>; N] {
    [const { Vec::new() }; N]
}

impl Db {
    /// The rows that each of some reads gives, all of one moment: for what is read together
    /// often, and is not much.
    pub async fn together<const N: usize>(
        &self,
        within: &Within,
        asked: [Ask; N],
    ) -> Result<[Vec<Row>; N], DbError> {
        let asked = Arc::new(asked);
        let mut tries = None;
        loop {
            match Box::pin(self.read_together(within, &asked)).await {
                Err(error) => self.may_repeat(&mut tries, error).await?,
                read => return read,
            }
        }
    }

    async fn read_together<const N: usize>(
        &self,
        within: &Within,
        asked: &Arc<[Ask; N]>,
    ) -> Result<[Vec<Row>; N], DbError> {
        let doing = asked.first().map_or("read", |(statement, _)| statement.doing);
        let on = |cause| DbError::new(doing, cause);
        #[cfg(feature = "testing")]
        if super::inject::fails() {
            return Err(on(super::inject::Injected::error()));
        }
        match self.pool() {
            Pool::Sqlite { readers: Some(readers), .. } => {
                let (readers, asked) = (Arc::clone(readers), Arc::clone(asked));
                let read = tokio::task::spawn_blocking(move || readers.read(&asked)).await;
                read.map_err(|_| on(sqlx::Error::WorkerCrashed))?.map_err(on)
            }
            Pool::Sqlite { .. } => {
                let mut all = none();
                for (rows, (statement, args)) in all.iter_mut().zip(asked.iter()) {
                    *rows = self.read(within, *statement, args.clone()).await?;
                }
                Ok(all)
            }
            Pool::Postgres(lines) => {
                let (pool, generation) = lines.now();
                let read = async {
                    let begins = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                    // Dropped at the end: the way back into the pool forgets the org.
                    let mut tx = begin(&pool, within.begins(begins)?).await?;
                    let mut all = none();
                    for (rows, (statement, args)) in all.iter_mut().zip(asked.iter()) {
                        let args = bind!(PgArguments, args.clone())?;
                        let read = sqlx::query_with(statement.text, args).fetch_all(&mut *tx);
                        *rows = read
                            .await?
                            .into_iter()
                            .map(|row| Row(EngineRow::Postgres(row)))
                            .collect();
                    }
                    Ok(all)
                };
                let read = tokio::time::timeout(SILENCE_MAX, read).await;
                match read.unwrap_or_else(|_| Err(super::tx::silent())) {
                    Ok(all) => {
                        self.answered();
                        Ok(all)
                    }
                    Err(cause) => Err(self.met(generation, on(cause)).await),
                }
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test of the database itself")]
mod tests {
    use super::*;
    use crate::args;
    use crate::db::Migration;
    use crate::testing::Bench;

    const THING: Migration = Migration::both(
        "base/pair",
        "CREATE TABLE base_pair (org_id TEXT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL)",
    );
    const ADD: Statement =
        Statement::new("add", "INSERT INTO base_pair (org_id, amount) VALUES ($1, 1)");
    const GROW: Statement = Statement::new("grow", "UPDATE base_pair SET amount = amount + 1");
    const OF: Statement = Statement::new("look", "SELECT amount FROM base_pair WHERE org_id = $1");

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_read_together_is_of_one_moment_and_of_one_org() {
        for bench in Bench::on_each_engine(&[THING], &[]).await {
            let (db, node) = (&bench.db, Within::node());
            let mut tx = db.begin(&node).await.unwrap();
            for org in ["org_a", "org_b"] {
                tx.run(ADD, args![org]).await.unwrap();
            }
            tx.commit().await.unwrap();
            let grow = async {
                for _ in 0..50 {
                    let mut tx = db.begin(&node).await.unwrap();
                    tx.run(GROW, args![]).await.unwrap();
                    tx.commit().await.unwrap();
                }
            };
            let look = async {
                let mut last = 0;
                while last < 51 {
                    let asked = ["org_a", "org_b", "org_a"].map(|org| (OF, args![org]));
                    let read = db.together(&node, asked).await.unwrap();
                    let amounts = read.map(|rows| rows[0].int("amount").unwrap());
                    assert_eq!(amounts, [amounts[0]; 3]);
                    assert!(amounts[0] >= last);
                    last = amounts[0];
                }
            };
            tokio::join!(grow, look);
            let asked = [(OF, args!["org_a"]), (OF, args!["org_c"])];
            let read = db.together(&Within::org("org_a"), asked).await.unwrap();
            assert_eq!(read.map(|rows| rows.len()), [1, 0]);
        }
    }

    #[tokio::test]
    async fn of_a_closed_database_nothing_is_read_together() {
        for bench in Bench::on_each_engine(&[THING], &[]).await {
            let read = async || bench.db.together(&Within::node(), [(OF, args!["org_a"])]).await;
            assert_eq!(read().await.unwrap()[0].len(), 0);
            bench.db.close().await;
            assert!(read().await.unwrap_err().is_unreachable());
        }
    }
}
