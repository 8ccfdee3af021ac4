//! The wire of a streamed answer, in the language of its endpoint: passes chunks on,
//! keeps the tally, and holds back the end.

use bytes::Bytes;

use crate::wire::anthropic::Translator;
use crate::wire::meter::{Meter, Seen};
use crate::wire::sse::{Pass, Splitter};
use crate::wire::tally::Tally;

/// One streamed answer.
#[derive(Debug)]
pub(crate) enum Wire {
    /// Passed on byte for byte, save for usage that the caller did not ask for.
    Openai { splitter: Splitter, meter: Box<Meter>, wants_usage: bool },
    /// Translated.
    Anthropic(Box<Translator>),
}

/// What a chunk brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// More may come.
    On(Bytes),
    /// The answer is complete; its `[DONE]` is not in the bytes.
    Done(Bytes),
    /// The provider failed or broke off.
    Failed(Bytes),
}

/// How a stream says that it is complete.
pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";

impl Wire {
    pub(crate) fn openai(wants_usage: bool) -> Self {
        Self::Openai { splitter: Splitter::default(), meter: Box::default(), wants_usage }
    }

    pub(crate) fn pass(&mut self, chunk: &Bytes) -> Went {
        match self {
            Self::Openai { splitter, meter, wants_usage } => {
                let (mut done, mut failed) = (false, false);
                let wants_usage = *wants_usage;
                let kept = splitter.pass(chunk, |event| {
                    let Some(data) = event.data() else { return Pass::Keep };
                    if done || failed {
                        return Pass::Drop;
                    }
                    match meter.see(&data) {
                        Seen::Choice | Seen::Other => Pass::Keep,
                        Seen::UsageOnly if wants_usage => Pass::Keep,
                        Seen::UsageOnly => Pass::Drop,
                        Seen::Done => {
                            done = true;
                            Pass::Drop
                        }
                        Seen::Failed => {
                            failed = true;
                            Pass::Drop
                        }
                    }
                });
                match kept {
                    Ok(bytes) if failed => Went::Failed(bytes),
                    Ok(bytes) if done => Went::Done(bytes),
                    Ok(bytes) => Went::On(bytes),
                    Err(_) => Went::Failed(Bytes::new()),
                }
            }
            Self::Anthropic(translator) => match translator.pass(chunk) {
                Ok(bytes) if translator.failure().is_some() => Went::Failed(bytes),
                Ok(bytes) if translator.tally().done => Went::Done(
                    bytes.strip_suffix(DONE).map_or(bytes.clone(), |b| bytes.slice_ref(b)),
                ),
                Ok(bytes) => Went::On(bytes),
                Err(_) => Went::Failed(Bytes::new()),
            },
        }
    }

    /// The provider closed the stream.
    pub(crate) fn finish(&mut self) -> Went {
        match self {
            Self::Openai { splitter, meter, .. } => {
                let ended = splitter.finish(|event| {
                    if let Some(data) = event.data() {
                        meter.see(&data);
                    }
                    Pass::Drop
                });
                // Some providers forget `[DONE]`; a reason for the end is as good.
                let complete = meter.tally().done || meter.tally().finished;
                if ended.is_ok() && complete {
                    Went::Done(Bytes::new())
                } else {
                    Went::Failed(Bytes::new())
                }
            }
            Self::Anthropic(translator) => match translator.finish() {
                Ok(()) => Went::Done(Bytes::new()),
                Err(_) => Went::Failed(Bytes::new()),
            },
        }
    }

    /// How many events of the provider were complete so far, comments among them.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Openai { splitter, .. } => splitter.events(),
            Self::Anthropic(translator) => translator.events(),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        match self {
            Self::Openai { meter, .. } => meter.tally(),
            Self::Anthropic(translator) => translator.tally(),
        }
    }
}
