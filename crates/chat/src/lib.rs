//! Chat: members talk with models and patterns, and the talk is theirs alone.
//!
//! # What this room promises
//!
//! - A conversation is seen by its owner alone, whoever else asks (an export of whoever was removed
//!   is for `privacy` to give):
//!   `a_conversation_is_seen_by_its_owner_alone`.
//! - What was said is sealed at rest and not in the record:
//!   `what_was_said_cannot_be_read_from_the_disk`,
//!   `every_change_leaves_an_event_without_what_was_said`.
//! - Conversations expire as the org says, and the record says how many:
//!   `expired_conversations_are_gone_and_the_record_says_how_many`.
//! - What a legal hold or the retention of the org keeps is not swept:
//!   `the_sweep_passes_by_what_must_be_kept_and_takes_the_rest`; its owner neither deletes nor
//!   replaces it, and is told: `what_must_be_kept_is_not_deleted_by_its_owner_who_is_told`,
//!   `what_must_be_kept_is_not_replaced_by_its_owner`; when nothing keeps it any more it goes:
//!   `what_nothing_keeps_any_more_is_swept`; and it stands in nobody's way:
//!   `many_that_must_be_kept_stand_in_nobodys_way`.
//! - A question goes through the gateway like any call; its answer carries the receipt and the
//!   price: `an_answer_carries_its_receipt_and_its_price`.
//! - A stopped answer keeps what was shown, and its call is recorded as aborted:
//!   `a_stopped_answer_keeps_what_was_shown`.
//! - An answer ends with the credentials of who asked, and says so:
//!   `an_answer_ends_with_the_session_it_was_asked_in`.
//! - A refusal is kept beside the question, in words to act on:
//!   `a_refusal_is_shown_and_the_question_is_kept`.
//! - A question that is sent twice is asked once: `a_question_sent_twice_is_asked_once`.
//! - What a model writes is shown and never run: `what_a_model_writes_is_shown_and_never_run`.

mod api;
mod api_messages;
mod ask;
mod context;
mod error;
mod events;
mod keeper;
mod kept;
mod markdown;
mod own;
mod pages;
mod read;
mod retention;
mod seals;
mod search;
pub mod sql;
mod sweep;
mod talk;
mod turn;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use access::{Databases, Region};
use audit::{Freeze, Record};
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::SharedClock;
use gateway::Gateway;

pub use self::api::routes;
pub use self::ask::{Again, Question};
pub use self::error::Error;
pub use self::kept::{Conversation, ConversationId, Ending, Message, MessageId, NotARole};
pub use self::kept::{Provenance, Role};
pub use self::markdown::html;
pub use self::own::{ChangeConversation, StartConversation};
pub use self::pages::{CHAT_ASSETS, pages};
pub use self::read::{Filter, MessageFilter};
pub use self::retention::{Retention, SetRetention};
use self::seals::Seals;
pub use self::search::{Found, Hit, Search};
use self::sweep::Sweep;
pub use self::talk::{Answered, Talk};

/// The room, as the server holds it.
#[derive(Debug, Clone)]
pub struct Chat {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    gateway: Gateway,
    seals: Arc<Seals>,
    freeze: Arc<dyn Freeze>,
    sweep: Arc<Sweep>,
    tasks: Tasks,
}

impl Chat {
    /// Opens the room. `roots` seal what is said, each in its region; `freeze` knows what must
    /// be kept.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        gateway: &Gateway,
        roots: &BTreeMap<Region, RootKey>,
        freeze: &Arc<dyn Freeze>,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let sweep = Arc::new(Sweep::new(databases, clock, record, freeze));
        tasks.spawn(Arc::clone(&sweep).tend(tasks.clone()));
        Ok(Self {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            gateway: gateway.clone(),
            seals: Arc::new(Seals::new(roots, databases.homes())?),
            freeze: Arc::clone(freeze),
            sweep,
            tasks: tasks.clone(),
        })
    }

    /// Deletes what has expired and need not be kept, once, and says how many conversations that
    /// were.
    pub async fn sweep(&self) -> Result<u64, Error> {
        Ok(self.sweep.once().await?)
    }
}
