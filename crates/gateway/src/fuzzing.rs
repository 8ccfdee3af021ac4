//! What must hold for any bytes whatever: asked by this crate's tests with a die, and by
//! `fuzz/` with a fuzzer that looks for what was not thought of.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a broken promise stops the fuzzer"
)]

use bytes::Bytes;
use serde_json::Value;

use crate::wire::anthropic::{self, Envelope, Failure, Target, Translator};
use crate::wire::ask::{Ask, Kind};
use crate::wire::ceiling::{Ceiling, CeilingName};
use crate::wire::last_user_text::last_user_text;
use crate::wire::meter::{Meter, Seen};
use crate::wire::splice::{Edits, splice};
use crate::wire::sse::{Broken, Event, Pass, Splitter};
use crate::wire::tally::Tally;
use crate::wire::usage::Usage;

/// A caller's body: read, changed byte for byte, translated. An edit keeps it valid and
/// keeps what was asked.
pub fn request(bytes: &[u8]) {
    for kind in [Kind::Chat, Kind::Embeddings] {
        let body = Bytes::copy_from_slice(bytes);
        if let Ok(ask) = Ask::parse(kind, &body) {
            let ceiling = (kind == Kind::Chat)
                .then_some(Ceiling { name: CeilingName::MaxCompletionTokens, tokens: 7 });
            let edits = Edits { model: Some("other"), include_usage: true, ceiling };
            let sent = splice(&body, &ask, edits).expect("the body is the ask's own");
            let again = Ask::parse(kind, &sent).expect("an edit keeps a body valid");
            assert_eq!(again.model, "other");
            assert!(!again.stream || again.wants_usage());
            if let Some(ceiling) = ceiling {
                let asked = ask.completion_tokens_at_most();
                assert_eq!(again.completion_tokens_at_most(), asked.or(Some(ceiling.tokens)));
                assert!(
                    again
                        .max_completion_tokens
                        .as_ref()
                        .is_some_and(|named| named.tokens.is_some())
                );
            }
            assert_eq!(last_user_text(&again), last_user_text(&ask));
        }
    }
    let target = Target { model: "m", max_tokens: 1 };
    if let Ok(sent) = anthropic::request(bytes, &target) {
        serde_json::from_slice::<Value>(&sent).expect("what we send is JSON");
    }
}

/// A provider's whole answer: metered, or translated to JSON.
pub fn answer(bytes: &[u8]) {
    if let Ok((answer, _)) = anthropic::answer(bytes, &ENVELOPE) {
        serde_json::from_slice::<Value>(&answer).expect("what we answer is JSON");
    }
    let _ = (Usage::of_json(bytes), Failure::of_json(bytes));
    Meter::default().see(bytes);
}

/// A provider's stream, passed through and metered: nothing depends on where a chunk ends.
/// The first byte says how long chunks are.
pub fn stream(bytes: &[u8]) {
    let Some((whole, cut)) = chunks(bytes) else { return };
    assert_eq!(relay(&cut), relay(&whole));
}

/// An Anthropic stream, translated: the same, and every line is an event.
pub fn anthropic_stream(bytes: &[u8]) {
    let Some((whole, cut)) = chunks(bytes) else { return };
    assert_eq!(translate(&cut), translate(&whole));
}

const ENVELOPE: Envelope<'static> = Envelope { id: "i", created: 0, model: "m" };

/// The stream in one piece, and cut.
fn chunks(bytes: &[u8]) -> Option<([Bytes; 1], Vec<Bytes>)> {
    let (len, stream) = bytes.split_first()?;
    let cut = stream.chunks(usize::from(*len).max(1)).map(Bytes::copy_from_slice).collect();
    Some(([Bytes::copy_from_slice(stream)], cut))
}

pub(crate) fn relay(chunks: &[Bytes]) -> (Vec<u8>, Tally, Result<Bytes, Broken>) {
    let (mut splitter, mut meter, mut out) = (Splitter::default(), Meter::default(), Vec::new());
    for chunk in chunks {
        let see = |event: Event<'_>| match event.data().map(|data| meter.see(&data)) {
            Some(Seen::UsageOnly | Seen::Failed) => Pass::Drop,
            _ => Pass::Keep,
        };
        out.extend(splitter.pass(chunk, see).expect("the stream is within its bounds"));
    }
    let end = splitter.finish(|_| Pass::Keep);
    (out, meter.tally().clone(), end)
}

pub(crate) fn translate(chunks: &[Bytes]) -> (Vec<u8>, Tally) {
    let (mut translator, mut out) = (Translator::new(&ENVELOPE, true), Vec::new());
    for chunk in chunks {
        out.extend(translator.pass(chunk).expect("the stream is within its bounds"));
    }
    for event in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let data = event.strip_prefix(b"data: ").expect("every line is data");
        assert!(data == b"[DONE]" || serde_json::from_slice::<Value>(data).is_ok());
    }
    (out, translator.tally().clone())
}
