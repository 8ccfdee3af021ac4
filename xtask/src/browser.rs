//! Chromium with its driver, and the accessibility checks that run inside it.

use std::path::PathBuf;

use crate::clients;
use crate::shell::{self, Outcome, find};

/// The names under which systems install it.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where the tests find them.
pub(crate) fn environment() -> Outcome<[(&'static str, PathBuf); 3]> {
    let (browser, driver) = if let Some(programs) = programs() {
        programs
    } else {
        shell::install(&["chromium", "chromium-driver"])
            .map_err(|why| format!("Chromium and its chromedriver: {why}"))?;
        programs().ok_or("Chromium: installed, but it or chromedriver is not found")?
    };
    let checks = clients::node()?.join("node_modules/axe-core/axe.min.js");
    Ok([("CHROMIUM", browser), ("CHROMEDRIVER", driver), ("AXE_CORE", checks)])
}

/// The browser and its driver.
fn programs() -> Option<(PathBuf, PathBuf)> {
    Some((BROWSERS.iter().find_map(|name| find(name))?, find("chromedriver")?))
}
