//! A page in a browser of its own: where it is, and how it is looked at.

use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::driver::{Driver, PATIENCE, Refused};
use crate::tools::Tools;

/// How long to wait before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Width and height of a window, in CSS pixels.
pub(crate) type Size = (u32, u32);

/// A small laptop's.
pub(crate) const DESK: Size = (1280, 800);
/// A phone's.
pub(crate) const PHONE: Size = (390, 844);

/// The two themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

pub(crate) struct Page {
    pub(crate) driver: Driver,
    base: String,
    pub(crate) size: Cell<Size>,
    pub(crate) scripted: Cell<bool>,
    pub(crate) tools: Tools,
    // Goes last: the browser lives in it.
    _profile: TempDir,
}

impl Page {
    /// A new browser, at no page yet. `base` is where paths are opened.
    pub(crate) async fn new(tools: Tools, base: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let driver = Driver::start(&tools, profile.path()).await;
        let base = base.to_owned();
        let (size, scripted) = (Cell::new(DESK), Cell::new(true));
        let page = Self { driver, base, size, scripted, tools, _profile: profile };
        // Pictures are the same wherever they are taken.
        let zone = json!({ "timezoneId": "Europe/Berlin" });
        page.driver.devtools("Emulation.setTimezoneOverride", zone).await;
        page.driver.devtools("Emulation.setLocaleOverride", json!({ "locale": "en-GB" })).await;
        page.resize(DESK).await;
        page.theme(Theme::Light).await;
        page
    }

    /// Goes to a path, and waits until it has been loaded.
    pub(crate) async fn open(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.driver.post("url", json!({ "url": url })).await.expect("the page opens");
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) {
        self.driver.post("refresh", json!({})).await.expect("the page opens again");
    }

    /// What is wanted until it is so.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<T, Refused>,
    ) -> T {
        let begun = Instant::now();
        loop {
            let why = match look().await {
                Ok(found) => return found,
                Err(Refused(why)) => why,
            };
            if begun.elapsed() > PATIENCE {
                let (path, text) = (self.path().await, self.text().await);
                let browser = self.complaints().await;
                unreachable!("{what}: {why}\nat {path}:\n{text}\nthe browser: {browser:?}");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// A window of another size; a phone's also behaves like a phone.
    pub(crate) async fn resize(&self, size: Size) {
        self.size.set(size);
        let (width, height) = size;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1,
                              "mobile": size == PHONE });
        self.driver.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the person's system prefers, and what they chose in the console before.
    pub(crate) async fn theme(&self, theme: Theme) {
        self.prefers(theme).await;
        let cookie = json!({ "url": self.base, "name": "portico_theme", "value": theme.name() });
        self.driver.devtools("Network.setCookie", cookie).await;
    }

    /// What the person's system prefers. Nothing moves: neither a picture nor a check of
    /// contrast is to be taken halfway.
    pub(crate) async fn prefers(&self, theme: Theme) {
        let features = json!([{ "name": "prefers-color-scheme", "value": theme.name() },
                              { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.driver.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// From the next page on, no script of a page runs.
    pub(crate) async fn without_script(&self) {
        self.scripted.set(false);
        let off = json!({ "value": true });
        self.driver.devtools("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// From the next page on, the browser gives itself this name.
    pub(crate) async fn calls_itself(&self, name: &str) {
        self.driver.devtools("Emulation.setUserAgentOverride", json!({ "userAgent": name })).await;
    }
}
