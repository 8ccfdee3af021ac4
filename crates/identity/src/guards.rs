//! Where an org's guardrails come from. The room that keeps them is not this one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::{Guard, Scope};
use base::db::DbError;

/// Knows what narrows an org. Asked whenever the org is read; a failure keeps the org
/// closed.
pub trait Guards: Send + Sync + fmt::Debug {
    /// The guard of the org that the scope is of; none: nothing narrows it.
    fn of<'a>(&'a self, scope: &'a Scope) -> Judged<'a>;
}

/// What [`Guards::of`] gives.
pub type Judged<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Arc<dyn Guard>>, DbError>> + Send + 'a>>;

/// No org has guardrails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuards;

impl Guards for NoGuards {
    fn of<'a>(&'a self, _: &'a Scope) -> Judged<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
