//! One turn of a model: the call, what comes of it, and what is kept.
//!
//! ```text
//! question kept ─► gateway ─pieces─► reader
//!                     │                └ leaves: the call is aborted
//!                     └ end ─► facts of the record ─► answer kept, turn given back
//! ```

use std::time::Duration;

use access::Scope;
use audit::Change;
use base::args;
use base::money::NanoCents;
use base::problem::Problem;
use bytes::Bytes;
use gateway::{Hearing, Piece, provider_words};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::kept::{ConversationId, Ending, Message, MessageId, Provenance, Role};
use crate::talk::Step;
use crate::{Chat, events, sql};

/// An answer takes this long at most; then it is stopped.
pub(crate) const ANSWERING_MAX: Duration = Duration::from_mins(5);
/// Bytes of an answer at most; then it is stopped.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// One turn, taken.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) chat: Chat,
    pub(crate) scope: Scope,
    pub(crate) conversation: ConversationId,
    /// The id of the answer to come; the conversation holds it while the turn lasts.
    pub(crate) answer: MessageId,
    pub(crate) position: i64,
    /// The answer that is to be replaced, and stays if there is no other.
    pub(crate) keeps: Option<Message>,
    pub(crate) model: String,
    pub(crate) body: Bytes,
}

/// How the hearing ended.
struct Heard {
    text: String,
    ending: Ending,
    why: Option<(String, String)>,
}

impl Turn {
    /// Runs to its end, and keeps what came of it.
    pub(crate) async fn run(self, reader: mpsc::Sender<Step>) {
        let deadline = Instant::now() + ANSWERING_MAX;
        let caller = self.scope.caller().clone();
        let asked = tokio::select! {
            asked = timeout_at(deadline, self.chat.gateway.chat(&caller, self.body.clone())) => asked.ok(),
            () = reader.closed() => None,
            () = self.chat.tasks.stopping() => None,
        };
        let ended = match asked {
            Some(Ok(hearing)) => self.hear(hearing, &reader, deadline).await,
            Some(Err(problem)) => self.refused(problem).await,
            None => {
                let (code, detail) = self.why_reader_left().unzip();
                let provenance = Provenance { code, detail, ..self.stopped_early() };
                self.keep(String::new(), provenance, None).await
            }
        };
        if let Err(error) = &ended {
            tracing::warn!(org.id = %self.scope.org(), error = error as &dyn std::error::Error,
                "an answer could not be kept");
        }
        // The reader may have left: what was kept is there when they come back.
        drop(reader.send(Step::Ended(Box::new(ended))).await);
    }

    async fn hear(
        &self,
        mut hearing: Hearing,
        reader: &mpsc::Sender<Step>,
        deadline: Instant,
    ) -> Result<(Message, Option<Problem>), Error> {
        let receipt = hearing.receipt().to_owned();
        let mut heard = self.listen(&mut hearing, reader, deadline).await;
        if let (Some(why), false) = (self.why_reader_left(), heard.ending == Ending::Complete) {
            heard = Heard { ending: Ending::Stopped, why: Some(why), ..heard };
        }
        let ended = hearing.end();
        let facts = ended.map(|ended| ended.facts);
        let (code, detail) = heard.why.unzip();
        let provenance = Provenance {
            ending: heard.ending,
            model: self.model.clone(),
            receipt: Some(receipt).filter(|receipt| !receipt.is_empty()),
            pattern: facts.as_ref().and_then(|facts| facts.pattern.clone()),
            provider: facts.as_ref().and_then(|facts| facts.provider.clone()),
            endpoint: facts.as_ref().and_then(|facts| facts.endpoint.clone()),
            region: facts.as_ref().and_then(|facts| facts.provider_region),
            tokens_in: facts.as_ref().map_or(0, |facts| facts.tokens_in),
            tokens_out: facts.as_ref().map_or(0, |facts| facts.tokens_out),
            estimated: facts.as_ref().is_some_and(|facts| facts.estimated),
            price: facts.as_ref().map_or(NanoCents::ZERO, audit::CallFacts::price),
            code,
            detail,
        };
        self.keep(heard.text, provenance, None).await
    }

    /// Passes pieces on until the end. What the reader was not given is not kept.
    async fn listen(
        &self,
        hearing: &mut Hearing,
        reader: &mpsc::Sender<Step>,
        deadline: Instant,
    ) -> Heard {
        let life = &self.scope.caller().standing.life;
        let mut text = String::new();
        let mut step = Step::Begun;
        loop {
            let more = if let Step::Text(more) = &step { more.clone() } else { String::new() };
            if text.len().saturating_add(more.len()) > ANSWER_BYTES_MAX {
                return stopped(text, "too_long", "the answer was longer than is kept");
            }
            let sent = timeout_at(deadline, life.during(reader.send(step))).await;
            if !matches!(sent, Ok(Ok(Ok(())))) {
                return Heard { text, ending: Ending::Stopped, why: None };
            }
            text.push_str(&more);
            let piece = tokio::select! {
                piece = hearing.next() => piece,
                () = reader.closed() => return Heard { text, ending: Ending::Stopped, why: None },
                () = life.ended() => return Heard { text, ending: Ending::Stopped, why: None },
                () = self.chat.tasks.stopping() => {
                    return stopped(text, "node_stopping", "this node was stopped for maintenance");
                }
                () = tokio::time::sleep_until(deadline) => {
                    return stopped(text, "too_slow", "the answer took too long");
                }
            };
            step = match piece {
                Some(Piece::Text(more)) => Step::Text(more),
                Some(Piece::Alive) => Step::Alive,
                Some(Piece::Complete) => {
                    return Heard { text, ending: Ending::Complete, why: None };
                }
                Some(Piece::Broken { code, detail }) => {
                    return Heard { text, ending: Ending::Broken, why: Some((code, detail)) };
                }
                None => {
                    let why = ("provider_failed".to_owned(), "the answer broke off".to_owned());
                    return Heard { text, ending: Ending::Broken, why: Some(why) };
                }
            };
        }
    }

    /// Nothing, if they left by themselves.
    fn why_reader_left(&self) -> Option<(String, String)> {
        let ended = self.scope.caller().standing.life.check().err()?;
        Some(("credentials_ended".to_owned(), ended.to_string()))
    }

    /// The gateway refused: the words are kept beside the question.
    async fn refused(&self, problem: Problem) -> Result<(Message, Option<Problem>), Error> {
        let receipt = problem.headers().iter().find(|(name, _)| name == "portico-receipt");
        let receipt = receipt.and_then(|(_, id)| id.to_str().ok()).map(ToOwned::to_owned);
        let detail = match provider_words(&problem) {
            Some(words) => format!("{}: {words}", problem.detail()),
            None => problem.detail().to_owned(),
        };
        let provenance = Provenance {
            ending: Ending::Refused,
            receipt,
            code: Some(problem.code().to_owned()),
            detail: Some(detail),
            ..self.stopped_early()
        };
        self.keep(String::new(), provenance, Some(problem)).await
    }

    /// Nothing came yet.
    fn stopped_early(&self) -> Provenance {
        Provenance {
            ending: Ending::Stopped,
            model: self.model.clone(),
            receipt: None,
            pattern: None,
            provider: None,
            endpoint: None,
            region: None,
            tokens_in: 0,
            tokens_out: 0,
            estimated: false,
            price: NanoCents::ZERO,
            code: None,
            detail: None,
        }
    }

    /// Keeps the answer and gives the turn back, together. A conversation that was deleted
    /// meanwhile keeps nothing; an answer that must be kept by now is not replaced.
    async fn keep(
        &self,
        text: String,
        provenance: Provenance,
        refused: Option<Problem>,
    ) -> Result<(Message, Option<Problem>), Error> {
        let (chat, at, id) = (&self.chat, self.chat.clock.now(), &self.conversation);
        let answer = Message {
            id: self.answer.clone(),
            position: self.position,
            role: Role::Assistant,
            text,
            at,
            answer: Some(provenance),
        };
        let mut change = Change::begin(&chat.record, &self.scope).await?;
        let old = self.keeps.as_ref().filter(|old| !old.text.is_empty());
        let stays = match old {
            Some(old) if answer.text.is_empty() => Some(old),
            Some(old) => chat.keeps(&mut change, old.at).await?.map(|_| old),
            None => None,
        };
        let args = args![id.as_str(), self.answer.as_str(), self.position, at];
        if change.run(sql::FINISH, args).await? == 0 {
            return Err(Error::NoSuchConversation);
        }
        if stays.is_none() {
            let sealed = answer.sealed(id, &chat.seals, &self.scope)?;
            let role = answer.role.as_str();
            change.run(sql::CUT, args![id.as_str(), self.position]).await?;
            let (place, key) = (self.position, answer.id.as_str());
            change.run(sql::KEEP, args![id.as_str(), place, key, role, sealed, at]).await?;
        }
        change.commit(events::answered(id, &answer)).await?;
        Ok((stays.cloned().unwrap_or(answer), refused))
    }
}

fn stopped(text: String, code: &str, detail: &str) -> Heard {
    Heard { text, ending: Ending::Stopped, why: Some((code.to_owned(), detail.to_owned())) }
}
