//! What this room writes down while somebody is on their way: sign-ins that have begun, what
//! was accepted, visits. None of it is a change of the org, and anybody can make it begin:
//! what comes of it has events.

use access::Scope;
use base::db::{DbError, Row, Statement, Value, Within};

use crate::{Sso, sql};

impl Sso {
    /// Runs one statement and says how many rows it changed. `args` start at `$2`.
    #[expect(clippy::disallowed_methods, reason = "bookkeeping of a sign-in; its end has events")]
    pub(crate) async fn jot(
        &self,
        scope: &Scope,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<u64, DbError> {
        let mut tx = self.0.databases.of(scope)?.begin().await?;
        let changed = tx.run(statement, scope.args(args)).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The same for one that gives the row that it took away.
    #[expect(clippy::disallowed_methods, reason = "bookkeeping of a sign-in; its end has events")]
    pub(crate) async fn take(
        &self,
        scope: &Scope,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        let mut tx = self.0.databases.of(scope)?.begin().await?;
        let row = tx.maybe(statement, scope.args(args)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Forgets what has expired, of every org of this node.
    #[expect(clippy::disallowed_methods, reason = "what has expired means nothing any more")]
    pub(crate) async fn forget(&self) -> Result<u64, DbError> {
        let mut forgotten = 0;
        for (_, db) in self.0.databases.iter() {
            for statement in sql::EXPIRED {
                let mut tx = db.begin(&Within::node()).await?;
                forgotten += tx.run(statement, base::args!["", self.now()]).await?;
                tx.commit().await?;
            }
        }
        Ok(forgotten)
    }
}
