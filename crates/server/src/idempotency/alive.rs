//! Signs of life of a request that takes long, also behind a database that was away.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use base::db::DbError;
use tokio::time::{sleep, timeout};

use super::{AGAIN, WRITE_MAX};

/// How often one that takes long says that it is under way.
const EVERY: Duration = Duration::from_secs(15);

/// Why a write is not known to be done.
pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Gives a write up that hangs: it may have been done.
pub(super) async fn in_time<T>(
    write: impl Future<Output = Result<T, DbError>>,
) -> Result<T, Failed> {
    Ok(timeout(WRITE_MAX, write).await??)
}

/// Says it for as long as it is polled, and soon again where it was not heard.
pub(super) async fn keep_saying<F>(say: impl Fn() -> F) -> Infallible
where
    F: Future<Output = Result<(), DbError>>,
{
    let mut wait = EVERY;
    loop {
        sleep(wait).await;
        wait = match in_time(say()).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(
                    error = &*error as &dyn std::error::Error,
                    "a lease was not renewed"
                );
                AGAIN
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;
    use crate::idempotency::WATCH;

    /// When a sign is heard, of a database that is away (it hangs, or fails at once) until then.
    async fn heard(back: Duration, hangs: bool) -> Vec<Duration> {
        let (begun, heard) = (Instant::now(), RefCell::new(Vec::new()));
        let say = async || {
            if begun.elapsed() >= back {
                heard.borrow_mut().push(begun.elapsed());
                return Ok(());
            }
            if hangs {
                std::future::pending::<()>().await;
            }
            Err(DbError::says("write", "it is away".to_owned()))
        };
        let _elapsed = timeout(Duration::from_secs(170), keep_saying(say)).await;
        heard.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_comes_back_hears_a_sign_of_life_before_a_watch_is_over() {
        assert_eq!(heard(Duration::ZERO, false).await.len(), 11, "every fifteen seconds");
        for hangs in [false, true] {
            for back in 60..75 {
                let back = Duration::from_secs(back);
                let first = heard(back, hangs).await.first().copied().expect("a sign");
                assert!(first + WRITE_MAX < back + WATCH, "{hangs} {back:?}: {first:?}");
            }
        }
    }
}
