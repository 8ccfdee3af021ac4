//! The store of counters that tests start, kill and freeze for themselves.

use crate::shell::{self, Outcome, find};

/// Sees to it that there is a `redis-server`.
pub(crate) fn installed() -> Outcome<()> {
    if find("redis-server").is_none() {
        shell::install(&["redis-server"]).map_err(|why| format!("Redis: {why}"))?;
        find("redis-server").ok_or("Redis: installed, but its server is not found")?;
    }
    Ok(())
}
