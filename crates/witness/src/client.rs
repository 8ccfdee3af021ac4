//! Asking a witness, as a node does for each checkpoint that it publishes.

use std::time::Duration;

use base::fetch::{Answer, Failed, Fetch, Request as Asked};
use http::header::CONTENT_TYPE;
use tlog::note::Signature;
use tlog::witness::{Malformed, Request, SIZE_TYPE, Unanswered, cosignatures, known_size};
use tlog::{Checkpoint, Hash, Note, Verifier};

/// How long one request may take: the witness writes to its disk meanwhile.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);
/// How long asking may take as a whole: two requests and the making of their proofs.
const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of an answer: room for a dozen cosignatures of ML-DSA-44.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Requests about one checkpoint: the second has the size that the first was told.
const ATTEMPTS: usize = 2;

/// A witness, as a node knows it.
#[derive(Debug, Clone)]
pub struct Client {
    url: String,
    keys: Vec<Verifier>,
    fetch: Fetch,
}

/// A line that a witness left, verified over the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The line, for [`Note::add`].
    pub signature: Signature,
    /// The time that it states, in seconds since 1970.
    pub time_secs: Option<u64>,
}

/// Why there is no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum Unwitnessed<E: std::error::Error + 'static> {
    /// The proof could not be made.
    #[error("the consistency proof could not be made")]
    NoProof(#[source] E),
    /// What we would send is no request.
    #[error("the request cannot be made")]
    NoRequest(#[source] Malformed),
    /// The witness could not be asked.
    #[error("the witness could not be asked")]
    Unreachable(#[source] Failed),
    /// All in all it took too long.
    #[error("the witness was not asked in time")]
    TooSlow,
    /// The witness has cosigned a larger tree than this: the log was set back, or another node
    /// is ahead of this one.
    #[error("the witness has seen {known} entries, this checkpoint has {size}")]
    #[expect(missing_docs, reason = "the words say it")]
    Ahead { known: u64, size: u64 },
    /// The witness has cosigned another root at this size.
    #[error("the witness has seen another root at this size: the log has forked")]
    Forked,
    /// The witness does not find that the tree continues what it has seen.
    #[error("the witness does not find that this tree continues what it has seen")]
    Inconsistent,
    /// Its size changed between two requests: another node asks it too.
    #[error("the size that the witness has seen changes while it is asked")]
    Busy,
    /// The witness was not told to watch this log.
    #[error("the witness does not watch this log")]
    UnknownLog,
    /// The witness knows no key that signed the checkpoint.
    #[error("the witness does not know the key that signed the checkpoint")]
    UnknownKey,
    /// The answer is none that the specification knows.
    #[error("the witness answered with the status {0}")]
    Status(u16),
    /// It said yes, but what it signed is not to be believed.
    #[error("the answer of the witness is worth nothing")]
    Worthless(#[source] Unanswered),
}

impl<E: std::error::Error + 'static> Unwitnessed<E> {
    /// Whether no witness answered: it says nothing of this log or of any other.
    pub fn is_silence(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TooSlow | Self::Status(_) => true,
            Self::Ahead { .. }
            | Self::Forked
            | Self::Inconsistent
            | Self::NoProof(_)
            | Self::NoRequest(_)
            | Self::Busy
            | Self::UnknownLog
            | Self::UnknownKey
            | Self::Worthless(_) => false,
        }
    }

    /// Whether the witness contradicts the log, so that somebody must look at once.
    pub fn is_contradiction(&self) -> bool {
        match self {
            Self::Ahead { .. } | Self::Forked | Self::Inconsistent => true,
            Self::NoProof(_)
            | Self::NoRequest(_)
            | Self::Unreachable(_)
            | Self::TooSlow
            | Self::Busy
            | Self::UnknownLog
            | Self::UnknownKey
            | Self::Status(_)
            | Self::Worthless(_) => false,
        }
    }
}

/// What one request led to.
enum Said {
    Cosigned(Vec<Cosignature>),
    Knows(u64),
}

impl Client {
    /// A witness with this submission prefix, and the keys that it is known by.
    pub fn new(url: &str, keys: Vec<Verifier>, fetch: Fetch) -> Result<Self, Failed> {
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        fetch.check(&url)?;
        Ok(Self { url, keys, fetch })
    }

    /// Asks for cosignatures under a checkpoint that its log has signed. `old` is the size that
    /// the witness is thought to have seen last, 0 if that is not known; `prove` makes the
    /// proof that the checkpoint continues the tree of a size above 0 and below its own.
    pub async fn submit<E, P, F>(
        &self,
        note: &Note,
        old: u64,
        prove: P,
    ) -> Result<Vec<Cosignature>, Unwitnessed<E>>
    where
        E: std::error::Error + 'static,
        P: Fn(u64) -> F,
        F: Future<Output = Result<Vec<Hash>, E>>,
    {
        let asking = self.ask(note, old, prove);
        tokio::time::timeout(DEADLINE, asking).await.unwrap_or(Err(Unwitnessed::TooSlow))
    }

    async fn ask<E, P, F>(
        &self,
        note: &Note,
        old: u64,
        prove: P,
    ) -> Result<Vec<Cosignature>, Unwitnessed<E>>
    where
        E: std::error::Error + 'static,
        P: Fn(u64) -> F,
        F: Future<Output = Result<Vec<Hash>, E>>,
    {
        let checkpoint = Checkpoint::parse(note.text())
            .map_err(|why| Unwitnessed::NoRequest(Malformed::Checkpoint(why)))?;
        let size = checkpoint.size();
        let mut known = old;
        for _ in 0..ATTEMPTS {
            if known > size {
                return Err(Unwitnessed::Ahead { known, size });
            }
            let path = match known {
                0 => Vec::new(),
                same if same == size => Vec::new(),
                smaller => prove(smaller).await.map_err(Unwitnessed::NoProof)?,
            };
            let request =
                Request::new(known, path, note.clone()).map_err(Unwitnessed::NoRequest)?;
            match self.once(&request).await? {
                Said::Cosigned(lines) => return Ok(lines),
                Said::Knows(other) => known = other,
            }
        }
        if known > size { Err(Unwitnessed::Ahead { known, size }) } else { Err(Unwitnessed::Busy) }
    }

    async fn once<E>(&self, request: &Request) -> Result<Said, Unwitnessed<E>>
    where
        E: std::error::Error + 'static,
    {
        let asked = Asked::post(&self.url, "text/plain; charset=utf-8", request.to_string())
            .deadline(REQUEST_DEADLINE)
            .body_bytes_max(ANSWER_BYTES_MAX);
        let answer = self.fetch.send(asked).await.map_err(Unwitnessed::Unreachable)?;
        match answer.status.as_u16() {
            200 => self.believe(request, &answer).map(Said::Cosigned),
            403 => Err(Unwitnessed::UnknownKey),
            404 => Err(Unwitnessed::UnknownLog),
            409 if is_size(&answer) => known_size(&answer.body)
                .filter(|known| *known != request.old())
                .map(Said::Knows)
                .ok_or(Unwitnessed::Status(409)),
            409 => Err(Unwitnessed::Forked),
            422 => Err(Unwitnessed::Inconsistent),
            other => Err(Unwitnessed::Status(other)),
        }
    }

    fn believe<E>(
        &self,
        request: &Request,
        answer: &Answer,
    ) -> Result<Vec<Cosignature>, Unwitnessed<E>>
    where
        E: std::error::Error + 'static,
    {
        let found = cosignatures(&answer.body, request.note().text(), &self.keys);
        let found = found.map_err(Unwitnessed::Worthless)?;
        let found = found.into_iter();
        Ok(found
            .map(|(signature, by)| Cosignature { signature, time_secs: by.time_secs })
            .collect())
    }
}

fn is_size(answer: &Answer) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(SIZE_TYPE)
}
