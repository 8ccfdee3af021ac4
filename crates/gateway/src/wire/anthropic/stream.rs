//! An Anthropic stream becomes an OpenAI one, event by event.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Envelope,
    failure::{ErrorObject, Failure},
    finish_reason,
    usage::Counts,
};
use crate::wire::{
    json::{Text, quoted},
    sse::{Broken, Pass, Splitter},
    tally::Tally,
    usage::{Usage, UsageObject},
};

/// Tools that one answer may call; a stream that calls more has lost its way.
const CALLS_AT_MOST: usize = 128;

/// Translates one stream.
#[derive(Debug)]
pub(crate) struct Translator {
    splitter: Splitter,
    tally: Tally,
    counts: Counts,
    failure: Option<Failure>,
    /// `data: {"id":…,"choices":`, the same for every chunk.
    head: String,
    /// The caller asked for the usage.
    include_usage: bool,
    calls: Vec<OpenCall>,
}

/// A call of a tool that is being written. Its position is its index in OpenAI's words.
#[derive(Debug)]
struct OpenCall {
    block: u64,
    written: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    message: Option<Start>,
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    usage: Option<Counts>,
    #[serde(borrow)]
    error: Option<ErrorObject<'a>>,
}

#[derive(Deserialize)]
struct Start {
    usage: Option<Counts>,
}

/// A block as it begins. Texts stay as JSON writes them and are passed on so.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
}

impl Translator {
    pub(crate) fn new(envelope: &Envelope<'_>, include_usage: bool) -> Self {
        let (id, model) = (quoted(envelope.id), quoted(envelope.model));
        let created = envelope.created;
        Self {
            splitter: Splitter::default(),
            tally: Tally::default(),
            counts: Counts::default(),
            failure: None,
            head: format!(
                r#"data: {{"id":{id},"object":"chat.completion.chunk","created":{created},"model":{model},"choices":"#
            ),
            include_usage,
            calls: Vec::new(),
        }
    }

    /// Translates what this chunk completes; nothing comes out after the stream has said that it is
    /// done or has failed.
    pub(crate) fn pass(&mut self, chunk: &Bytes) -> Result<Bytes, Broken> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let mut out = String::new();
        let passed = splitter.pass(chunk, |event| {
            if let Some(data) = event.data() {
                self.event(&data, &mut out);
            }
            Pass::Drop
        });
        self.splitter = splitter;
        passed.map(|_| Bytes::from(out))
    }

    /// How many events were complete so far.
    pub(crate) fn events(&self) -> u64 {
        self.splitter.events()
    }

    /// The provider closed the stream. It may, once it has said that it is done or has failed.
    pub(crate) fn finish(&self) -> Result<(), Broken> {
        if self.tally.done || self.failure.is_some() { Ok(()) } else { Err(Broken::Cut) }
    }

    /// What was seen so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The failure that the provider reported; the caller has already been told of it in the stream.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    fn event(&mut self, data: &[u8], out: &mut String) {
        if self.tally.done || self.failure.is_some() {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Event<'_>>(data) else { return };
        let block = event.index.unwrap_or(0);
        match &*event.kind.0 {
            "message_start" => {
                self.absorb(event.message.and_then(|message| message.usage));
                self.tally.begun = Some(Usage::from(self.counts));
                self.choice(out, r#"{"role":"assistant","content":"","refusal":null}"#, None);
            }
            "content_block_start" => {
                if let Some(start) = event.content_block {
                    self.start(out, block, &start);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.delta(out, block, &delta);
                }
            }
            "content_block_stop" => self.stop(out, block),
            "message_delta" => {
                self.absorb(event.usage);
                if event.usage.is_some() {
                    self.tally.usage = Some(self.counts.into());
                }
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    self.tally.finished = true;
                    self.choice(out, "{}", Some(finish_reason(&reason.0)));
                }
            }
            "message_stop" => self.end(out),
            "error" => self.fail(out, event.error),
            _ => {}
        }
    }

    fn start(&mut self, out: &mut String, block: u64, start: &Block<'_>) {
        match start.kind.as_ref().map(|kind| &*kind.0) {
            Some("text") => self.text(out, start.text),
            Some("tool_use") => {
                let (Some(id), Some(name)) = (start.id.filter(filled), start.name.filter(filled))
                else {
                    return;
                };
                if self.calls.len() >= CALLS_AT_MOST {
                    return;
                }
                let index = self.calls.len();
                self.calls.push(OpenCall { block, written: false });
                self.tally.delta(bytes(name));
                let delta = format!(
                    r#"{{"tool_calls":[{{"index":{index},"id":{id},"type":"function","function":{{"name":{name},"arguments":""}}}}]}}"#
                );
                self.choice(out, &delta, None);
                // Anthropic begins with `{}` and sends the input in pieces; others send it at once.
                if let Some(input) = start.input.filter(|input| !is_empty_object(input)) {
                    self.arguments(out, block, &quoted(input.get()));
                }
            }
            _ => {}
        }
    }

    fn delta(&mut self, out: &mut String, block: u64, delta: &Delta<'_>) {
        self.text(out, delta.text);
        if let Some(piece) = delta.partial_json.filter(filled) {
            self.arguments(out, block, piece.get());
        }
        // Paid for, but nothing that a caller of OpenAI's chat is shown.
        if let Some(thinking) = delta.thinking.filter(filled) {
            self.tally.delta(bytes(thinking));
        }
    }

    fn text(&mut self, out: &mut String, text: Option<&RawValue>) {
        if let Some(text) = text.filter(filled) {
            self.tally.delta(bytes(text));
            self.choice(out, &format!(r#"{{"content":{text}}}"#), None);
        }
    }

    /// A piece of a call's arguments, as a JSON string.
    fn arguments(&mut self, out: &mut String, block: u64, piece: &str) {
        let call = self.calls.iter_mut().enumerate().rfind(|(_, call)| call.block == block);
        let Some((index, call)) = call else { return };
        call.written = true;
        self.tally.delta(u64::try_from(piece.len().saturating_sub(2)).unwrap_or(0));
        let delta =
            format!(r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{piece}}}}}]}}"#);
        self.choice(out, &delta, None);
    }

    /// A call without input has to end as the text of an object, or clients fail to parse it.
    fn stop(&mut self, out: &mut String, block: u64) {
        if self.calls.iter().rfind(|call| call.block == block).is_some_and(|call| !call.written) {
            self.arguments(out, block, r#""{}""#);
        }
    }

    fn end(&mut self, out: &mut String) {
        self.tally.done = true;
        if self.include_usage {
            let usage = self.tally.usage.unwrap_or_else(|| self.counts.into());
            let usage = serde_json::to_string(&UsageObject::from(usage)).unwrap_or_default();
            let _ = write!(out, r#"{}[],"usage":{usage}}}"#, self.head);
            out.push_str("\n\n");
        }
        out.push_str("data: [DONE]\n\n");
    }

    fn fail(&mut self, out: &mut String, error: Option<ErrorObject<'_>>) {
        let failure = error.map_or_else(|| Failure::of_json(b""), Failure::from);
        out.push_str(&String::from_utf8_lossy(&failure.as_openai().to_event()));
        self.tally.failure = Some(failure.provider.clone());
        self.failure = Some(failure);
    }

    fn choice(&self, out: &mut String, delta: &str, finish: Option<&'static str>) {
        let (open, close) = if finish.is_some() { ("\"", "\"") } else { ("", "") };
        let finish = finish.unwrap_or("null");
        let usage = if self.include_usage { r#","usage":null"# } else { "" };
        // Writing to a `String` cannot fail.
        let _ = write!(
            out,
            r#"{}[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{open}{finish}{close}}}]{usage}}}"#,
            self.head
        );
        out.push_str("\n\n");
    }

    fn absorb(&mut self, counts: Option<Counts>) {
        self.counts.absorb(counts.unwrap_or_default());
    }
}

/// The bytes inside a JSON string; nothing else counts as text.
fn bytes(text: &RawValue) -> u64 {
    let inside = text.get().strip_prefix('"').map_or(0, |rest| rest.len().saturating_sub(1));
    u64::try_from(inside).unwrap_or(0)
}

fn filled(text: &&RawValue) -> bool {
    bytes(text) > 0
}

fn is_empty_object(input: &RawValue) -> bool {
    input.get().bytes().all(|byte| b"{} \r\n\t".contains(&byte))
}
