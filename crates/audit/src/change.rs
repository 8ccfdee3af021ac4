//! The only way to commit a write.

use std::sync::Arc;

use access::Scope;
use base::db::{Batch, Db, DbError, Row, Statement, Tx, Value};
use base::time::SharedClock;

use crate::append::{Appended, Prepared};
use crate::durable::Durable;
use crate::event::Event;
use crate::heads::Heads;
use crate::keys::{Found, Keys, Tag};
use crate::{Record, Rider, append, doubt};

/// A write that will not be committed without its record. Dropped before
/// [`Change::commit`], it leaves no trace.
///
/// What the database undoes by itself is done again (see [`Tx`]); where no answer came to the
/// commit, its event is looked for, and only if it is certain not to stand the change is made
/// again.
#[derive(Debug)]
pub struct Change {
    db: Db,
    tx: Tx,
    scope: Scope,
    pub(crate) clock: SharedClock,
    pub(crate) keys: Arc<Keys>,
    heads: Arc<Heads>,
    riders: Arc<[Arc<dyn Rider>]>,
    /// Whose keys this change destroys.
    pub(crate) forgotten: Vec<Tag>,
}

impl Change {
    /// Begins a change in the org and region of `scope`.
    pub async fn begin(record: &Record, scope: &Scope) -> Result<Self, DbError> {
        let db = record.databases.whole(scope)?;
        record.keys.warm(db, scope.region(), scope.org()).await?;
        let tx = record.databases.of(scope)?.begin().await?;
        Ok(Self {
            db: tx.db().clone(),
            tx,
            scope: scope.clone(),
            clock: record.clock.clone(),
            keys: Arc::clone(&record.keys),
            heads: Arc::clone(&record.heads),
            riders: Arc::clone(&record.riders),
            forgotten: Vec::new(),
        })
    }

    /// In which org, and by whom.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Runs a statement and says how many rows it changed. `args` start at `$2`.
    pub async fn run(&mut self, statement: Statement, args: Vec<Value>) -> Result<u64, DbError> {
        self.tx.run(statement, self.scope.args(args)).await
    }

    /// The rows that a statement gives. `args` start at `$2`.
    pub async fn all(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, DbError> {
        self.tx.all(statement, self.scope.args(args)).await
    }

    /// The row that a statement gives, if there is one. `args` start at `$2`.
    pub async fn maybe(
        &mut self,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        self.tx.maybe(statement, self.scope.args(args)).await
    }

    /// Inserts many rows; the org goes in front of each.
    pub async fn many(
        &mut self,
        batch: &Batch,
        rows: Vec<Vec<Value>>,
    ) -> Result<Vec<Row>, DbError> {
        let scope = &self.scope;
        self.tx.many(batch, rows.into_iter().map(|row| scope.args(row))).await
    }

    /// Records the event and makes both permanent, together.
    pub async fn commit(self, event: Event) -> Result<Durable, DbError> {
        Box::pin(self.finish(event, None)).await
    }

    /// The same, and a statement runs in between whose last argument is the event's
    /// position: so that what was changed names its event.
    pub async fn commit_noting(
        self,
        event: Event,
        note: Statement,
        args: Vec<Value>,
    ) -> Result<Durable, DbError> {
        Box::pin(self.finish(event, Some((note, args)))).await
    }

    async fn finish(
        mut self,
        event: Event,
        note: Option<(Statement, Vec<Value>)>,
    ) -> Result<Durable, DbError> {
        let caller = self.scope.caller();
        let entry = Prepared::new(&self.keys, caller, &event, None, self.clock.now())?;
        let forgetting = (!self.forgotten.is_empty()).then(|| self.keys.forgetting());
        self.tx.mark();
        let appended = loop {
            match self.end(&entry, event.action, note.as_ref()).await? {
                Ok(appended) => break appended,
                Err(undone) => self.tx.again(undone).await?,
            }
        };
        let seq = appended.seqs.first().copied().unwrap_or_default();
        self.heads.remember(appended.heads);
        for tag in &self.forgotten {
            self.keys.remember(&entry.org, tag, Found::Destroyed);
        }
        drop(forgetting);
        Ok(Durable::at(entry.org, seq))
    }

    /// Records and commits. The inner failure undid all; the outer one leaves it open.
    #[expect(clippy::disallowed_methods, reason = "one of the two places that commit")]
    async fn end(
        &mut self,
        entry: &Prepared,
        action: &'static str,
        note: Option<&(Statement, Vec<Value>)>,
    ) -> Result<Result<Appended, DbError>, DbError> {
        let appended = match self.record(entry, action, note).await {
            Ok(appended) => appended,
            Err(error) => return Ok(Err(error)),
        };
        match self.tx.commit_once().await {
            Ok(()) => Ok(Ok(appended)),
            Err(error) if error.is_in_doubt() => {
                let Some(seq) = appended.seqs.first() else { return Err(error) };
                match doubt::stands(&self.db, entry, *seq).await {
                    Ok(true) => Ok(Ok(appended)),
                    Ok(false) => Ok(Err(error)),
                    // Still nobody knows.
                    Err(_) => Err(error),
                }
            }
            Err(error) => Ok(Err(error)),
        }
    }

    async fn record(
        &mut self,
        entry: &Prepared,
        action: &'static str,
        note: Option<&(Statement, Vec<Value>)>,
    ) -> Result<Appended, DbError> {
        let appended = append::append(&mut self.tx, &self.keys, &self.heads, &[entry]).await?;
        let seq = appended.seqs.first().copied().unwrap_or_default();
        if let Some((note, args)) = note {
            let mut args = args.clone();
            args.push(seq.into());
            self.tx.run(*note, self.scope.args(args)).await?;
        }
        for rider in self.riders.iter() {
            rider.changed(&mut self.tx, &self.scope, action, seq).await?;
        }
        Ok(appended)
    }
}
