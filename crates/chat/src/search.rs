//! Searching what was said. It is sealed, so it is opened message by message, the newest
//! conversations first, as far as one request may look.

use access::Caller;
use base::args;
use base::db::Row;
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::kept::{Conversation, Message, owner};
use crate::read::place;
use crate::{Chat, sql};

/// Messages that one search opens at most.
const MESSAGES_OPENED_MAX: usize = 1_000;
/// Bytes that one search opens at most.
const BYTES_OPENED_MAX: usize = 8 << 20;
/// Messages that are read at a time.
const READ_AT_ONCE: i64 = 100;
/// Conversations that one search gives at most.
const HITS_MAX: usize = 50;
/// Bytes of what is searched for at most.
const WORDS_BYTES_MAX: usize = 200;
/// Characters around a hit that are shown.
const AROUND: usize = 60;

/// What to look for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Words that must all stand in the title or in one message.
    pub q: String,
    /// The `next` of the search before: looks further back.
    pub after: Option<String>,
}

/// One conversation that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Hit {
    /// The conversation.
    pub conversation: Conversation,
    /// The newest message that has the words; absent if the title has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// The text around the first of the words.
    pub snippet: String,
}

/// What was found, and how far was looked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Found {
    /// The conversations, the one last talked in first.
    pub items: Vec<Hit>,
    /// How many messages were looked at.
    pub messages_looked_at: usize,
    /// When the oldest conversation that was looked at was last talked in.
    #[schema(value_type = Option<String>)]
    pub looked_back_to: Option<At>,
    /// Give this as `after` to look further back; absent when everything was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a search is: behind this message of this conversation.
struct Cursor {
    at: i64,
    id: String,
    position: i64,
}

impl Cursor {
    fn read(after: Option<&str>) -> Result<Self, Error> {
        let Some(after) = after else {
            return Ok(Self { at: i64::MAX, id: String::new(), position: 0 });
        };
        let (at, rest) = place(after)?;
        let (id, position) = rest.rsplit_once('_').unwrap_or((rest, ""));
        let wrong = || Problem::bad_request("invalid_query", "`after` is not from a search");
        let position = position.parse().map_err(|_| Error::Request(wrong().param("after")))?;
        Ok(Self { at, id: id.to_owned(), position })
    }

    fn write(&self) -> String {
        format!("{}_{}_{}", self.at, self.id, self.position)
    }
}

impl Chat {
    /// The caller's conversations whose title or one message has all the words.
    pub async fn search(&self, caller: &Caller, search: &Search) -> Result<Found, Error> {
        let words = words(&search.q)?;
        let mut cursor = Cursor::read(search.after.as_deref())?;
        let mut found =
            Found { items: Vec::new(), messages_looked_at: 0, looked_back_to: None, next: None };
        let (scope, mut bytes) = (caller.itself(), 0);
        let enough = |found: &Found, bytes: usize| {
            found.items.len() >= HITS_MAX
                || found.messages_looked_at >= MESSAGES_OPENED_MAX
                || bytes >= BYTES_OPENED_MAX
        };
        loop {
            let at = (cursor.at, cursor.id.as_str(), cursor.position);
            let args = args![owner(caller), at.0, at.1, at.2, READ_AT_ONCE];
            let rows = self.databases.of(&scope)?.all(sql::SEARCH, args).await?;
            for row in &rows {
                let lapsed = self.lapsed();
                let conversation = Conversation::read(row, &self.seals, &scope, lapsed)?;
                cursor = Cursor {
                    at: conversation.updated_at.as_microsecond(),
                    id: conversation.id.as_str().to_owned(),
                    position: row.int("position")?,
                };
                found.looked_back_to = Some(conversation.updated_at);
                let known = found.items.last().map(|hit| &hit.conversation.id);
                if known == Some(&conversation.id) {
                    continue;
                }
                let id = conversation.id.clone();
                bytes += self.look(&scope, row, conversation, &words, &mut found)?;
                if found.items.last().is_some_and(|hit| hit.conversation.id == id) {
                    // Found once is enough: the rest of it is passed over.
                    cursor.position = 0;
                }
                if enough(&found, bytes) {
                    found.next = Some(cursor.write());
                    return Ok(found);
                }
            }
            if rows.is_empty() {
                return Ok(found);
            }
            if rows.len() < usize::try_from(READ_AT_ONCE).unwrap_or(usize::MAX) {
                // The last of these conversations is read to its beginning.
                cursor.position = 0;
            }
        }
    }

    /// Looks at one message, and gives how many bytes were opened.
    fn look(
        &self,
        scope: &access::Scope,
        row: &Row,
        conversation: Conversation,
        words: &[String],
        found: &mut Found,
    ) -> Result<usize, Error> {
        if let Some(snippet) = around(&conversation.title, words) {
            found.items.push(Hit { conversation, position: None, snippet });
            return Ok(0);
        }
        if row.opt_text("message_id")?.is_none() {
            return Ok(0);
        }
        let message = Message::read(row, &self.seals, scope)?;
        found.messages_looked_at += 1;
        if let Some(snippet) = around(&message.text, words) {
            let position = Some(message.position);
            found.items.push(Hit { conversation, position, snippet });
        }
        Ok(message.text.len())
    }
}

fn words(q: &str) -> Result<Vec<String>, Error> {
    let words: Vec<_> = q.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() || q.len() > WORDS_BYTES_MAX {
        let detail = format!("say what to look for, in at most {WORDS_BYTES_MAX} bytes");
        return Err(Error::Request(Problem::bad_request("invalid_query", detail).param("q")));
    }
    Ok(words)
}

/// The text around the first of the words, if it has them all.
fn around(text: &str, words: &[String]) -> Option<String> {
    let lower = text.to_lowercase();
    if !words.iter().all(|word| lower.contains(word)) {
        return None;
    }
    // Lower case can be longer or shorter than the text: the place is counted in characters.
    let before = lower.find(words.first()?)?;
    let before = lower.get(..before)?.chars().count();
    let start = before.saturating_sub(AROUND);
    let shown: String = text.chars().skip(start).take(AROUND * 3).collect();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let (left, total) = (if start > 0 { "…" } else { "" }, text.chars().count());
    let right = if start + AROUND * 3 < total { "…" } else { "" };
    Some(format!("{left}{shown}{right}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_the_words_must_stand_in_the_text_in_any_case() {
        let words = words("Straße  NACH").unwrap();
        assert_eq!(around("nach der STRASSE", &words), None);
        let text = format!("{} Die straße nach\nOslo. {}", "a ".repeat(100), "b ".repeat(200));
        let snippet = around(&text, &words).unwrap();
        assert!(snippet.contains("straße nach Oslo."), "{snippet}");
        assert!(snippet.starts_with('…') && snippet.ends_with('…'));
        assert!(super::words("  ").is_err() && super::words(&"x".repeat(201)).is_err());
    }
}
