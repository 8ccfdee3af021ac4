//! Asking: a question is kept, the turn is taken, and the answer is on its way.

use access::{Caller, Scope};
use audit::Change;
use base::args;
use base::time::At;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::context::{self, CONTEXT_MESSAGES_MAX};
use crate::error::Error;
use crate::kept::{Conversation, Message, MessageId, Role, owner};
use crate::own::{StartConversation, TITLE_CHARS_MAX, checked_model, may_ask};
use crate::seals::Place;
use crate::talk::Talk;
use crate::turn::Turn;
use crate::{Chat, events, sql};

/// Bytes of a question at most.
pub(crate) const QUESTION_BYTES_MAX: usize = 32 << 10;
/// Messages of a conversation at most.
pub(crate) const MESSAGES_MAX: i64 = 500;
/// Characters of a first question that become the title.
const TITLE_FROM_QUESTION: usize = 60;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question: 1 byte to 32 KiB.
    pub text: String,
    /// Who answers from now on; who answered before if not given.
    #[serde(default)]
    pub model: Option<String>,
    /// How many messages the conversation had when this was written. If it has gone on since,
    /// nothing is asked: so that a question that is sent twice is asked once.
    #[serde(default)]
    pub after: Option<i64>,
}

/// How the last question is asked again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// Who answers from now on; who answered before if not given.
    #[serde(default)]
    pub model: Option<String>,
    /// How many messages the conversation had when this was wished for.
    #[serde(default)]
    pub after: Option<i64>,
}

/// A conversation as it was found, and the change that is to take the turn in it.
struct Taking {
    change: Change,
    scope: Scope,
    before: Conversation,
    /// Its title as it is kept.
    sealed_title: Vec<u8>,
    model: String,
    /// Whether it answers from now on.
    chosen: bool,
    /// The id of the answer to come.
    answer: MessageId,
    now: At,
}

impl Chat {
    /// Starts a conversation of the caller with a question.
    pub async fn begin(
        &self,
        caller: &Caller,
        start: StartConversation,
        question: Question,
    ) -> Result<(Conversation, Talk), Error> {
        checked_text(&question.text)?;
        let conversation = self.start(caller, start).await?;
        let talk = self.send(caller, conversation.id.as_str(), question).await?;
        Ok((conversation, talk))
    }

    /// Asks a question at the end of a conversation of the caller.
    pub async fn send(&self, caller: &Caller, id: &str, question: Question) -> Result<Talk, Error> {
        let text = checked_text(&question.text)?;
        let taking = self.taking(caller, id, question.model.as_deref(), question.after).await?;
        let position = taking.before.messages + 1;
        self.ask(taking, position, text).await
    }

    /// Asks another question in the place of an earlier one of the caller. What followed it
    /// is gone; so nothing is asked in a conversation that must be kept.
    pub async fn edit(
        &self,
        caller: &Caller,
        id: &str,
        position: i64,
        question: Question,
    ) -> Result<Talk, Error> {
        let text = checked_text(&question.text)?;
        let mut taking = self.taking(caller, id, question.model.as_deref(), question.after).await?;
        let edited = self.messages_before(&mut taking, position.saturating_add(1), 1).await?;
        let is_question =
            |message: &Message| message.position == position && message.role == Role::User;
        if !edited.first().is_some_and(is_question) {
            return Err(Error::NoSuchQuestion);
        }
        self.may_go(&mut taking.change, &taking.before).await?;
        self.ask(taking, position, text).await
    }

    /// Asks the last question again. A new answer takes the place of the last one; when there
    /// is none, the last one stays. So nothing is asked if the last one must be kept.
    pub async fn retry(&self, caller: &Caller, id: &str, again: Again) -> Result<Talk, Error> {
        let mut taking = self.taking(caller, id, again.model.as_deref(), again.after).await?;
        let (last, at) = (taking.before.messages, taking.before.updated_at);
        let kept = self.keeps(&mut taking.change, at).await?;
        self.take(&mut taking, last, String::new()).await?;
        let mut messages =
            self.messages_before(&mut taking, i64::MAX, CONTEXT_MESSAGES_MAX + 1).await?;
        let keeps = match messages.first() {
            None => return Err(Error::NoSuchQuestion),
            Some(message) if message.role == Role::User => None,
            Some(_) => Some(messages.remove(0)),
        };
        if let (Some(kept), Some(answer)) = (kept, &keeps)
            && !answer.text.is_empty()
        {
            return Err(Error::MustBeKept(kept));
        }
        let question = messages.first().filter(|message| message.role == Role::User);
        let position = question.ok_or(Error::NoSuchQuestion)?.position;
        let turn = self.turn(&taking, position + 1, keeps, &messages);
        let event = events::asked_again(&taking.before.id, position);
        taking.change.commit(event).await?;
        Ok(Talk::begin(turn, None, &self.tasks))
    }

    /// Begins a change of a conversation in which no answer is under way.
    async fn taking(
        &self,
        caller: &Caller,
        id: &str,
        model: Option<&str>,
        after: Option<i64>,
    ) -> Result<Taking, Error> {
        may_ask(caller)?;
        let model = model.filter(|name| !name.is_empty()).map(checked_model).transpose()?;
        let (scope, now) = (caller.itself(), self.clock.now());
        let mut change = Change::begin(&self.record, &scope).await?;
        let row = self.row(&mut change, &scope, id).await?;
        let before = Conversation::read(&row, &self.seals, &scope, self.lapsed())?;
        if before.answering {
            return Err(Error::Answering);
        }
        if after.is_some_and(|after| after != before.messages) {
            return Err(Error::Moved(before.messages));
        }
        let (sealed_title, chosen) = (row.bytes("title")?, model.is_some());
        let model = model.unwrap_or_else(|| before.model.clone());
        let answer = MessageId::new(now);
        Ok(Taking { change, scope, before, sealed_title, model, chosen, answer, now })
    }

    /// Keeps a question at a position, where whatever stands there and behind it makes way.
    async fn ask(&self, mut taking: Taking, position: i64, text: String) -> Result<Talk, Error> {
        if position >= MESSAGES_MAX {
            return Err(Error::Full);
        }
        self.take(&mut taking, position, title_from(&text)).await?;
        let mut said = self.messages_before(&mut taking, position, CONTEXT_MESSAGES_MAX).await?;
        let id = MessageId::new(taking.now);
        let (role, at) = (Role::User, taking.now);
        let question = Message { id, position, role, text, at, answer: None };
        let conversation = taking.before.id.clone();
        let at = args![conversation.as_str(), position];
        let cut = taking.change.run(sql::CUT, at).await?;
        let sealed = question.sealed(&conversation, &self.seals, &taking.scope)?;
        let args = args![
            conversation.as_str(),
            position,
            question.id.as_str(),
            question.role.as_str(),
            sealed,
            question.at,
        ];
        taking.change.run(sql::KEEP, args).await?;
        said.insert(0, question.clone());
        let turn = self.turn(&taking, position + 1, None, &said);
        let event = events::asked(&conversation, &question, cut);
        taking.change.commit(event).await?;
        Ok(Talk::begin(turn, Some(question), &self.tasks))
    }

    fn turn(
        &self,
        taking: &Taking,
        position: i64,
        keeps: Option<Message>,
        newest_first: &[Message],
    ) -> Turn {
        Turn {
            chat: self.clone(),
            scope: taking.scope.clone(),
            conversation: taking.before.id.clone(),
            answer: taking.answer.clone(),
            position,
            keeps,
            body: context::request(&taking.model, newest_first),
            model: taking.model.clone(),
        }
    }

    /// Takes the turn, before anything else is written: whoever is a moment later is refused.
    /// A conversation without a title gets one.
    async fn take(&self, taking: &mut Taking, last: i64, title: String) -> Result<(), Error> {
        let Taking { change, scope, before, sealed_title, model, chosen, answer, now } = taking;
        let title = if before.title.is_empty() { &title } else { &before.title };
        let sealed = self.seals.seal(scope, Place::Title(&before.id), title.as_bytes())?;
        let args = args![
            before.id.as_str(),
            owner(scope.caller()),
            sealed,
            chosen.then(|| model.clone()),
            last,
            answer.as_str(),
            *now,
            before.messages,
            crate::read::lapsed(*now),
            sealed_title.as_slice(),
        ];
        let taken = change.run(sql::TAKE, args).await?;
        if taken == 0 { Err(Error::Answering) } else { Ok(()) }
    }

    async fn messages_before(
        &self,
        taking: &mut Taking,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Message>, Error> {
        let args = args![taking.before.id.as_str(), before, limit];
        let rows = taking.change.all(sql::MESSAGES, args).await?;
        let read = rows.iter().map(|row| Message::read(row, &self.seals, &taking.scope));
        Ok(read.collect::<Result<_, _>>()?)
    }
}

fn checked_text(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("text", "write a question"));
    }
    if text.len() > QUESTION_BYTES_MAX {
        let detail = format!("a question has at most {QUESTION_BYTES_MAX} bytes");
        return Err(Error::field("text", detail));
    }
    Ok(text.to_owned())
}

/// The beginning of a question, up to a whole word.
fn title_from(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut title = String::new();
    for word in line.split_whitespace() {
        let longer = title.chars().count() + 1 + word.chars().count();
        if !title.is_empty() && longer > TITLE_FROM_QUESTION {
            title.push('…');
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    title.chars().take(TITLE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_the_first_question_becomes_the_title() {
        assert_eq!(title_from("  \n How do I\treset it?\nNow."), "How do I reset it?");
        let long = title_from(&"word ".repeat(100));
        assert!(long.ends_with("word…") && long.chars().count() <= 61, "{long}");
        assert_eq!(title_from(&"x".repeat(500)).chars().count(), TITLE_CHARS_MAX);
    }
}
