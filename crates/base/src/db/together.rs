//! Several reads of one moment, in one trip to the embedded engine.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use sqlx::postgres::PgArguments;
use tokio::sync::oneshot;

use super::begun::begin;
use super::here::{self, refused};
use super::lines::{ACQUIRE_TIMEOUT, SILENCE_MAX};
use super::pool::{Db, Pool};
use super::row::EngineRow;
use super::value::{Value, bind};
use super::{DbError, Row, Statement, Within};

/// Threads that read, begun by the first who asks, and statements that each keeps prepared.
const READERS: usize = 2;
const PREPARED_MAX: usize = 64;

/// A read: what is asked, and its arguments.
pub type Ask = (Statement, Vec<Value>);

type Job = Box<dyn FnOnce(&mut Reader) + Send>;

/// Threads of their own, so that no disk that others wait for keeps anybody from reading who may
/// what; each has a connection to the embedded engine.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unasked,
    Reading(Sender<Job>, Vec<JoinHandle<()>>),
    Closed,
}

#[derive(Debug)]
struct Reader {
    file: PathBuf,
    connection: Option<Connection>,
}

impl Readers {
    pub(super) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), state: Mutex::new(State::Unasked) }
    }

    /// Waits for what is being read.
    pub(super) async fn close(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Closed);
        let State::Reading(jobs, threads) = before else { return };
        drop(jobs);
        let ended = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        drop(tokio::task::spawn_blocking(ended).await);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, job: Job) -> Result<(), sqlx::Error> {
        let mut state = self.state();
        if matches!(*state, State::Unasked) {
            *state = self.begin()?;
        }
        match &*state {
            State::Reading(jobs, _) => jobs.send(job).map_err(|_| sqlx::Error::WorkerCrashed),
            State::Unasked | State::Closed => Err(sqlx::Error::PoolClosed),
        }
    }

    fn begin(&self) -> Result<State, sqlx::Error> {
        let (jobs, asked) = channel::<Job>();
        let asked = Arc::new(Mutex::new(asked));
        let mut threads = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let asked = Arc::clone(&asked);
            let mut reader = Reader { file: self.file.clone(), connection: None };
            let read = move || {
                while let Some(job) = next(&asked) {
                    job(&mut reader);
                }
            };
            threads.push(std::thread::Builder::new().name("reader".to_owned()).spawn(read)?);
        }
        Ok(State::Reading(jobs, threads))
    }
}

fn next(asked: &Mutex<Receiver<Job>>) -> Option<Job> {
    asked.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Reader {
    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(ACQUIRE_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
        connection.pragma_update(None, "cache_size", super::pool::READ_CACHE)?;
        Ok(connection)
    }

    fn read<const N: usize>(&mut self, asked: &[Ask; N]) -> Result<[Vec<Row>; N], sqlx::Error> {
        // One that failed, or is still within something, is of no use to anybody.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open().map_err(refused)?,
        };
        let read = || {
            let (moment, mut all) = (connection.unchecked_transaction()?, none());
            for (rows, (statement, args)) in all.iter_mut().zip(asked) {
                *rows = here::all(&moment, statement, args)?;
            }
            Ok(all)
        };
        let all = read().map_err(refused)?;
        self.connection = Some(connection).filter(Connection::is_autocommit);
        Ok(all)
    }
}

fn none<const N: usize>() -> [Vec<Row>; N] {
    [const { Vec::new() }; N]
}

impl Db {
    /// The rows that each of some reads gives, all of one moment: for what is read together
    /// often, and is not much. Of a database in memory they are read one after the other.
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
                let (told, read) = oneshot::channel();
                let asked = Arc::clone(asked);
                let job = move |reader: &mut Reader| {
                    let _left_meanwhile = told.send(reader.read(&asked));
                };
                readers.ask(Box::new(job)).map_err(on)?;
                match tokio::time::timeout(SILENCE_MAX, read).await {
                    Ok(Ok(read)) => read.map_err(on),
                    Ok(Err(_)) => Err(on(sqlx::Error::WorkerCrashed)),
                    Err(_) => Err(on(super::tx::silent())),
                }
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
