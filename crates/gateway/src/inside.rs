//! Asking from inside this process: the same call as at the door, with the same permit,
//! limits, region and record, and at its end what the record says of it.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use access::Caller;
use audit::{CallFacts, Outcome};
use axum::body::Body;
use axum::response::IntoResponse as _;
use base::problem::Problem;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde::Deserialize;

use crate::Gateway;
use crate::catalogue::Does;
use crate::reply::RECEIPT;
use crate::wire::ask::Kind;
use crate::wire::sse::{Event, Pass, Splitter};
use crate::wire::tally::ProviderFailure;

/// How a call ended, as its outcome in the record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// What it was made of and cost.
    pub facts: CallFacts,
    /// Whether it ended well.
    pub outcome: Outcome,
}

/// Where a call tells its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(Arc<OnceLock<Ended>>);

impl Ending {
    /// A call ends once.
    pub(crate) fn set(&self, ended: Ended) {
        drop(self.0.set(ended));
    }
}

/// A name that a caller may chat with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What goes into `model`.
    pub name: String,
    /// It is answered by the patterns of the org, not by a provider of its own.
    pub embedded: bool,
    /// It is what patterns use that name no model.
    pub default: bool,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that may be shown: the intent is on disk.
    Text(String),
    /// Nothing new: the provider is still at it.
    Alive,
    /// The answer broke off, with a stable code and a sentence.
    Broken {
        /// `provider_failed`, `record_unavailable` …
        code: String,
        /// What people read.
        detail: String,
    },
    /// The answer is complete, and its outcome is on disk.
    Complete,
}

/// An answer while it comes. Dropped before its end, the provider is dropped too, and what
/// was produced is settled and recorded as aborted.
#[derive(Debug)]
pub struct Hearing {
    receipt: String,
    body: Body,
    splitter: Splitter,
    heard: VecDeque<Piece>,
    ending: Ending,
}

impl Gateway {
    /// Answers a chat completion whose body says `"stream": true`, for a room above. A refusal
    /// that was recorded as a call has the call's id in its `portico-receipt` header.
    pub async fn chat(&self, caller: &Caller, body: Bytes) -> Result<Hearing, Problem> {
        let response = self.ask(caller, Kind::Chat, body).await?.into_response();
        let receipt = response.headers().get(RECEIPT).and_then(|id| id.to_str().ok());
        let receipt = receipt.unwrap_or_default().to_owned();
        let ending = response.extensions().get::<Ending>().cloned().unwrap_or_default();
        let (splitter, heard) = (Splitter::default(), VecDeque::new());
        Ok(Hearing { receipt, body: response.into_body(), splitter, heard, ending })
    }

    /// What this caller may chat with: the patterns of the org first, then models.
    pub async fn choices(&self, caller: &Caller) -> Result<Vec<Choice>, Problem> {
        let default = self.0.catalogue.load().default_model.clone();
        let embedded = self.runnable(caller).await?.into_iter();
        let embedded = embedded.map(|name| Choice { name, embedded: true, default: false });
        let models = self.callable(caller).into_iter().filter(|model| model.does == Does::Chat);
        let models = models.map(|model| Choice {
            name: model.name.clone(),
            embedded: false,
            default: default.as_ref() == Some(&model.name),
        });
        Ok(embedded.chain(models).collect())
    }
}

impl Hearing {
    /// The id of the call.
    pub fn receipt(&self) -> &str {
        &self.receipt
    }

    /// The next piece; none behind the end.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.heard.pop_front() {
                return Some(piece);
            }
            // The body of a reply does not fail: a stream that breaks says so in its last event.
            let chunk = self.body.frame().await?.ok()?.into_data().ok()?;
            let heard = &mut self.heard;
            let mut text = String::new();
            let split = self.splitter.pass(&chunk, |event| {
                match hear(event) {
                    Some(Piece::Text(more)) => text.push_str(&more),
                    Some(other) => {
                        let before = std::mem::take(&mut text);
                        heard.extend((!before.is_empty()).then_some(Piece::Text(before)));
                        heard.push_back(other);
                    }
                    None => {}
                }
                Pass::Drop
            });
            heard.extend((!text.is_empty()).then_some(Piece::Text(text)));
            if split.is_err() {
                return None;
            }
            if heard.is_empty() {
                return Some(Piece::Alive);
            }
        }
    }

    /// Ends the call if it is still going, and says how it ended.
    pub fn end(self) -> Option<Ended> {
        let Self { body, ending, .. } = self;
        drop(body);
        ending.0.get().cloned()
    }
}

/// What one event of the stream says to a reader.
fn hear(event: Event<'_>) -> Option<Piece> {
    #[derive(Deserialize)]
    struct Chunk {
        #[serde(default)]
        choices: Vec<Choices>,
        error: Option<serde_json::Value>,
    }
    #[derive(Deserialize)]
    struct Choices {
        delta: Option<Delta>,
    }
    #[derive(Deserialize)]
    struct Delta {
        content: Option<String>,
        refusal: Option<String>,
    }
    let data = event.data()?;
    if data.trim_ascii() == b"[DONE]" {
        return Some(Piece::Complete);
    }
    let chunk = serde_json::from_slice::<Chunk>(&data).ok()?;
    if let Some(error) = chunk.error {
        let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
        let code = text("code").unwrap_or("provider_failed").to_owned();
        let detail = text("message").unwrap_or("the answer broke off").to_owned();
        return Some(Piece::Broken { code, detail });
    }
    let delta = chunk.choices.into_iter().next()?.delta?;
    delta.content.or(delta.refusal).filter(|text| !text.is_empty()).map(Piece::Text)
}

/// Why a provider refused, in its own words, if a problem has any.
pub fn provider_words(problem: &Problem) -> Option<String> {
    let words = problem.get("provider")?.as_str()?;
    let failure = ProviderFailure::of_json(words.as_bytes())?;
    Some(failure.message).filter(|message| !message.is_empty())
}
