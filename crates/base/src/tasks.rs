//! Background work that shutdown waits for.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks, tells them to stop, and waits until they have.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Nothing running.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` beside the caller. Work that lives long watches [`Tasks::stopping`].
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(self.tracker.track_future(work)));
    }

    /// Runs `work` on a thread of its own, so that it never waits in line behind other
    /// tasks; timers and sockets stay with the current runtime, which must outlive it.
    /// For the few loops that everybody waits for.
    pub fn spawn_on_a_thread(
        &self,
        name: &str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let runtime = tokio::runtime::Handle::current();
        let work = self.tracker.track_future(work);
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || runtime.block_on(work)).map(drop)
    }

    /// Resolves once [`Tasks::stop`] was called.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether [`Tasks::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Asks all tasks to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every task has ended.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
