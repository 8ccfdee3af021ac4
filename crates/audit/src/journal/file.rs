//! The file of a journal: written in one place, read on from another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base::seal::{Mac, make_folder, random, settle};

use super::format::{Frame, Name, NotRead, Place, Step};

/// A journal that is on disk.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    name: Name,
    /// Behind the last entry that anybody was told of.
    end: Place,
    /// Where the next entry is that the record does not have.
    rest: Place,
    /// What was written could be neither kept nor taken back.
    unsure: bool,
}

impl Journal {
    /// A new one. What is in the way is not touched.
    pub(super) fn begin(path: &Path, mac: &Mac, began: i64) -> io::Result<Self> {
        let name = Name { id: random()?, began };
        let (head, place) = name.head(mac);
        make_folder(path.parent().unwrap_or(Path::new(".")))?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let mut file = options.open(path)?;
        let written = file.write_all(&head).and_then(|()| file.sync_all());
        if let Err(error) = written.and_then(|()| settle(path)) {
            fs::remove_file(path)?;
            return Err(error);
        }
        let path = path.to_owned();
        Ok(Self { path, file, name, end: place, rest: place, unsure: false })
    }

    /// What an earlier life left, read to its end; none if there is nothing in it. What a crash
    /// tore is cut off; what is broken is left as it is.
    pub(super) fn left(path: &Path, mac: &Mac) -> Result<Option<Self>, NotRead> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let bytes = file.metadata()?.len();
        let mut reader = BufReader::new(&file);
        let Some((name, first)) = Name::read(mac, &mut reader)? else {
            fs::remove_file(path)?;
            return Ok(None);
        };
        let mut end = first;
        while let Step::Frame(_) = end.next(mac, &mut reader, bytes.saturating_sub(end.offset))? {}
        if end.offset < bytes {
            file.set_len(end.offset)?;
            file.sync_all()?;
        }
        let journal = Self { path: path.to_owned(), file, name, end, rest: first, unsure: false };
        if journal.waiting() == 0 {
            journal.remove()?;
            return Ok(None);
        }
        Ok(Some(journal))
    }

    /// Its id, as people read it.
    pub(super) fn id(&self) -> String {
        base::hex::encode(&self.name.id)
    }

    pub(super) fn began(&self) -> i64 {
        self.name.began
    }

    pub(super) fn bytes(&self) -> u64 {
        self.end.offset
    }

    /// Entries that the record does not have.
    pub(super) fn waiting(&self) -> u64 {
        self.end.number - self.rest.number
    }

    /// The number of the next entry.
    pub(super) fn next(&self) -> u64 {
        self.end.number
    }

    /// Has these on disk, all of them or none. `bytes_max` bounds the whole file.
    pub(super) fn write(
        &mut self,
        mac: &Mac,
        entries: &[Vec<u8>],
        bytes_max: u64,
    ) -> io::Result<()> {
        let full = || io::Error::new(io::ErrorKind::StorageFull, "the journal is full");
        if self.unsure {
            return Err(io::Error::other("an earlier write came to no end"));
        }
        let (frame, behind) = self.end.frame(mac, entries).ok_or_else(full)?;
        if behind.offset > bytes_max {
            return Err(full());
        }
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.end.offset))?;
            self.file.write_all(&frame)?;
            self.file.sync_data()
        };
        if let Err(error) = write() {
            // Nobody is told of it, so it must not be found later.
            let back = self.file.set_len(self.end.offset).and_then(|()| self.file.sync_all());
            self.unsure = back.is_err();
            return Err(error);
        }
        self.end = behind;
        Ok(())
    }

    /// The next frames that the record does not have, `entries_max` entries at most but one
    /// frame at least, and the place behind them.
    pub(super) fn read(&self, mac: &Mac, entries_max: u64) -> Result<(Vec<Frame>, Place), NotRead> {
        let mut reader = &self.file;
        reader.seek(SeekFrom::Start(self.rest.offset))?;
        let mut reader = BufReader::new(reader);
        let (mut frames, mut place) = (Vec::new(), self.rest);
        while place.offset < self.end.offset {
            let mut behind = place;
            let left = self.end.offset - place.offset;
            let Step::Frame(frame) = behind.next(mac, &mut reader, left)? else {
                return Err(NotRead::Broken(place.number));
            };
            if !frames.is_empty() && behind.number - self.rest.number > entries_max {
                break;
            }
            frames.push(frame);
            place = behind;
        }
        Ok((frames, place))
    }

    /// The record has everything before this place.
    pub(super) fn read_on(&mut self, from: Place) {
        self.rest = from;
    }

    /// The record has everything.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        settle(&self.path)
    }
}
