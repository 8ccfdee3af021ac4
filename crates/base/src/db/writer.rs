//! Whoever writes to the embedded engine, one at a time.
//!
//! A connection of a pool has a thread of its own: each statement is a hop there and back, and
//! waking a thread costs more than most statements. So there are two connections that write, and
//! one turn for both: one in a pool, for tasks, which must not wait for a disk; and one that
//! works [`Here`], on the thread that asks, for whoever has a thread of its own.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::here::Here;
use super::lines::ACQUIRE_TIMEOUT;

/// The connection that works here, and the turn to write; none: it was given up, or closed.
type Own = Arc<Mutex<Option<Connection>>>;

/// Held by whoever writes.
pub(super) type Turn = OwnedMutexGuard<Option<Connection>>;

/// Both connections that write. Callers wait in a fair line instead of polling a lock.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pool: SqlitePool,
    /// And the file. None: a database in memory, which is its one connection.
    own: Option<(Own, Arc<Path>)>,
}

/// Something on the pool's connection, in its turn, which ends behind it.
#[derive(Debug)]
pub(crate) struct InTurn<T> {
    it: T,
    turn: Ends,
}

/// The end of a turn. What is dropped half-done goes on for a moment on its connection's own
/// thread: the turn ends when the pool has that connection back.
#[derive(Debug)]
struct Ends {
    turn: Option<Turn>,
    pool: SqlitePool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        let (Some(turn), Ok(runtime)) = (self.turn.take(), Handle::try_current()) else { return };
        let pool = self.pool.clone();
        runtime.spawn(async move {
            drop(pool.acquire().await);
            drop(turn);
        });
    }
}

impl<T: Deref<Target = SqliteConnection>> Deref for InTurn<T> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.it
    }
}

impl<T: DerefMut<Target = SqliteConnection>> DerefMut for InTurn<T> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.it
    }
}

impl InTurn<Transaction<'static, Sqlite>> {
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { it, mut turn } = self;
        it.commit().await?;
        turn.turn = None;
        Ok(())
    }
}

impl Writer {
    /// `pool` is of one connection.
    pub(super) fn open(pool: SqlitePool, file: &Path) -> Result<Self, sqlx::Error> {
        let own = Arc::new(Mutex::new(Some(Here::open(file)?)));
        Ok(Self { pool, own: Some((own, file.into())) })
    }

    pub(super) fn in_memory(pool: SqlitePool) -> Self {
        Self { pool, own: None }
    }

    fn in_turn<T>(&self, it: T, turn: Option<Turn>) -> InTurn<T> {
        InTurn { it, turn: Ends { turn, pool: self.pool.clone() } }
    }

    /// Waits until nobody else writes.
    pub(super) async fn turn(&self) -> Result<Option<Turn>, sqlx::Error> {
        let Some((own, _)) = &self.own else { return Ok(None) };
        let turn = Arc::clone(own).lock_owned();
        let turn = tokio::time::timeout(ACQUIRE_TIMEOUT, turn).await;
        turn.map(Some).map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// The pool's connection, alone.
    pub(super) async fn alone(&self) -> Result<InTurn<PoolConnection<Sqlite>>, sqlx::Error> {
        let turn = self.turn().await?;
        Ok(self.in_turn(self.pool.acquire().await?, turn))
    }

    /// Begins to write on the pool's connection. The lock is taken at once: a deferred
    /// transaction that reads first and writes later fails with "database is locked" under load.
    #[expect(clippy::disallowed_methods, reason = "here the engine undoes what nobody waits for")]
    pub(super) async fn begin(&self) -> Result<InTurn<Transaction<'static, Sqlite>>, sqlx::Error> {
        let turn = self.turn().await?;
        Ok(self.in_turn(self.pool.begin_with("BEGIN IMMEDIATE").await?, turn))
    }

    /// Begins to write on the thread that asks; none: there is no connection for that.
    pub(super) async fn begin_here(&self) -> Result<Option<Here>, sqlx::Error> {
        let (Some(mut turn), Some((_, file))) = (self.turn().await?, &self.own) else {
            return Ok(None);
        };
        if turn.is_none() && !self.pool.is_closed() {
            *turn = Some(Here::open(file)?);
        }
        Here::begin(turn).map(Some)
    }

    /// Closes the connection that works here; whoever needs it next opens another one.
    pub(super) async fn give_up(&self) {
        if let Some((own, _)) = &self.own {
            drop(own.lock().await.take());
        }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
        self.give_up().await;
    }
}
