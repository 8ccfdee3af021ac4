//! The detector is tried on what was planted for it to find: each way of writing, each way of
//! packing, in each kind of store, put in a place that is taken away again.

use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::Serialize;

use crate::canary::{Canaries, Canary, Planted};
use crate::error::Error;
use crate::plan::{Holds, Place, Plan, Store};
use crate::scan::{Scan, Seen, Writing};
use crate::stores::{Postgres, Redis, Sqlite, files, look};

/// Bytes in front of one of the samples in a file: it lies across two reads.
const ACROSS_BYTES: usize = (64 << 10) - 20;

/// How the detector did.
#[derive(Debug, Default, Serialize)]
pub struct Control {
    /// What was planted, over all stores.
    pub planted: u64,
    /// What of it was found.
    pub found: u64,
    /// The kinds of stores in which it was tried, each with how often.
    pub kinds: std::collections::BTreeMap<String, u64>,
    /// What was not found.
    pub missed: Vec<String>,
}

/// Canaries in each form, to be found.
struct Samples {
    canaries: Canaries,
    values: Vec<Vec<u8>>,
}

impl Samples {
    fn new() -> Result<Self, Error> {
        let mut samples = Self { canaries: Canaries::default(), values: Vec::new() };
        for writing in Writing::ALL {
            samples.add(writing.name(), |text| Ok(writing.write(text)))?;
        }
        // One word of the two.
        samples.add("the first half", |text| Ok(half(text, 0)))?;
        samples.add("the second half", |text| Ok(half(text, 1)))?;
        samples.add("gzip", |text| gzip(text.as_bytes()))?;
        samples.add("zlib", |text| zlib(text.as_bytes()))?;
        samples.add("zip", |text| zip(text.as_bytes()))?;
        samples.add("zstd", |text| Ok(zstd(text.as_bytes())))?;
        samples.add("gzip in gzip", |text| gzip(&gzip(text.as_bytes())?))?;
        samples.add("utf-16 in zstd", |text| Ok(zstd(&Writing::Utf16Le.write(text))))?;
        samples.add("gzip in base64", |text| Ok(in_base64(&gzip(text.as_bytes())?)))?;
        samples.add("zstd in hex", |text| Ok(in_hex(&zstd(text.as_bytes()))))?;
        Ok(samples)
    }

    fn add(
        &mut self,
        form: &str,
        write: impl FnOnce(&str) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        let canary = Canary::fresh()?;
        let planted = Planted { cell: 0, door: "control".to_owned(), field: form.to_owned() };
        self.canaries.plant(&canary, planted)?;
        // Among other things, as it would lie in a store.
        let value = [b"kept: ".as_slice(), &write(&canary.text())?, b" - and more"].concat();
        self.values.push(value);
        Ok(())
    }
}

impl Control {
    /// Tries the detector in each kind of store of a plan; where a store is shared by nobody it
    /// is tried in that very store.
    pub async fn run(plan: &Plan) -> Result<Self, Error> {
        let mut control = Self::default();
        let folder = Folder::new()?;
        let stores = plan.cells.iter().flat_map(|cell| &cell.stores);
        let mut files_tried = false;
        let mut sqlite_tried = false;
        let mut page_tried = false;
        for store in stores.chain(&plan.directories) {
            let samples = Samples::new()?;
            let seen = match store.place() {
                Some(Place::Postgres(url)) => {
                    let mut open = Postgres::open(url).await?;
                    open.put(&samples.values).await?;
                    open.look(&samples.canaries).await?
                }
                Some(Place::Redis(url)) => {
                    let mut open = Redis::open(url).await?;
                    let keys = open.put(&samples.values).await?;
                    let seen = open.look(&samples.canaries).await;
                    open.take(&keys).await?;
                    seen?
                }
                Some(Place::Sqlite(_)) if !std::mem::replace(&mut sqlite_tried, true) => {
                    in_sqlite(&folder.0, &samples).await?
                }
                Some(Place::Files(_)) if !std::mem::replace(&mut files_tried, true) => {
                    in_files(&folder.0.join("files"), &samples)?
                }
                Some(Place::Page(_)) if !std::mem::replace(&mut page_tried, true) => {
                    let mut seen = Seen::default();
                    for value in &samples.values {
                        Scan::value(value, &samples.canaries, &mut seen);
                    }
                    seen
                }
                Some(Place::Sqlite(_) | Place::Files(_) | Place::Page(_)) | None => continue,
            };
            let kind = store.place().map_or("", |place| place.kind());
            control.count(kind, &samples, &seen);
        }
        Ok(control)
    }

    fn count(&mut self, kind: &str, samples: &Samples, seen: &Seen) {
        let found: Vec<_> = seen.canaries().collect();
        for (number, planted) in samples.canaries.all().iter().enumerate() {
            self.planted += 1;
            if found.contains(&number) {
                self.found += 1;
            } else {
                self.missed.push(format!("{kind}: {}", planted.field));
            }
        }
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
    }
}

/// A folder of our own, which goes away with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("portico-attest-{}", Canary::fresh()?.text()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Error::File(path.clone(), error))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

async fn in_sqlite(folder: &Path, samples: &Samples) -> Result<Seen, Error> {
    let file = folder.join("control.db");
    Sqlite::create(&file).await?.put(&samples.values).await?;
    let store = Store {
        holds: Holds::Database,
        sqlite: Some(file),
        postgres: None,
        redis: None,
        files: None,
        page: None,
    };
    Ok(look(&store, &samples.canaries).await?.seen)
}

fn in_files(folder: &Path, samples: &Samples) -> Result<Seen, Error> {
    let fault = |error| Error::File(folder.to_owned(), error);
    std::fs::create_dir_all(folder).map_err(fault)?;
    for (at, value) in samples.values.iter().enumerate() {
        let before = vec![b'.'; if at % 2 == 0 { ACROSS_BYTES } else { 0 }];
        let whole = [before.as_slice(), value].concat();
        std::fs::write(folder.join(at.to_string()), whole).map_err(fault)?;
    }
    let mut seen = Seen::default();
    files(folder, &samples.canaries, &mut seen)?;
    Ok(seen)
}

fn half(text: &str, which: usize) -> Vec<u8> {
    let (first, second) = text.split_at(text.len() / 2);
    [first, second].get(which).map_or_else(Vec::new, |half| half.as_bytes().to_vec())
}

fn packed(done: io::Result<Vec<u8>>) -> Result<Vec<u8>, Error> {
    done.map_err(Error::Machine)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    packed(gzip.write_all(bytes).and_then(|()| gzip.finish()))
}

fn zlib(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    packed(zlib.write_all(bytes).and_then(|()| zlib.finish()))
}

/// One member of an archive.
fn zip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::best());
    let deflated = packed(deflate.write_all(bytes).and_then(|()| deflate.finish()))?;
    let mut head = b"PK\x03\x04\x14\0\0\0\x08\0".to_vec();
    head.resize(30, 0);
    if let Some(length) = head.get_mut(26) {
        *length = 4;
    }
    Ok([head.as_slice(), b"name", &deflated].concat())
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn in_base64(bytes: &[u8]) -> Vec<u8> {
    crate::scan::base64(0, bytes)
}

fn in_hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}
