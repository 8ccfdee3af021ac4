//! What each kind of sink is sent, and what its answers mean.

mod answer;
mod bucket;
mod datadog;
mod post;
mod sentinel;
mod splunk;
mod syslog;
mod webhook;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base::fetch::Fetch;
use base::secret::Secret;
use base::time::At;
use sha2::{Digest as _, Sha256};

pub(crate) use self::answer::bounded;
use crate::item::{Item, Whose};
use crate::secrets::Secrets;
use crate::sink::{Known, SinkId};
use crate::target::Target;

/// How long one delivery may take as a whole.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Why a sink did not take something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may pass: it is tried again, not before so long if the sink said how long.
    Later { why: String, after: Option<Duration> },
    /// It will refuse the same again.
    Refused { why: String },
}

impl Trouble {
    fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }

    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Later { why, .. } | Self::Refused { why } => why,
        }
    }
}

/// What sends.
#[derive(Debug)]
pub(crate) struct Wires {
    pub(crate) fetch: Fetch,
    /// Tokens of Sentinel, until they end.
    tokens: Mutex<HashMap<SinkId, (Secret, At)>>,
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
    let digest = Sha256::digest(body);
    digest.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _infallible = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
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
        // A sink that says our own secret is not repeated.
        let hide = |text: String| match parcel.secrets {
            Some(secrets) => bounded(&text.replace(secrets.now.reveal(), "[secret]")),
            None => bounded(&text),
        };
        match said {
            Ok(said) => Ok(hide(said)),
            Err(Trouble::Refused { why }) => Err(Trouble::Refused { why: hide(why) }),
            Err(Trouble::Later { why, after }) => Err(Trouble::Later { why: hide(why), after }),
        }
    }
}
