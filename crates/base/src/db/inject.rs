//! Failures on purpose, for tests alone: the feature `testing` is in no binary that serves.

use std::sync::OnceLock;

/// Failures that one unit of work meets at most: then it is spared, so that every test ends.
pub(crate) const INJECTED_MAX: u8 = 3;

/// Whether this statement is to fail as a distributed database lets them fail: of a hundred as
/// many as `PORTICO_INJECT_40001` says.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
pub(crate) fn fails() -> bool {
    static PERCENT: OnceLock<u64> = OnceLock::new();
    let read = || std::env::var("PORTICO_INJECT_40001").ok()?.parse().ok();
    let percent = *PERCENT.get_or_init(|| read().unwrap_or(0));
    percent > 0 && rand::random::<u64>() % 100 < percent
}

/// What the engine would have said.
#[derive(Debug, thiserror::Error)]
#[error("could not serialize access due to concurrent update (on purpose)")]
pub(crate) struct Injected;

impl Injected {
    pub(crate) fn error() -> sqlx::Error {
        sqlx::Error::Database(Box::new(Self))
    }
}

impl sqlx::error::DatabaseError for Injected {
    fn message(&self) -> &'static str {
        "could not serialize access due to concurrent update (on purpose)"
    }

    fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
        Some("40001".into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> sqlx::error::ErrorKind {
        sqlx::error::ErrorKind::Other
    }
}
