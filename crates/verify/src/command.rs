//! `portico verify`.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::check::{Options, check};
use crate::erasure::{Erasure, KIND, erasure};
use crate::fault::{Fault, FaultKind};
use crate::key::VerifierKey;
use crate::note::NOTE_BYTES_MAX;
use crate::outside::Outside;
use crate::receipt::{NotProven, RECEIPT_BYTES_MAX, Receipt, receipt};
use crate::residency::{self, Residency, residency};
use crate::unreadable::Unreadable;
use crate::verdict::Verdict;

/// Exit code: nothing is wrong.
pub const SOUND: u8 = 0;
/// Exit code: a fault was found.
pub const FAULT: u8 = 1;
/// Exit code: there was nothing that could be judged.
pub const UNREADABLE: u8 = 2;

/// Bytes that say what a file is.
const KIND_BYTES_MAX: u64 = 32;

/// Arguments of `portico verify`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The evidence bundle, the receipt of a call or of an erasure, or the statement of an
    /// attestation.
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

/// What a file was found to be, and whether it is sound.
enum Judged {
    Bundle(Box<Verdict>),
    Receipt(Box<Receipt>),
    Erasure(Erasure),
    Residency(Box<Residency>),
    /// A receipt with this fault.
    Fault(Fault),
}

impl Args {
    /// Judges, writes the verdict, and returns the exit code.
    pub fn run(&self, out: &mut impl Write) -> io::Result<u8> {
        let judged = self.options().and_then(|options| {
            let kind = start(&self.bundle, KIND_BYTES_MAX)?;
            let is = |kind_of: &str| kind.starts_with(kind_of.as_bytes());
            if is(KIND) {
                return Ok(Judged::of_erasure(&start(&self.bundle, NOTE_BYTES_MAX + 1)?, &options));
            }
            if is(residency::KIND) {
                let note = start(&self.bundle, NOTE_BYTES_MAX + 1)?;
                return Ok(Judged::of_residency(&note, &options));
            }
            if kind.starts_with(b"{") {
                return Judged::of_receipt(&start(&self.bundle, RECEIPT_BYTES_MAX + 1)?, &options);
            }
            Ok(Judged::Bundle(Box::new(check(open(&self.bundle)?, &options)?)))
        });
        match judged {
            Ok(judged) if self.json => judged.json(out),
            Ok(judged) => judged.words(&self.bundle, out),
            Err(unreadable) => {
                if self.json {
                    let words = unreadable.to_string();
                    writeln!(out, "{}", json!({ "unreadable": words }))?;
                } else {
                    writeln!(out, "UNREADABLE {}: {unreadable}", self.bundle.display())?;
                }
                Ok(UNREADABLE)
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

impl Judged {
    fn of_receipt(bytes: &[u8], options: &Options) -> Result<Self, Unreadable> {
        match receipt(bytes, options) {
            Ok(receipt) => Ok(Self::Receipt(Box::new(receipt))),
            Err(NotProven::Fault(fault)) => Ok(Self::Fault(fault)),
            Err(NotProven::Unreadable(unreadable)) => Err(unreadable),
        }
    }

    fn of_erasure(bytes: &[u8], options: &Options) -> Self {
        erasure(bytes, &options.trusted)
            .map_or_else(|words| Self::Fault(FaultKind::Erasure.because(words)), Self::Erasure)
    }

    fn of_residency(bytes: &[u8], options: &Options) -> Self {
        match residency(bytes, &options.trusted) {
            Ok(residency) => Self::Residency(Box::new(residency)),
            Err(words) => Self::Fault(FaultKind::Residency.because(words)),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Bundle(verdict) if !verdict.sound => FAULT,
            Self::Bundle(_) | Self::Receipt(_) | Self::Erasure(_) | Self::Residency(_) => SOUND,
            Self::Fault(_) => FAULT,
        }
    }

    fn json(&self, out: &mut impl Write) -> io::Result<u8> {
        let told = match self {
            Self::Bundle(verdict) => serde_json::to_string_pretty(verdict)?,
            Self::Receipt(receipt) => serde_json::to_string_pretty(receipt)?,
            Self::Erasure(erasure) => serde_json::to_string_pretty(erasure)?,
            Self::Residency(residency) => serde_json::to_string_pretty(residency)?,
            Self::Fault(fault) => {
                serde_json::to_string_pretty(&json!({ "sound": false, "fault": fault }))?
            }
        };
        writeln!(out, "{told}")?;
        Ok(self.code())
    }

    fn words(&self, name: &Path, out: &mut impl Write) -> io::Result<u8> {
        match self {
            Self::Bundle(verdict) => write!(out, "{verdict}")?,
            Self::Receipt(receipt) => write!(out, "{receipt}")?,
            Self::Erasure(erasure) => write!(out, "{erasure}")?,
            Self::Residency(residency) => write!(out, "{residency}")?,
            Self::Fault(fault) => writeln!(out, "FAULT {}: {}", name.display(), fault.words)?,
        }
        Ok(self.code())
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Unreadable> {
    let given = |cause: io::Error| Unreadable::Given {
        name: path.display().to_string(),
        words: cause.to_string(),
    };
    Ok(BufReader::new(File::open(path).map_err(given)?))
}

/// The first bytes of a file, at most this many.
fn start(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Unreadable> {
    let mut start = Vec::new();
    open(path)?.take(bytes_max).read_to_end(&mut start)?;
    Ok(start)
}

/// A checkpoint, or the one in a bundle.
fn outside(path: &Path) -> Result<Outside, Unreadable> {
    let name = path.display().to_string();
    let start = start(path, NOTE_BYTES_MAX + 1)?;
    if start.starts_with(b"PK") {
        return Outside::of_bundle(&name, open(path)?);
    }
    Outside::parse(&name, &start)
}
