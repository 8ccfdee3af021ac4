//! A transaction of PostgreSQL is begun whole.
//!
//! The client library counts a transaction only once the answer to `BEGIN` was read. Where
//! whoever began it leaves before, as a caller does who closes their connection, it knows of
//! none, and the connection goes back into the pool within it: a write that comes next would be
//! read-only, if it was begun to read (sqlx issue 4393, mended behind 0.9.0).

use std::pin::Pin;
use std::task::{Context, Poll};

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Error, Postgres, SqlSafeStr as _, Transaction};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::lines::SILENCE_MAX;

type Begun = Transaction<'static, Postgres>;
type Begins = Pin<Box<dyn Future<Output = Result<Begun, Error>> + Send>>;

/// Begins a transaction with these words. Where nobody waits for it any more, it is begun all the
/// same, and undone.
pub(super) async fn begin(pool: &PgPool, words: AssertSqlSafe<String>) -> Result<Begun, Error> {
    let connection = pool.acquire().await?;
    Whole(Some(Transaction::begin(connection, Some(words.into_sql_str())))).await
}

/// What goes on by itself if it is dropped before its end.
struct Whole(Option<Begins>);

impl Future for Whole {
    type Output = Result<Begun, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(begins) = &mut self.0 else { return Poll::Pending };
        let begun = begins.as_mut().poll(context);
        if begun.is_ready() {
            self.0 = None;
        }
        begun
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let (Some(begins), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        runtime.spawn(async move { drop(timeout(SILENCE_MAX, begins).await) });
    }
}
