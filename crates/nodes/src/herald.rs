//! What this process tells the nodes of a region: which room of which org it changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use access::Scope;
use audit::{Rider, Riding};
use base::args;
use base::db::{DbError, Tx};
use base::time::SharedClock;

use crate::sql;

base::ids! {
    /// One life of one process.
    InstanceId = "run";
}

/// Rides with every change; to be given to the record.
#[derive(Debug, Clone)]
pub struct Herald(Arc<Voice>);

#[derive(Debug)]
struct Voice {
    instance: InstanceId,
    clock: SharedClock,
    /// The newest instant that was told, in microseconds.
    last: AtomicI64,
    /// It serves: others watch it, and may take it for dead.
    serves: AtomicBool,
}

impl Herald {
    /// For a process that does not serve yet, or never will.
    pub fn new(clock: &SharedClock) -> Self {
        Self(Arc::new(Voice {
            instance: InstanceId::new(clock.now()),
            clock: clock.clone(),
            last: AtomicI64::new(0),
            serves: AtomicBool::new(false),
        }))
    }

    /// This life of this process.
    pub fn instance(&self) -> &InstanceId {
        &self.0.instance
    }

    pub(crate) fn serves(&self) -> bool {
        self.0.serves.load(Ordering::Acquire)
    }

    pub(crate) fn begins_to_serve(&self) {
        self.0.serves.store(true, Ordering::Release);
    }

    /// An instant that never runs back, whatever the clock does.
    fn at(&self) -> i64 {
        let now = self.0.clock.now().as_microsecond();
        now.max(self.0.last.fetch_max(now, Ordering::AcqRel))
    }

    async fn tell(&self, tx: &mut Tx, scope: &Scope, action: &str) -> Result<(), DbError> {
        let room = action.split('.').next().unwrap_or_default();
        let (instance, at) = (self.instance().as_str(), self.at());
        let told = args![scope.org().as_str(), room, instance, at];
        if !self.serves() {
            tx.run(sql::WRITER, args![instance, at]).await?;
            return tx.run(sql::TELL_BESIDE, told).await.map(drop);
        }
        if tx.run(sql::TELL, told).await? == 0 {
            return Err(taken_for_dead("change anything"));
        }
        Ok(())
    }

    async fn alive(&self, tx: &mut Tx) -> Result<(), DbError> {
        if !self.serves() {
            return Ok(());
        }
        let alive = tx.maybe(sql::STILL_ALIVE, args![self.instance().as_str()]).await?;
        alive.map(drop).ok_or_else(|| taken_for_dead("record a call"))
    }
}

/// Others have closed our calls, and do not listen to us any more.
fn taken_for_dead(doing: &str) -> DbError {
    DbError::says(doing, "other nodes took this one for dead".to_owned())
}

impl Rider for Herald {
    fn fence<'a>(&'a self, tx: &'a mut Tx) -> Riding<'a> {
        Box::pin(self.alive(tx))
    }

    fn changed<'a>(
        &'a self,
        tx: &'a mut Tx,
        scope: &'a Scope,
        action: &'static str,
        _: i64,
    ) -> Riding<'a> {
        Box::pin(self.tell(tx, scope, action))
    }
}
