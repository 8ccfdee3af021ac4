//! What this room holds of a person: their conversations.

use access::{OrgDb, Scope};
use async_trait::async_trait;
use audit::{EXPORTED_MAX, Exported, Keeper, Person, Table};
use base::args;
use base::db::{DbError, Statement};
use base::time::At;
use serde_json::json;

use crate::Chat;
use crate::kept::{Conversation, Message};

/// A person's own, and those of their keys: see [`crate::kept::owner`].
macro_rules! theirs {
    ($head:literal, $tail:literal) => {
        concat!($head, " (org_id = $1 AND (owner_id = $2 OR owner_id LIKE $2 || '/%')) ", $tail)
    };
}

pub(crate) const COUNT: Statement = Statement::new(
    "count the conversations of a person",
    theirs!("SELECT COUNT(*) AS rows FROM chat_conversation WHERE", ""),
);

pub(crate) const COUNT_SAID: Statement = Statement::new(
    "count the messages of a person",
    theirs!(
        "SELECT COUNT(*) AS rows FROM chat_message WHERE org_id = $1 AND conversation_id IN
            (SELECT conversation_id FROM chat_conversation WHERE",
        ")"
    ),
);

pub(crate) const READ: Statement = Statement::new(
    "read the conversations of a person",
    theirs!(
        "SELECT conversation_id, title, model, last, answering, answering_at, created_at,
                updated_at
           FROM chat_conversation WHERE conversation_id > $3 AND",
        "ORDER BY conversation_id LIMIT 200"
    ),
);

pub(crate) const READ_SAID: Statement = Statement::new(
    "read the messages of a person",
    theirs!(
        "SELECT conversation_id, position, message_id, role, body, created_at
           FROM chat_message
          WHERE org_id = $1 AND (conversation_id, position) > ($3, $4) AND conversation_id IN
            (SELECT conversation_id FROM chat_conversation WHERE",
        ") ORDER BY conversation_id, position LIMIT 50"
    ),
);

/// Their messages go with them.
pub(crate) const ERASE_SAID: Statement = Statement::new(
    "erase the messages of a person",
    theirs!(
        "DELETE FROM chat_message WHERE org_id = $1 AND conversation_id IN
            (SELECT conversation_id FROM chat_conversation WHERE",
        ")"
    ),
);

pub(crate) const ERASE: Statement = Statement::new(
    "erase the conversations of a person",
    theirs!("DELETE FROM chat_conversation WHERE", ""),
);

/// Bytes of messages that an export holds, about.
const EXPORTED_BYTES_MAX: usize = 32 << 20;

const TABLES: &[Table] = &[
    Table::values("chat_message", "what was asked and answered", COUNT_SAID, ERASE_SAID).private(),
    Table::values("chat_conversation", "conversations, with their titles", COUNT, ERASE).private(),
    Table::nothing("chat_setting"),
];

#[async_trait]
impl Keeper for Chat {
    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    async fn export(
        &self,
        db: &OrgDb<'_>,
        scope: &Scope,
        person: &Person,
    ) -> Result<Vec<Exported>, DbError> {
        let id = person.id.as_str();
        let (mut conversations, mut after) = (Vec::new(), String::new());
        while conversations.len() <= EXPORTED_MAX {
            let rows = db.all(READ, args![id, after.as_str()]).await?;
            let Some(last) = rows.last() else { break };
            after = last.text("conversation_id")?;
            for row in &rows {
                let read = Conversation::read(row, &self.seals, scope, At::UNIX_EPOCH)?;
                conversations.push(json!(read));
            }
        }
        let (mut said, mut after, mut behind) = (Vec::new(), String::new(), 0);
        let mut bytes = 0;
        while said.len() <= EXPORTED_MAX && bytes <= EXPORTED_BYTES_MAX {
            let rows = db.all(READ_SAID, args![id, after.as_str(), behind]).await?;
            let Some(last) = rows.last() else { break };
            (after, behind) = (last.text("conversation_id")?, last.int("position")?);
            for row in &rows {
                let message = Message::read(row, &self.seals, scope)?;
                bytes += message.text.len();
                said.push(json!({
                    "conversation": row.text("conversation_id")?, "message": message,
                }));
            }
        }
        Ok(vec![
            Exported::of("chat_conversation", conversations),
            Exported::of("chat_message", said).cut_if(bytes > EXPORTED_BYTES_MAX),
        ])
    }
}
