//! Conversations and their messages, as they are kept and as they are shown.

use std::str::FromStr;

use access::{Caller, Region, Scope};
use base::db::{DbError, Row};
use base::money::NanoCents;
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::seals::{Place, Seals};

base::ids! {
    /// Names a conversation.
    ConversationId = "conv";
    /// Names a message.
    MessageId = "msg";
}

/// One conversation of one member.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conversation {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ConversationId,
    /// What it is about: the beginning of its first question, until it is renamed.
    pub title: String,
    /// Who answers: a model, `patterns` or `pattern/<slug>`.
    pub model: String,
    /// The position of its last message: how many it has.
    pub messages: i64,
    /// An answer is under way.
    pub answering: bool,
    /// When it was started.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was last talked in; retention counts from here.
    #[schema(value_type = String)]
    pub updated_at: At,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The member.
    User,
    /// A model or a pattern.
    Assistant,
}

impl Role {
    /// As stored, and as models know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role")]
pub struct NotARole(String);

impl FromStr for Role {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, NotARole> {
        match text {
            "user" => Ok(Self::User),
            "assistant" => Ok(Self::Assistant),
            other => Err(NotARole(other.chars().take(20).collect())),
        }
    }
}

/// One message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Message {
    /// Its id.
    #[schema(value_type = String)]
    pub id: MessageId,
    /// Its place in the conversation, from 1.
    pub position: i64,
    /// Who said it.
    pub role: Role,
    /// What was said; of a model as Markdown.
    pub text: String,
    /// When.
    #[schema(value_type = String)]
    pub at: At,
    /// Where an answer came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Provenance>,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It is whole.
    Complete,
    /// The reader stopped it, or left: the text is what was shown until then.
    Stopped,
    /// It broke off: the text is what was shown until then.
    Broken,
    /// There was none: `code` and `detail` say why.
    Refused,
}

impl Ending {
    /// As in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
            Self::Refused => "refused",
        }
    }
}

/// Where an answer came from, as the record has it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// How it ended.
    pub ending: Ending,
    /// Who was asked: a model, `patterns` or `pattern/<slug>`.
    pub model: String,
    /// The call's id: what proves it in the record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub receipt: Option<String>,
    /// The pattern and version that answered: `reset-password@3`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    /// The provider, or `portico` for an approved answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// The endpoint that answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub endpoint: Option<String>,
    /// Where it was processed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub region: Option<Region>,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// The tokens were counted by us: the provider did not say.
    pub estimated: bool,
    /// What it cost, in whole units.
    #[schema(value_type = String)]
    pub price: NanoCents,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// What is sealed of a message.
#[derive(Debug, Serialize, Deserialize)]
struct Body<T> {
    text: T,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    answer: Option<Provenance>,
}

impl Conversation {
    /// Reads a row. An answer that has been under way since before `lapsed` was cut off by a crash.
    pub(crate) fn read(
        row: &Row,
        seals: &Seals,
        scope: &Scope,
        lapsed: At,
    ) -> Result<Self, DbError> {
        let id: ConversationId = row.parse("conversation_id")?;
        let title = seals.open(scope, Place::Title(&id), &row.bytes("title")?)?;
        let title =
            String::from_utf8(title).map_err(|cause| DbError::unreadable("title", cause))?;
        let answering_at = row.opt_at("answering_at")?;
        Ok(Self {
            id,
            title,
            model: row.text("model")?,
            messages: row.int("last")?,
            answering: answering_at.is_some_and(|at| at >= lapsed),
            created_at: row.at("created_at")?,
            updated_at: row.at("updated_at")?,
        })
    }
}

impl Message {
    pub(crate) fn read(row: &Row, seals: &Seals, scope: &Scope) -> Result<Self, DbError> {
        let conversation: ConversationId = row.parse("conversation_id")?;
        let (id, role): (MessageId, Role) = (row.parse("message_id")?, row.parse("role")?);
        let sealed = row.bytes("body")?;
        let json = seals.open(scope, Place::Message(&conversation, &id, role), &sealed)?;
        let body: Body<String> =
            serde_json::from_slice(&json).map_err(|cause| DbError::unreadable("body", cause))?;
        let (position, at) = (row.int("position")?, row.at("created_at")?);
        Ok(Self { id, position, role, text: body.text, at, answer: body.answer })
    }

    pub(crate) fn sealed(
        &self,
        conversation: &ConversationId,
        seals: &Seals,
        scope: &Scope,
    ) -> Result<Vec<u8>, DbError> {
        let body = Body { text: self.text.as_str(), answer: self.answer.clone() };
        let json = serde_json::to_vec(&body).map_err(|cause| DbError::unreadable("body", cause))?;
        seals.seal(scope, Place::Message(conversation, &self.id, self.role), &json)
    }
}

/// Whose conversations a caller sees: a person's own; a key's are those that it began, for
/// a key may less than its owner.
pub(crate) fn owner(caller: &Caller) -> String {
    match &caller.key {
        Some(key) => format!("{}/{key}", caller.actor.id()),
        None => caller.actor.id().to_owned(),
    }
}

/// The person, or the service account, behind an [`owner`].
pub(crate) fn person_of(owner: &str) -> &str {
    owner.split_once('/').map_or(owner, |(person, _)| person)
}
