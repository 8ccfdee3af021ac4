//! Starting, renaming and deleting conversations: each caller's own.

use access::{Caller, Permission};
use audit::{Change, Kept};
use base::args;
use base::db::{DbError, Row, Value};
use base::time::At;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::kept::{Conversation, ConversationId, owner, person_of};
use crate::read::lapsed;
use crate::seals::Place;
use crate::{Chat, events, sql};

/// Conversations of one member at most.
pub(crate) const CONVERSATIONS_MAX: u64 = 2_000;
/// Characters of a title at most.
pub(crate) const TITLE_CHARS_MAX: usize = 120;
/// Bytes of a model's name at most.
const MODEL_BYTES_MAX: usize = 200;

/// What a conversation begins with.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartConversation {
    /// Who answers: a model, `patterns` or `pattern/<slug>`.
    pub model: String,
    /// What it is about; if not given, the beginning of the first question.
    #[serde(default)]
    pub title: Option<String>,
}

/// What is to be changed of a conversation.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeConversation {
    /// What it is about.
    #[serde(default)]
    pub title: Option<String>,
    /// Who answers from now on.
    #[serde(default)]
    pub model: Option<String>,
}

impl Chat {
    /// Starts a conversation of the caller, without a message.
    pub async fn start(
        &self,
        caller: &Caller,
        start: StartConversation,
    ) -> Result<Conversation, Error> {
        may_ask(caller)?;
        let model = checked_model(&start.model)?;
        let title = start.title.as_deref().map(checked_title).transpose()?.unwrap_or_default();
        let (scope, now) = (caller.itself(), self.clock.now());
        let mut change = Change::begin(&self.record, &scope).await?;
        let whose = owner(caller);
        let count = change.maybe(sql::COUNT, args![&whose]).await?;
        let count = count.map(|row| row.count("conversations")).transpose()?;
        if count.unwrap_or_default() >= CONVERSATIONS_MAX {
            return Err(Error::TooMany);
        }
        let id = ConversationId::new(now);
        let sealed = self.seals.seal(&scope, Place::Title(&id), title.as_bytes())?;
        change.run(sql::KNOW, args![]).await?;
        change.run(sql::START, args![id.as_str(), &whose, sealed, model.as_str(), now]).await?;
        change.commit(events::started(&id, &model)).await?;
        Ok(Conversation {
            id,
            title,
            model,
            messages: 0,
            answering: false,
            created_at: now,
            updated_at: now,
        })
    }

    /// Renames a conversation of the caller, or sets who answers in it. The title of one that
    /// must be kept stays.
    pub async fn change(
        &self,
        caller: &Caller,
        id: &str,
        patch: ChangeConversation,
    ) -> Result<Conversation, Error> {
        let title = patch.title.as_deref().map(checked_title).transpose()?;
        let model = patch.model.as_deref().map(checked_model).transpose()?;
        if title.is_none() && model.is_none() {
            return Err(Error::field("title", "say a title or a model"));
        }
        let scope = caller.itself();
        let mut change = Change::begin(&self.record, &scope).await?;
        let before = self.one(&mut change, &scope, id).await?;
        let after = Conversation {
            title: title.clone().unwrap_or_else(|| before.title.clone()),
            model: model.clone().unwrap_or_else(|| before.model.clone()),
            ..before.clone()
        };
        if !before.title.is_empty() && after.title != before.title {
            self.may_go(&mut change, &before).await?;
        }
        let place = Place::Title(&after.id);
        let title = title.map(|title| self.seals.seal(&scope, place, title.as_bytes()));
        let title = Value::Bytes(title.transpose()?);
        let args = args![after.id.as_str(), owner(caller), title, model];
        change.run(sql::CHANGE, args).await?;
        change.commit(events::changed(&before, &after)).await?;
        Ok(after)
    }

    /// Deletes a conversation of the caller, with everything that was said in it. An answer
    /// that is under way is not kept. One that must be kept is not deleted.
    pub async fn delete(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let scope = caller.itself();
        let mut change = Change::begin(&self.record, &scope).await?;
        let conversation = self.one(&mut change, &scope, id).await?;
        self.may_go(&mut change, &conversation).await?;
        let args = args![conversation.id.as_str(), owner(caller)];
        if change.run(sql::DELETE, args).await? == 0 {
            return Err(Error::NoSuchConversation);
        }
        change.commit(events::deleted(&conversation)).await?;
        Ok(())
    }

    /// A conversation of the caller, as it is inside a change.
    pub(crate) async fn one(
        &self,
        change: &mut Change,
        scope: &access::Scope,
        id: &str,
    ) -> Result<Conversation, Error> {
        let row = self.row(change, scope, id).await?;
        Ok(Conversation::read(&row, &self.seals, scope, self.lapsed())?)
    }

    /// The same as it is kept.
    pub(crate) async fn row(
        &self,
        change: &mut Change,
        scope: &access::Scope,
        id: &str,
    ) -> Result<Row, Error> {
        let row = change.maybe(sql::ONE, args![id, owner(scope.caller())]).await?;
        row.ok_or(Error::NoSuchConversation)
    }

    /// Refuses to delete or replace what was said in a conversation that must be kept. Asked
    /// before anything else is written.
    pub(crate) async fn may_go(
        &self,
        change: &mut Change,
        conversation: &Conversation,
    ) -> Result<(), Error> {
        let kept = self.keeps(change, conversation.updated_at).await?;
        kept.map_or(Ok(()), |kept| Err(Error::MustBeKept(kept)))
    }

    /// What keeps a conversation of the caller that was last talked in at `last`.
    pub(crate) async fn keeps(
        &self,
        change: &mut Change,
        last: At,
    ) -> Result<Option<Kept>, DbError> {
        let frozen = self.freeze.frozen(change).await?;
        let whose = owner(change.scope().caller());
        Ok(frozen.keeps(person_of(&whose), last))
    }

    pub(crate) fn lapsed(&self) -> At {
        lapsed(self.clock.now())
    }
}

/// Talking is for who may run a pattern or call a model; which, the gateway asks again.
pub(crate) fn may_ask(caller: &Caller) -> Result<(), Error> {
    let may = [Permission::PatternsRun, Permission::ModelsInvoke];
    if !may.into_iter().any(|permission| caller.may_somewhere(permission)) {
        caller.require(Permission::PatternsRun)?;
    }
    Ok(())
}

pub(crate) fn checked_model(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() || name.len() > MODEL_BYTES_MAX || name.contains(char::is_control) {
        return Err(Error::field("model", "choose a model or a pattern"));
    }
    Ok(name.to_owned())
}

fn checked_title(title: &str) -> Result<String, Error> {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX {
        let detail = format!("a title has 1 to {TITLE_CHARS_MAX} characters");
        return Err(Error::field("title", detail));
    }
    Ok(title)
}
