//! The log of the embedded engine, moved into its file beside whoever writes.
//!
//! `SQLite` moves it itself within the commit that finds it long, and everybody behind that
//! commit waits for tens of megabytes. Here whoever commits asks for it after a while, and it
//! is moved on a connection of its own; what came meanwhile, which is little, is moved between
//! two units of work, so that the log begins anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{Row as _, SqlitePool};

use super::writer::Writer;

/// How long a log grows before it is moved.
const EVERY: Duration = Duration::from_millis(500);
/// Pages from which on the log begins anew: 32 MiB.
const PAGES: i64 = 8_000;

const MOVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const EMPTY: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// Moves the log.
#[derive(Debug, Clone)]
pub(crate) struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    beside: SqlitePool,
    write: Writer,
    moving: AtomicBool,
    moved_at: Mutex<Instant>,
}

impl Log {
    /// `beside` is of one connection that nobody else uses.
    pub(super) fn new(beside: SqlitePool, write: Writer) -> Self {
        let (moving, moved_at) = (AtomicBool::new(false), Mutex::new(Instant::now()));
        Self(Arc::new(Inner { beside, write, moving, moved_at }))
    }

    /// Something was committed.
    #[expect(clippy::disallowed_methods, reason = "a database has no tasks; closing it waits")]
    pub(super) fn grew(&self) {
        let mut moved_at = self.0.moved_at.lock().unwrap_or_else(PoisonError::into_inner);
        if moved_at.elapsed() < EVERY || self.0.moving.swap(true, Ordering::AcqRel) {
            return;
        }
        *moved_at = Instant::now();
        let log = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Err(error) = log.moved().await {
                // Whoever commits moves a log that has become too long.
                tracing::debug!(error = &error as &dyn std::error::Error, "the log is not moved");
            }
            log.moving.store(false, Ordering::Release);
        });
    }

    /// Moves all of it, and empties it: false if somebody still reads what stands in it.
    pub(super) async fn empty(&self) -> Result<bool, sqlx::Error> {
        // Nobody writes meanwhile, and on this connection nobody moves it.
        let _turn = self.0.write.turn().await?;
        let busy: i64 = sqlx::query(EMPTY).fetch_one(&self.0.beside).await?.try_get(0)?;
        Ok(busy == 0)
    }

    pub(super) async fn close(&self) {
        self.0.beside.close().await;
    }
}

impl Inner {
    async fn moved(&self) -> Result<(), sqlx::Error> {
        let pages: i64 = sqlx::query(MOVE).fetch_one(&self.beside).await?.try_get(1)?;
        if pages >= PAGES {
            sqlx::query(MOVE).fetch_one(&mut *self.write.alone().await?).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, pool::Pool};

    #[tokio::test]
    async fn a_long_log_is_moved_beside_whoever_writes_and_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let db = Db::open(&format!("sqlite://{}", file.display())).await.unwrap();
        let Pool::Sqlite { write, log, .. } = db.pool() else { unreachable!("it is SQLite") };
        let run = async |text| {
            let mut writer = write.alone().await.unwrap();
            sqlx::query(text).fetch_all(&mut *writer).await.unwrap()
        };
        run("CREATE TABLE t (bytes BLOB)").await;
        run("INSERT INTO t VALUES (zeroblob(34000000))").await;
        let in_file = || std::fs::metadata(&file).unwrap().len();
        assert!(in_file() < 1_000_000, "whoever wrote it did not move it");

        log.0.moved().await.unwrap();
        assert!(in_file() > 34_000_000, "it is moved");
        run("INSERT INTO t VALUES (x'01')").await;
        let pages = run(MOVE).await;
        assert!(pages[0].get::<i64, _>(1) < 100, "it began anew");
    }

    #[tokio::test]
    async fn an_emptied_log_is_empty_even_if_it_is_being_moved_and_else_is_not_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url).await.unwrap();
        let Pool::Sqlite { write, log, .. } = db.pool() else { unreachable!("it is SQLite") };
        let run = async |text| {
            let mut writer = write.alone().await.unwrap();
            sqlx::query(text).fetch_all(&mut *writer).await.unwrap()
        };
        run("CREATE TABLE t (bytes BLOB)").await;
        let left = || std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len();
        for _ in 0..50 {
            run("INSERT INTO t VALUES (zeroblob(1000000))").await;
            assert!(left() > 0);
            let (moved, emptied) = tokio::join!(log.0.moved(), db.settle());
            moved.unwrap();
            emptied.unwrap();
            assert_eq!(left(), 0);
        }
        // Somebody reads what stands in the log.
        let reader = rusqlite::Connection::open(&file).unwrap();
        run("DELETE FROM t").await;
        reader.execute_batch("BEGIN; SELECT COUNT(*) FROM t").unwrap();
        run("PRAGMA busy_timeout = 0").await;
        sqlx::query("PRAGMA busy_timeout = 0").execute(&log.0.beside).await.unwrap();
        run("INSERT INTO t VALUES (x'01')").await;
        assert!(!log.empty().await.unwrap(), "it is not said to be empty");
        reader.execute_batch("COMMIT").unwrap();
        assert!(log.empty().await.unwrap());
        assert_eq!(left(), 0);
    }
}
