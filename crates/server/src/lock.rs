//! One process at a time serves under a node's name from a data folder.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;

use anyhow::Context as _;
use regions::InstanceId;

use crate::config::Config;

/// Held while this process lives. The file remembers which lives had it: whoever holds it
/// knows that they are over.
#[derive(Debug)]
pub(crate) struct DataLock {
    file: File,
    place: String,
    dead: Vec<InstanceId>,
}

impl DataLock {
    /// Takes the lock, or says that another process has it.
    pub(crate) fn take(config: &Config) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data)?;
        let path = config.data.join(format!("{}.lock", config.node));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).with_context(|| format!("{}", path.display()))?;
        file.try_lock().map_err(|_| {
            anyhow::anyhow!(
                "another process serves as `{}` from {}",
                config.node,
                config.data.display()
            )
        })?;
        let place = place(&file)?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap_or_default();
        let mut lines = text.lines();
        // A copy of the folder proves nothing about the lives that the original had.
        let ours = lines.next() == Some(&place);
        let dead = lines.filter(|_| ours).filter_map(|line| line.parse().ok()).collect();
        Ok(Self { file, place, dead })
    }

    /// The lives of this node that are over.
    pub(crate) fn dead(&self) -> &[InstanceId] {
        &self.dead
    }

    /// Notes the life that begins, before anybody else hears of it.
    pub(crate) fn begin(&mut self, life: &InstanceId) -> io::Result<()> {
        let mut text = format!("{}\n", self.place);
        for one in std::iter::once(life).chain(&self.dead) {
            text.push_str(one.as_str());
            text.push('\n');
        }
        self.write(&text)
    }

    /// A life of this process is over that began, and came to nothing.
    pub(crate) fn bury(&mut self, life: InstanceId) {
        self.dead.push(life);
    }

    /// Forgets the lives before this one: what they held is this one's.
    pub(crate) fn settle(&mut self, life: &InstanceId) -> io::Result<()> {
        self.dead.clear();
        self.begin(life)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(u64::try_from(text.len()).unwrap_or_default())
    }
}

/// This very file on this very machine, since it was started.
fn place(file: &File) -> io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let found = file.metadata()?;
    Ok(format!("{} {}:{}", boot.trim(), found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use base::time::At;

    use super::*;

    #[test]
    fn a_copied_data_folder_does_not_prove_that_the_other_process_is_dead() {
        let folder = tempfile::tempdir().unwrap();
        let config = |name: &str| Config { data: folder.path().join(name), ..Config::default() };
        let life = InstanceId::new(At::UNIX_EPOCH);
        let mut first = DataLock::take(&config("one")).unwrap();
        assert!(first.dead().is_empty());
        first.begin(&life).unwrap();
        assert!(DataLock::take(&config("one")).is_err(), "it lives");

        std::fs::create_dir(folder.path().join("two")).unwrap();
        let [from, to] = ["one", "two"].map(|name| config(name).data.join("portico-1.lock"));
        std::fs::copy(from, to).unwrap();
        assert!(DataLock::take(&config("two")).unwrap().dead().is_empty(), "a copy");

        drop(first);
        let mut second = DataLock::take(&config("one")).unwrap();
        assert_eq!(second.dead(), [life]);
        let next = InstanceId::new(At::UNIX_EPOCH);
        second.settle(&next).unwrap();
        drop(second);
        assert_eq!(DataLock::take(&config("one")).unwrap().dead(), [next]);
    }
}
