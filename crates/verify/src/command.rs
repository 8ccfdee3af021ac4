//! `portico verify`.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use crate::check::{Options, check};
use crate::erasure::{KIND, erasure};
use crate::key::VerifierKey;
use crate::note::NOTE_BYTES_MAX;
use crate::outside::Outside;
use crate::unreadable::Unreadable;

/// Exit code: nothing is wrong.
pub const SOUND: u8 = 0;
/// Exit code: a fault was found.
pub const FAULT: u8 = 1;
/// Exit code: there was nothing that could be judged.
pub const UNREADABLE: u8 = 2;

/// Arguments of `portico verify`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The evidence bundle, or the receipt of an erasure.
    bundle: PathBuf,
    /// A checkpoint that you hold, from a witness or an earlier receipt; or an earlier bundle.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// A key that you know, of the log or of a witness: `name+id+base64`.
    #[arg(long = "key", value_name = "VKEY")]
    keys: Vec<VerifierKey>,
    /// A file with such keys, one a line.
    #[arg(long = "keys", value_name = "FILE")]
    key_files: Vec<PathBuf>,
    /// Seconds that clocks may differ.
    #[arg(long, default_value_t = crate::SKEW_SECS)]
    skew_secs: u64,
    /// Print the verdict as JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Judges, writes the verdict, and returns the exit code.
    pub fn run(&self, out: &mut impl Write) -> io::Result<u8> {
        if let Ok(Some(receipt)) = receipt(&self.bundle) {
            return self.run_on_receipt(&receipt, out);
        }
        let judged = self.options().and_then(|options| {
            let bundle = open(&self.bundle)?;
            check(bundle, &options)
        });
        let verdict = match judged {
            Ok(verdict) => verdict,
            Err(unreadable) => {
                let (words, bundle) = (unreadable.to_string(), self.bundle.display());
                if self.json {
                    writeln!(out, "{}", serde_json::json!({ "unreadable": words }))?;
                } else {
                    writeln!(out, "UNREADABLE {bundle}: {words}")?;
                }
                return Ok(UNREADABLE);
            }
        };
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &verdict)?;
            writeln!(out)?;
        } else {
            write!(out, "{verdict}")?;
        }
        Ok(if verdict.sound { SOUND } else { FAULT })
    }

    /// Judges the receipt of an erasure.
    fn run_on_receipt(&self, receipt: &[u8], out: &mut impl Write) -> io::Result<u8> {
        let judged = match self.options() {
            Ok(options) => erasure(receipt, &options.trusted).map_err(str::to_owned),
            Err(unreadable) => Err(unreadable.to_string()),
        };
        match judged {
            Ok(judged) => {
                if self.json {
                    writeln!(out, "{}", serde_json::to_string_pretty(&judged)?)?;
                } else {
                    write!(out, "{judged}")?;
                }
                Ok(SOUND)
            }
            Err(words) => {
                if self.json {
                    writeln!(out, "{}", serde_json::json!({ "fault": words }))?;
                } else {
                    writeln!(out, "FAULT {}: {words}", self.bundle.display())?;
                }
                Ok(FAULT)
            }
        }
    }

    fn options(&self) -> Result<Options, Unreadable> {
        let mut trusted = self.keys.clone();
        for path in &self.key_files {
            let given =
                |words: String| Unreadable::Given { name: path.display().to_string(), words };
            let mut text = String::new();
            let mut bounded = open(path)?.take(NOTE_BYTES_MAX);
            bounded.read_to_string(&mut text).map_err(|cause| given(cause.to_string()))?;
            for line in text.lines().filter(|line| !line.is_empty()) {
                let key: Result<VerifierKey, _> = line.parse();
                trusted.push(key.map_err(|cause| given(cause.to_string()))?);
            }
        }
        let outside: Result<_, _> = self.checkpoints.iter().map(|path| outside(path)).collect();
        Ok(Options { outside: outside?, trusted, skew_secs: self.skew_secs })
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Unreadable> {
    let given = |cause: io::Error| Unreadable::Given {
        name: path.display().to_string(),
        words: cause.to_string(),
    };
    Ok(BufReader::new(File::open(path).map_err(given)?))
}

/// The receipt of an erasure, if that is what the file is.
fn receipt(path: &Path) -> Result<Option<Vec<u8>>, Unreadable> {
    let mut start = Vec::new();
    open(path)?.take(NOTE_BYTES_MAX + 1).read_to_end(&mut start)?;
    Ok(start.starts_with(KIND.as_bytes()).then_some(start))
}

/// A checkpoint, or the one in a bundle.
fn outside(path: &Path) -> Result<Outside, Unreadable> {
    let name = path.display().to_string();
    let mut start = Vec::new();
    open(path)?.take(NOTE_BYTES_MAX + 1).read_to_end(&mut start)?;
    if start.starts_with(b"PK") {
        return Outside::of_bundle(&name, open(path)?);
    }
    Outside::parse(&name, &start)
}
