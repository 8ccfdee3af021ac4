//! What a store says of itself.

use std::io;

/// A store that does not say what it does when it is full is none of which we know that it stays.
pub(super) fn drops_nothing(info: &str) -> io::Result<()> {
    let policy = told(info, "maxmemory_policy").unwrap_or("unknown");
    if policy == "noeviction" {
        return Ok(());
    }
    let why =
        format!("its `maxmemory-policy` is `{policy}`, it may drop counters: set `noeviction`");
    Err(io::Error::other(why))
}

/// The first half of the random id that a server gives itself when it starts.
pub(super) fn run_of(info: &str) -> io::Result<[u8; 8]> {
    let id = told(info, "run_id").and_then(|id| u64::from_str_radix(id.get(..16)?, 16).ok());
    let id = id.ok_or_else(|| io::Error::other("it does not say its `run_id`"))?;
    Ok(id.to_be_bytes())
}

/// What `INFO` says of one thing.
fn told<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(key, value)| (key == name).then_some(value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_does_not_say_whether_it_drops_counters_is_not_taken() {
        let info =
            |policy: &str| format!("# Memory\r\nused_memory:1\r\n{policy}mem_fragmentation:2\r\n");
        assert!(drops_nothing(&info("maxmemory_policy:noeviction\r\n")).is_ok());
        for bad in ["", "maxmemory_policy:allkeys-lru\r\n", "maxmemory_policy_x:noeviction\r\n"] {
            assert!(drops_nothing(&info(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_store_is_known_by_the_run_that_it_says() {
        let said = "# Server\r\nrun_id:0102030405060708090a0b0c0d0e0f1011121314\r\ntcp_port:1\r\n";
        assert_eq!(run_of(said).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        for bad in ["", "run_id:\r\n", "run_id:0102\r\n", "run_id:not a number at all\r\n"] {
            assert!(run_of(bad).is_err(), "{bad}");
        }
    }
}
