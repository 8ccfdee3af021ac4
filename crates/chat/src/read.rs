//! Listing and reading conversations: each caller's own.

use std::time::Duration;

use access::{Caller, Scope};
use base::args;
use base::db::DbError;
use base::http::{Page, page_limit};
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;

use crate::error::Error;
use crate::kept::{Conversation, ConversationId, Message, owner};
use crate::turn::ANSWERING_MAX;
use crate::{Chat, sql};

/// Which conversations.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Conversations on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// Which messages.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageFilter {
    /// The `next` of the page before: messages before this position.
    pub after: Option<i64>,
    /// Messages on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// Bytes of text on a page of messages.
const PAGE_BYTES_MAX: usize = 4 << 20;

impl Chat {
    /// The caller's conversations, the one last talked in first.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
    ) -> Result<Page<Conversation>, Error> {
        let scope = caller.itself();
        let limit = page_limit(filter.limit).map_err(Error::Request)?;
        let (at, id) = filter.after.as_deref().map_or(Ok((i64::MAX, "")), place)?;
        let args = args![owner(caller), at, id, i64::from(limit) + 1];
        let rows = self.databases.of(&scope)?.all(sql::LIST, args).await?;
        let lapsed = self.lapsed();
        let read = rows.iter().map(|row| Conversation::read(row, &self.seals, &scope, lapsed));
        let conversations = read.collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(conversations, limit, |last| {
            format!("{}_{}", last.updated_at.as_microsecond(), last.id)
        }))
    }

    /// One conversation of the caller.
    pub async fn get(&self, caller: &Caller, id: &str) -> Result<Conversation, Error> {
        let scope = caller.itself();
        let args = args![id, owner(caller)];
        let row = self.databases.of(&scope)?.maybe(sql::ONE, args).await?;
        let row = row.ok_or(Error::NoSuchConversation)?;
        Ok(Conversation::read(&row, &self.seals, &scope, self.lapsed())?)
    }

    /// The messages of a conversation of the caller, the last one first. Where they are long, a
    /// page has fewer.
    pub async fn messages(
        &self,
        caller: &Caller,
        id: &str,
        filter: &MessageFilter,
    ) -> Result<Page<Message>, Error> {
        self.messages_within(caller, id, filter, PAGE_BYTES_MAX).await
    }

    /// The same with so many bytes of text, beside the last question and its answer.
    pub(crate) async fn messages_within(
        &self,
        caller: &Caller,
        id: &str,
        filter: &MessageFilter,
        bytes_max: usize,
    ) -> Result<Page<Message>, Error> {
        let conversation = self.get(caller, id).await?;
        let limit = page_limit(filter.limit).map_err(Error::Request)?;
        let before = filter.after.unwrap_or(i64::MAX);
        let scope = caller.itself();
        let messages =
            self.messages_of(&scope, &conversation.id, before, i64::from(limit) + 1).await?;
        let mut bytes = 0;
        let fits = messages.iter().enumerate().take_while(|(nth, message)| {
            bytes += message.text.len();
            *nth < 2 || bytes <= bytes_max
        });
        let limit = limit.min(u32::try_from(fits.count()).unwrap_or(limit));
        Ok(Page::of(messages, limit, |message| message.position.to_string()))
    }

    /// Messages before a position of a conversation that is the caller's, the last one first.
    async fn messages_of(
        &self,
        scope: &Scope,
        id: &ConversationId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<Message>, DbError> {
        let args = args![id.as_str(), before, limit];
        let rows = self.databases.of(scope)?.all(sql::MESSAGES, args).await?;
        rows.iter().map(|row| Message::read(row, &self.seals, scope)).collect()
    }
}

/// Reads the `next` of a page: `<microseconds>_<id>`.
pub(crate) fn place(after: &str) -> Result<(i64, &str), Error> {
    after.split_once('_').and_then(|(at, id)| Some((at.parse().ok()?, id))).ok_or_else(|| {
        let detail = "`after` must be the `next` of an earlier page";
        Error::Request(Problem::bad_request("invalid_query", detail).param("after"))
    })
}

/// What keeping an answer may take on top.
const KEEPING: Duration = Duration::from_secs(30);

/// An answer that began before this instant was cut off: its node is gone.
pub(crate) fn lapsed(now: At) -> At {
    now.checked_sub(ANSWERING_MAX + KEEPING).unwrap_or(At::MIN)
}
