//! Every statement of this room. `$1` is always the org.

use base::db::{Batch, Migration, Statement};

/// This room's steps.
pub const MIGRATIONS: &[Migration] = &[Migration::both(
    "chat/0001_conversation",
    include_str!("../migrations/0001_conversation.sql"),
)];

macro_rules! conversation {
    ($tail:literal) => {
        concat!(
            "SELECT conversation_id, title, model, last, answering, answering_at, created_at,
                    updated_at
               FROM chat_conversation WHERE org_id = $1 ",
            $tail
        )
    };
}

macro_rules! message {
    ($tail:literal) => {
        concat!(
            "SELECT conversation_id, position, message_id, role, body, created_at
               FROM chat_message WHERE org_id = $1 AND conversation_id = $2 ",
            $tail
        )
    };
}

pub(crate) const ONE: Statement = Statement::new(
    "look up a conversation",
    conversation!("AND conversation_id = $2 AND owner_id = $3"),
);

pub(crate) const LIST: Statement = Statement::new(
    "list conversations",
    conversation!(
        "AND owner_id = $2 AND (updated_at, conversation_id) < ($3, $4)
         ORDER BY updated_at DESC, conversation_id DESC LIMIT $5"
    ),
);

pub(crate) const COUNT: Statement = Statement::new(
    "count conversations",
    "SELECT COUNT(*) AS conversations FROM chat_conversation WHERE org_id = $1 AND owner_id = $2",
);

pub(crate) const START: Statement = Statement::new(
    "start a conversation",
    "INSERT INTO chat_conversation (org_id, conversation_id, owner_id, title, model, last,
        created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, 0, $6, $6)",
);

/// An org that has conversations has a row here: what the sweep goes by.
pub(crate) const KNOW: Statement = Statement::new(
    "note that an org has conversations",
    "INSERT INTO chat_setting (org_id) VALUES ($1) ON CONFLICT (org_id) DO NOTHING",
);

/// What is absent stays, also if somebody else sets it at this moment.
pub(crate) const CHANGE: Statement = Statement::new(
    "change a conversation",
    "UPDATE chat_conversation SET title = COALESCE($4, title), model = COALESCE($5, model)
      WHERE org_id = $1 AND conversation_id = $2 AND owner_id = $3",
);

/// Its messages go with it.
pub(crate) const DELETE: Statement = Statement::new(
    "delete a conversation",
    "DELETE FROM chat_conversation
      WHERE org_id = $1 AND conversation_id = $2 AND owner_id = $3",
);

/// Takes the turn: only if nothing was said since the conversation was read, and no other
/// answer is under way or that one has run out. The title stays if it is not `$11` any more, and
/// the model if `$5` is absent.
pub(crate) const TAKE: Statement = Statement::new(
    "take the turn in a conversation",
    "UPDATE chat_conversation
        SET title = CASE WHEN title = $11 THEN $4 ELSE title END,
            model = COALESCE($5, model), last = $6, answering = $7, answering_at = $8, updated_at = $8
      WHERE org_id = $1 AND conversation_id = $2 AND owner_id = $3 AND last = $9
        AND (answering IS NULL OR answering_at < $10)",
);

/// Gives the turn back, if it is still the same one.
pub(crate) const FINISH: Statement = Statement::new(
    "end the turn in a conversation",
    "UPDATE chat_conversation
        SET last = $4, answering = NULL, answering_at = NULL, updated_at = $5
      WHERE org_id = $1 AND conversation_id = $2 AND answering = $3",
);

pub(crate) const KEEP: Statement = Statement::new(
    "keep a message",
    "INSERT INTO chat_message (org_id, conversation_id, position, message_id, role, body,
        created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

pub(crate) const CUT: Statement = Statement::new(
    "cut a conversation",
    "DELETE FROM chat_message WHERE org_id = $1 AND conversation_id = $2 AND position >= $3",
);

pub(crate) const MESSAGES: Statement =
    Statement::new("read messages", message!("AND position < $3 ORDER BY position DESC LIMIT $4"));

/// Messages of somebody's next conversations, the newest conversation first, from its last
/// message back. A conversation without messages has one row, for its title.
pub(crate) const SEARCH: Statement = Statement::new(
    "search conversations",
    "SELECT c.conversation_id, c.title, c.model, c.last, c.answering, c.answering_at,
            c.created_at, c.updated_at, COALESCE(m.position, 0) AS position, m.message_id,
            m.role, m.body
       FROM (SELECT org_id, conversation_id, title, model, last, answering, answering_at,
                    created_at, updated_at
               FROM chat_conversation
              WHERE org_id = $1 AND owner_id = $2 AND (updated_at, conversation_id) <= ($3, $4)
              ORDER BY updated_at DESC, conversation_id DESC LIMIT 20) c
       LEFT JOIN chat_message m
         ON m.org_id = c.org_id AND m.conversation_id = c.conversation_id
      WHERE (c.updated_at, c.conversation_id, COALESCE(m.position, 0)) < ($3, $4, $5)
      ORDER BY c.updated_at DESC, c.conversation_id DESC, COALESCE(m.position, 0) DESC
      LIMIT $6",
);

pub(crate) const SETTING: Statement = Statement::new(
    "read the retention of conversations",
    "SELECT retention_days, set_at FROM chat_setting WHERE org_id = $1",
);

pub(crate) const SET: Statement = Statement::new(
    "set the retention of conversations",
    "INSERT INTO chat_setting (org_id, retention_days, set_at) VALUES ($1, $2, $3)
     ON CONFLICT (org_id) DO UPDATE
        SET retention_days = excluded.retention_days, set_at = excluded.set_at",
);

/// The orgs of a region that have conversations, or had.
pub(crate) const ORGS: Statement = Statement::new(
    "list orgs with conversations",
    "SELECT org_id, retention_days FROM chat_setting WHERE org_id > $1 ORDER BY org_id LIMIT 500",
);

/// Conversations that have expired behind a place, the one that expired first first.
pub(crate) const EXPIRED: Statement = Statement::new(
    "look for expired conversations",
    "SELECT conversation_id, owner_id, updated_at FROM chat_conversation
      WHERE org_id = $1 AND updated_at < $2 AND (updated_at, conversation_id) > ($3, $4)
      ORDER BY updated_at, conversation_id LIMIT $5",
);

/// Those whose ids stand in `$4`, one behind the other: all have the same length. One that is
/// talked in meanwhile stays, for it is not of that time any more.
pub(crate) const EXPIRE: Statement = Statement::new(
    "delete expired conversations",
    "DELETE FROM chat_conversation
      WHERE org_id = $1 AND updated_at BETWEEN $2 AND $3
        AND $4 LIKE '%' || conversation_id || '%'",
);

/// For the tests that prepare every statement on each engine.
pub const STATEMENTS: &[Statement] = &[
    crate::keeper::COUNT,
    crate::keeper::COUNT_SAID,
    crate::keeper::READ,
    crate::keeper::READ_SAID,
    crate::keeper::ERASE_SAID,
    crate::keeper::ERASE,
    ONE,
    LIST,
    COUNT,
    START,
    KNOW,
    CHANGE,
    DELETE,
    TAKE,
    FINISH,
    KEEP,
    CUT,
    MESSAGES,
    SEARCH,
    SETTING,
    SET,
    ORGS,
    EXPIRED,
    EXPIRE,
];

/// For the same tests.
pub const BATCHES: &[Batch] = &[];
