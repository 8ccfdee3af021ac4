//! A whole answer, until it may leave: bounded in size, in silence, in time, and in what all such
//! answers of the node hold together.

use std::time::Duration;

use base::bodies::{Bodies, Room};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use crate::catalogue::{Does, Model};
use crate::error::Error;
use crate::wire::anthropic::{self, Envelope};
use crate::wire::ask::Ask;
use crate::wire::usage::Usage;

/// Bytes of a whole chat completion at most.
const CHAT_MAX: usize = 32 << 20;
/// Bytes of embeddings at most: 2,048 inputs, as many as `OpenAI` takes, with 3,072 dimensions,
/// each a number on a line of its own.
const EMBEDDINGS_MAX: usize = 192 << 20;
/// Room for answers at least: beside the largest chat completion its translation, which can be
/// twice as large.
pub const ANSWERS_BYTES_MIN: usize = 4 * CHAT_MAX;
/// An answer that is no larger takes no room: its connections take as much by themselves.
const UNCOUNTED_MAX: usize = 4 << 10;
/// The room of an answer that does not say its length, until it is larger.
const GUESSED: usize = 256 << 10;
/// What such an answer has beside what has come, when there is no room for twice as much.
const STEP: usize = 1 << 20;
/// A provider whose answer waited so long for room may have broken it off for that.
const PATIENCE: Duration = Duration::from_millis(100);
/// What an answer is larger in another dialect, beside text that is escaped once more.
const FRAME_MAX: usize = 1 << 10;

/// How an answer is collected.
#[derive(Debug)]
pub(crate) struct Collect<'a> {
    room: &'a Bodies,
    max: usize,
    idle: Duration,
    most: Duration,
}

impl<'a> Collect<'a> {
    /// In silence it is bounded by `idle`, in all by `most`: it was written when its head came, so
    /// a provider that drips it is not writing. Time in which it waits for room does not count.
    pub(crate) fn new(room: &'a Bodies, does: Does, idle: Duration, most: Duration) -> Self {
        let max = match does {
            Does::Chat => CHAT_MAX,
            Does::Embeddings => EMBEDDINGS_MAX,
        };
        Self { room, max: max.min(room.largest()), idle, most }
    }

    /// The whole answer. It takes its room for as long as one of its bytes is held.
    pub(crate) async fn whole<B>(&self, mut body: B) -> Result<Bytes, Error>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let said = body.size_hint().exact().map(|said| usize::try_from(said).unwrap_or(usize::MAX));
        let (end, mut waited) = (Instant::now() + self.most, Duration::ZERO);
        let mut room = None;
        if let Some(said) = said {
            waited += self.make_room(&mut room, said, said).await?;
        }
        let mut first: Option<Bytes> = None;
        let mut whole = BytesMut::new();
        loop {
            let before = first.as_ref().map_or(whole.len(), Bytes::len);
            let until = (end + waited).min(Instant::now() + self.idle);
            let next = timeout_at(until, body.frame()).await;
            match next.map_err(|_| Error::ProviderTooSlow)? {
                None => break,
                Some(Err(_)) if waited >= PATIENCE => return Err(full(before)),
                Some(Err(_)) => return Err(Error::ProviderFailed),
                Some(Ok(frame)) => {
                    let Ok(chunk) = frame.into_data() else { continue };
                    let size = before.saturating_add(chunk.len());
                    waited += self.make_room(&mut room, size, twice(size)).await?;
                    if first.is_none() && whole.is_empty() {
                        first = Some(chunk);
                    } else {
                        if let Some(first) = first.take() {
                            whole.reserve(said.unwrap_or(size));
                            whole.extend_from_slice(&first);
                        }
                        whole.extend_from_slice(&chunk);
                    }
                }
            }
        }
        Ok(held(room, first.unwrap_or_else(|| whole.freeze())))
    }

    /// The same answer in `OpenAI`'s words. While both are held, both take room.
    pub(crate) async fn translated(
        &self,
        answer: Bytes,
        envelope: &Envelope<'_>,
    ) -> Result<(Bytes, Usage), Error> {
        let mut room = None;
        // No byte becomes more than two.
        let size = answer.len().saturating_mul(2).saturating_add(FRAME_MAX);
        if size > UNCOUNTED_MAX {
            let found = self.room.take(size).await;
            room = Some(found.ok_or_else(|| Error::AnswersFull {
                bytes: answer.len(),
                usage: anthropic::used(&answer),
            })?);
        }
        let (copy, usage) =
            anthropic::answer(&answer, envelope).map_err(|_| Error::ProviderFailed)?;
        Ok((held(room, copy), usage))
    }

    /// Makes `room` for an answer of `size` bytes, and so much that it has `better` where that is
    /// free. How long that took.
    async fn make_room(
        &self,
        room: &mut Option<Room>,
        size: usize,
        better: usize,
    ) -> Result<Duration, Error> {
        if size > self.max {
            return Err(Error::AnswerTooLarge { bytes: size, bytes_max: self.max });
        }
        if size <= room.as_ref().map_or(UNCOUNTED_MAX, Room::bytes) {
            return Ok(Duration::ZERO);
        }
        let asked = Instant::now();
        let best = better.min(self.max);
        let least = best.min(size.saturating_add(STEP));
        let found = match room.take() {
            None => self.room.take(least).await,
            Some(room) => self.room.grow(room, least, best).await,
        };
        *room = Some(found.ok_or_else(|| full(size))?);
        Ok(asked.elapsed())
    }
}

/// The bytes with the room that they take, if they take any.
fn held(room: Option<Room>, bytes: Bytes) -> Bytes {
    match room {
        Some(room) => room.hold(bytes),
        None => bytes,
    }
}

/// There is no room for an answer of which so many bytes have come.
fn full(bytes: usize) -> Error {
    Error::AnswersFull { bytes, usage: None }
}

/// What an answer takes that is still coming.
fn twice(size: usize) -> usize {
    size.saturating_mul(2).max(GUESSED)
}

/// Tokens of an answer that was not taken: a token is about four bytes, and there are not more than
/// the caller, or else the model, allows.
pub(crate) fn written(error: &Error, model: &Model, ask: &Ask<'_>) -> u64 {
    let (Error::AnswerTooLarge { bytes, .. } | Error::AnswersFull { bytes, .. }) = error else {
        return 0;
    };
    let most = match model.does {
        Does::Embeddings => 0,
        Does::Chat => ask.completion_tokens_at_most().unwrap_or(model.max_output_tokens),
    };
    let tokens = u64::try_from(*bytes).unwrap_or(u64::MAX).div_ceil(4);
    tokens.min(most.saturating_mul(u64::from(ask.n)))
}

#[cfg(test)]
mod tests;
