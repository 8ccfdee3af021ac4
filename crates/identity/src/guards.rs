//! Where an org's guardrails come from. The room that keeps them is not this one.

use std::fmt;
use std::sync::Arc;

use access::{Guard, OrgId};
use base::db::{DbError, Row, Statement};

/// Knows what narrows an org. It is read whenever the org is, of the same moment; a failure
/// keeps the org closed.
pub trait Guards: Send + Sync + fmt::Debug {
    /// The read that gives what narrows an org. `$1` is the org.
    fn read(&self) -> Statement;

    /// The guard of this org, of the rows that were read; none: nothing narrows it.
    fn of(&self, org: &OrgId, rows: &[Row]) -> Result<Option<Arc<dyn Guard>>, DbError>;
}

/// No org has guardrails.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoGuards;

impl Guards for NoGuards {
    fn read(&self) -> Statement {
        Statement::new("read no guardrails", "SELECT 1 AS guardrail WHERE $1 = ''")
    }

    fn of(&self, _: &OrgId, _: &[Row]) -> Result<Option<Arc<dyn Guard>>, DbError> {
        Ok(None)
    }
}
