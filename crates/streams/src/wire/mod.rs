//! What each kind of sink is sent, and what its answers mean.

mod answer;
mod bucket;
mod datadog;
mod sentinel;
mod splunk;
mod syslog;
mod webhook;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base::fetch::{Answer, Fetch, Request};
use base::hex;
use base::secret::Secret;
use base::time::At;
use sha2::{Digest as _, Sha256};

use self::answer::{bounded, failed, hidden};
use self::sentinel::Token;
use crate::item::{Item, Whose};
use crate::secrets::Secrets;
use crate::sink::{Known, SinkId};
use crate::target::Target;

/// How long one delivery may take as a whole.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of an answer at most: a sink has little to say.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why a sink did not take something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may pass: it is tried again, not before so long if the sink said how long.
    Later { why: Why, after: Option<Duration> },
    /// It will refuse the same again.
    Refused { why: Why },
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Why {
    /// In our words, with a status or a code: what an event says of it.
    pub(crate) ours: String,
    /// In the sink's own. They may quote what it was sent, and so a person: they stand only where
    /// an erasure clears them.
    theirs: String,
}

impl Trouble {
    /// What no sink said anything of.
    fn later(ours: impl Into<String>) -> Self {
        Self::later_as(ours, "")
    }

    fn later_as(ours: impl Into<String>, theirs: impl Into<String>) -> Self {
        Self::Later { why: Why::new(ours, theirs), after: None }
    }

    /// The same in other words.
    fn told(self, tell: impl Fn(String) -> String) -> Self {
        let told = |Why { ours, theirs }| Why::new(tell(ours), tell(theirs));
        match self {
            Self::Later { why, after } => Self::Later { why: told(why), after },
            Self::Refused { why } => Self::Refused { why: told(why) },
        }
    }

    pub(crate) fn why(self) -> Why {
        match self {
            Self::Later { why, .. } | Self::Refused { why } => why,
        }
    }
}

impl Why {
    pub(crate) fn new(ours: impl Into<String>, theirs: impl Into<String>) -> Self {
        Self { ours: ours.into(), theirs: theirs.into() }
    }

    /// All of it, in short.
    pub(crate) fn whole(&self) -> String {
        bounded(&format!("{} {}", self.ours, self.theirs))
    }
}

/// What sends.
#[derive(Debug)]
pub(crate) struct Wires {
    pub(crate) fetch: Fetch,
    /// Tokens of Sentinel, until they end.
    tokens: Mutex<HashMap<SinkId, Token>>,
}

/// A delivery: items in order, each with its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parcel<'a> {
    pub(crate) sink: &'a Known,
    pub(crate) secrets: Option<&'a Secrets>,
    pub(crate) whose: &'a Whose,
    pub(crate) items: &'a [Item],
    pub(crate) pieces: &'a [String],
    pub(crate) now: At,
}

impl Parcel<'_> {
    fn secret(&self) -> Result<&Secret, Trouble> {
        let secrets = self.secrets.ok_or_else(|| Trouble::later("the sink has no secret"))?;
        Ok(&secrets.now)
    }

    /// Every secret of the sink, the former one too.
    fn proofs(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.into_iter().flat_map(|secrets| {
            std::iter::once(&secrets.now).chain(secrets.before.as_ref().map(|(before, _)| before))
        })
    }

    /// The positions of the first and the last item.
    fn span(&self) -> (i64, i64) {
        let at = |item: Option<&Item>| item.map(|item| item.index).unwrap_or_default();
        (at(self.items.first()), at(self.items.last()))
    }

    fn array(&self) -> String {
        format!("[{}]", self.pieces.join(","))
    }

    fn lines(&self) -> String {
        self.pieces.join("\n")
    }
}

/// The first half of the SHA-256 of a body, as hex: the same body has the same name.
fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body).iter().take(16))
}

impl Wires {
    pub(crate) fn new(fetch: Fetch) -> Self {
        Self { fetch, tokens: Mutex::default() }
    }

    /// An item as it stands in a delivery to this sink.
    pub(crate) fn piece(sink: &Known, item: &Item, whose: &Whose, now: At) -> String {
        let line = sink.format.line(item, whose);
        match &sink.target {
            Target::Webhook { .. } | Target::S3 { .. } => line,
            Target::Splunk { index, .. } => {
                splunk::piece(sink.format, item, whose, &line, index.as_deref())
            }
            Target::Datadog { .. } => datadog::piece(item, whose, &line, now),
            Target::Syslog { .. } => syslog::piece(item, whose, &line),
            Target::Sentinel { .. } => sentinel::piece(sink.format, item, whose, &line),
        }
    }

    /// Asks over HTTP, within the bounds of a delivery.
    async fn ask(&self, whose: &Whose, request: Request) -> Result<Answer, Trouble> {
        let fetch = self.fetch.on_behalf_of(whose.org.as_str());
        let request = request.deadline(DEADLINE).body_bytes_max(ANSWER_BYTES_MAX);
        fetch.send(request).await.map_err(|error| failed(&error))
    }

    /// Sends, and says what the sink said.
    pub(crate) async fn send(&self, parcel: Parcel<'_>) -> Result<String, Trouble> {
        let said = match &parcel.sink.target {
            Target::Webhook { url } => webhook::send(self, parcel, url).await,
            Target::Splunk { url, .. } => splunk::send(self, parcel, url).await,
            Target::Datadog { site } => datadog::send(self, parcel, site).await,
            Target::S3 { .. } => bucket::send(self, parcel).await,
            Target::Syslog { host, port } => syslog::send(self, parcel, host, *port).await,
            Target::Sentinel { .. } => sentinel::send(self, parcel).await,
        };
        // Whole until here: what is hidden is hidden before the text is cut.
        let hide = |text: String| bounded(&hidden(text, parcel.proofs()));
        said.map(hide).map_err(|trouble| trouble.told(hide))
    }
}
