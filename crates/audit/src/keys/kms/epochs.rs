//! The secrets of epochs in a file of their own, which is replaced as a whole.
//!
//! ```text
//! portico epochs 1
//! next 3
//! 1 1767225600000000 <secret>      epoch, since (microseconds), 32 bytes in hex
//! 2 1768391999000000 <secret>
//! mac <keyed hash of the lines above>
//! ```

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::seal::{Mac, RootKey, equal, make_folder, write_settled};
use base::time::At;
use zeroize::Zeroizing;

use super::{Epoch, KmsError};

const TITLE: &str = "portico epochs 1";
/// Bytes of the file at most: some thousand epochs, and there are seldom more than three.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// The file of a region.
#[derive(Debug)]
pub(super) struct Epochs {
    path: PathBuf,
    mac: Mac,
    held: Mutex<Held>,
}

/// The secret of an epoch.
#[derive(Clone)]
pub(super) struct Secret {
    pub(super) epoch: Epoch,
    pub(super) bytes: Zeroizing<[u8; 32]>,
}

#[derive(Debug, Clone)]
struct Held {
    next: u64,
    secrets: Vec<Secret>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Epochs {
    /// Reads the file. With a time, there is an epoch afterwards, in a new file if need be.
    pub(super) fn open(path: PathBuf, mac: Mac, first: Option<At>) -> Result<Self, KmsError> {
        let held = Mutex::new(Held { next: 1, secrets: Vec::new() });
        let epochs = Self { path, mac, held };
        match epochs.read() {
            Ok(held) => *epochs.held() = held,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(epochs.failed(cause)),
        }
        if let (true, Some(now)) = (epochs.is_empty(), first) {
            epochs.alone(|held| match held.secrets.as_slice() {
                [] => held.and_next(now).map(Some),
                [..] => Ok(None),
            })?;
        }
        Ok(epochs)
    }

    /// The newest one that wraps at this instant, as the file has it now: another process may
    /// have begun one, and what wraps must not end before what is wrapped is in use.
    pub(super) fn in_use(&self, now: At) -> Result<Secret, KmsError> {
        let read = self.read().map_err(|cause| self.failed(cause))?;
        let begun = read.secrets.iter().rev().find(|secret| secret.epoch.since <= now);
        // A clock that went back is no reason to wrap nothing.
        let newest = begun.or_else(|| read.secrets.first()).cloned();
        *self.held() = read;
        newest.ok_or(KmsError::Forgotten)
    }

    /// The secret of an epoch. Another process may have begun one: then the file has it.
    pub(super) fn secret(&self, number: u64) -> Result<Secret, KmsError> {
        if let Some(secret) = self.held().find(number) {
            return Ok(secret);
        }
        let read = self.read().map_err(|cause| self.failed(cause))?;
        let found = read.find(number);
        *self.held() = read;
        found.ok_or(KmsError::Forgotten)
    }

    pub(super) fn all(&self) -> Result<Vec<Epoch>, KmsError> {
        let read = match self.read() {
            Ok(read) => read,
            // Nothing was ever wrapped here.
            Err(cause) if cause.kind() == ErrorKind::NotFound && self.is_empty() => {
                return Ok(Vec::new());
            }
            Err(cause) => return Err(self.failed(cause)),
        };
        let all = read.secrets.iter().map(|secret| secret.epoch).collect();
        *self.held() = read;
        Ok(all)
    }

    pub(super) fn begin(&self, after: u64, from: At) -> Result<(), KmsError> {
        self.alone(|held| {
            let newest = held.secrets.last().map(|secret| secret.epoch.number);
            if newest.is_none_or(|newest| newest == after) {
                held.and_next(from).map(Some)
            } else {
                Ok(None)
            }
        })
    }

    pub(super) fn destroy_before(&self, epoch: u64) -> Result<(), KmsError> {
        self.alone(|mut held| {
            let before = held.secrets.len();
            held.secrets.retain(|secret| secret.epoch.number >= epoch);
            Ok((held.secrets.len() < before).then_some(held))
        })
    }

    /// Changes what the file says, while no other process does.
    fn alone(&self, change: impl FnOnce(Held) -> io::Result<Option<Held>>) -> Result<(), KmsError> {
        let failed = |cause| self.failed(cause);
        let folder = self.path.parent().unwrap_or(&self.path);
        make_folder(folder).map_err(failed)?;
        let lock = File::options().create(true).append(true).open(self.path.with_extension("lock"));
        let lock = lock.map_err(failed)?;
        lock.try_lock().map_err(|_| KmsError::Busy(self.path.display().to_string()))?;
        let there = match self.read() {
            Ok(there) => there,
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                // A file that was there and is not any more was taken away.
                let known = self.held().clone();
                if !known.secrets.is_empty() {
                    return Err(failed(cause));
                }
                known
            }
            Err(cause) => return Err(failed(cause)),
        };
        let now = match change(there.clone()).map_err(failed)? {
            Some(changed) => {
                self.write(&changed).map_err(failed)?;
                changed
            }
            None => there,
        };
        *self.held() = now;
        Ok(())
    }

    fn read(&self) -> io::Result<Held> {
        if std::fs::metadata(&self.path)?.len() > FILE_BYTES_MAX {
            return Err(faulty("it is larger than any such file"));
        }
        let text = Zeroizing::new(std::fs::read_to_string(&self.path)?);
        let (body, mac) = text
            .trim_end()
            .rsplit_once("\nmac ")
            .ok_or_else(|| faulty("it was cut off, or is something else"))?;
        let mac = from_hex(mac).ok_or_else(|| faulty("it was altered"))?;
        if !equal(mac.as_slice(), &self.mac.tag(body.as_bytes())) {
            return Err(faulty("it was altered, or belongs to another root key"));
        }
        Held::parse(body).ok_or_else(|| faulty("it is of a later version"))
    }

    fn write(&self, held: &Held) -> io::Result<()> {
        let body = held.text();
        let mac = self.mac.tag(body.as_bytes());
        let text = Zeroizing::new(format!("{}\nmac {}\n", *body, *hex(&mac)));
        // The name, too, is on disk before anybody relies on it.
        write_settled(&self.path, text.as_bytes())
    }

    fn is_empty(&self) -> bool {
        self.held().secrets.is_empty()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, cause: io::Error) -> KmsError {
        KmsError::File(self.path.display().to_string(), cause)
    }
}

impl Held {
    fn find(&self, number: u64) -> Option<Secret> {
        self.secrets.iter().find(|secret| secret.epoch.number == number).cloned()
    }

    fn and_next(mut self, since: At) -> io::Result<Self> {
        let fresh = RootKey::fresh()?;
        let epoch = Epoch { number: self.next, since };
        self.secrets.push(Secret { epoch, bytes: Zeroizing::new(*fresh.as_bytes()) });
        self.next += 1;
        Ok(self)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(format!("{TITLE}\nnext {}", self.next));
        for Secret { epoch, bytes } in &self.secrets {
            let (number, since) = (epoch.number, epoch.since.as_microsecond());
            let line = Zeroizing::new(format!("\n{number} {since} {}", *hex(bytes)));
            text.push_str(&line);
        }
        text
    }

    fn parse(body: &str) -> Option<Self> {
        let mut lines = body.lines();
        (lines.next()? == TITLE).then_some(())?;
        let next = lines.next()?.strip_prefix("next ")?.parse().ok()?;
        let secrets = lines.map(|line| {
            let mut words = line.split(' ');
            let number = words.next()?.parse().ok()?;
            let since = At::from_microsecond(words.next()?.parse().ok()?).ok()?;
            Some(Secret { epoch: Epoch { number, since }, bytes: from_hex(words.next()?)? })
        });
        Some(Self { next, secrets: secrets.collect::<Option<_>>()? })
    }
}

fn faulty(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn hex(bytes: &[u8; 32]) -> Zeroizing<String> {
    bytes.iter().fold(Zeroizing::new(String::with_capacity(64)), |mut text, byte| {
        use std::fmt::Write as _;
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
    for (place, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *place = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
