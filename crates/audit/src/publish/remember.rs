//! Checkpoints are remembered together: those that come while a commit is under way share the
//! next one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use access::Scope;
use base::args;
use base::db::{Db, DbError, Tx, Within};
use base::time::At;
use tlog::Checkpoint;
use tokio::sync::oneshot;

use super::fault::LogError;
use super::org::int;
use crate::sql;

const HOUR_SECS: i64 = 3_600;

/// A checkpoint that was published.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) scope: Scope,
    pub(super) checkpoint: Checkpoint,
    pub(super) note: String,
    /// The size of the one before: those before that, of the same hour, are forgotten.
    pub(super) before: u64,
    pub(super) at: At,
    /// Which keys signed it, where these are perhaps others than those of the one before.
    pub(super) keys: Option<[String; 2]>,
}

/// Those of a region that are not remembered yet, and who commits.
#[derive(Debug, Default)]
pub(super) struct Remembering {
    waiting: Mutex<Vec<(Remembered, oneshot::Sender<()>)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Remembering {
    /// Remembers a checkpoint in a commit, perhaps with others. Where somebody else's commit
    /// failed, it is not known what came of it: that is [`LogError::Moved`]. Of whoever leaves
    /// nothing is remembered later.
    pub(super) async fn remember(&self, db: &Db, one: Remembered) -> Result<(), LogError> {
        let (done, mut told) = oneshot::channel();
        self.waiting().push((one, done));
        let _turn = self.turn.lock().await;
        match told.try_recv() {
            Ok(()) => return Ok(()),
            Err(oneshot::error::TryRecvError::Closed) => return Err(LogError::Moved),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let mut together = std::mem::take(&mut *self.waiting());
        together.retain(|(_, done)| !done.is_closed());
        // Nodes that remember the same at once wait for each other, and never in a circle.
        together.sort_by(|(left, _), (right, _)| left.scope.org().cmp(right.scope.org()));
        commit(db, together.iter().map(|(one, _)| one)).await?;
        for (_, done) in together {
            let _left_meanwhile = done.send(());
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Remembered, oneshot::Sender<()>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "what was published is no change of an org")]
async fn commit(
    db: &Db,
    together: impl Iterator<Item = &Remembered> + Clone,
) -> Result<(), DbError> {
    let mut tx = db.begin(&Within::node()).await?;
    let mut rows = Vec::new();
    for one in together.clone() {
        let (size, root) = (int(one.checkpoint.size())?, one.checkpoint.root().0.to_vec());
        rows.push(one.scope.args(args![size, root, one.at, one.note.as_str()]));
    }
    tx.many(&sql::CHECKPOINT_ADD, rows).await?;
    for one in together {
        one.thin(&mut tx).await?;
        one.note_keys(&mut tx).await?;
    }
    tx.commit().await
}

impl Remembered {
    async fn thin(&self, tx: &mut Tx) -> Result<(), DbError> {
        let hour = At::from_second(self.at.as_second() / HOUR_SECS * HOUR_SECS).unwrap_or(self.at);
        let args = args![hour, int(self.before)?];
        tx.run(sql::CHECKPOINT_THIN, self.scope.args(args)).await.map(drop)
    }

    /// Notes which keys sign from now on.
    async fn note_keys(&self, tx: &mut Tx) -> Result<(), DbError> {
        let Some([first, second]) = &self.keys else { return Ok(()) };
        let args = args![self.at, first.as_str(), second.as_str()];
        tx.run(sql::LOG_KEY_CLOSE, self.scope.args(args)).await?;
        for key in [first, second] {
            tx.run(sql::LOG_KEY_ADD, self.scope.args(args![key.as_str(), self.at])).await?;
        }
        Ok(())
    }
}
