//! Where the browser is, and how many of them run at once.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// A browser needs a core to itself. This holds within one process, as plain `cargo test`
/// has it; nextest has a group for it in `.config/nextest.toml`.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What `cargo xtask test` installs, in the hands of one test.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) browser: PathBuf,
    pub(crate) driver: PathBuf,
    /// `axe.min.js`: the accessibility checks.
    pub(crate) axe: PathBuf,
    _turn: Arc<SemaphorePermit<'static>>,
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
pub(crate) fn environment(name: &str) -> Option<PathBuf> {
    std::env::var(name).ok().map(PathBuf::from)
}

impl Tools {
    /// Waits for a turn; none if the browser is not there.
    pub(crate) async fn find() -> Option<Self> {
        let all = [environment("CHROMIUM"), environment("CHROMEDRIVER"), environment("AXE_CORE")];
        let [Some(browser), Some(driver), Some(axe)] = all else {
            eprintln!(
                "not tested: CHROMIUM, CHROMEDRIVER and AXE_CORE do not say where a browser is; \
                 `cargo xtask test` installs one"
            );
            return None;
        };
        let turn = AT_ONCE.acquire().await.expect("never closed");
        Some(Self { browser, driver, axe, _turn: Arc::new(turn) })
    }
}
