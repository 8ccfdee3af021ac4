//! What a page of chat is made of.

use access::{Caller, Permission};
use askama::Template;
use base::page::{Faults, View, filters};
use base::problem::Problem;
use serde::Deserialize;

use super::CHAT_JS;
use crate::kept::{Ending, Role};
use crate::own::may_ask;
use crate::{Chat, Conversation, Filter, Found, Message, MessageFilter, Provenance, Search, html};

/// Messages on a page; older ones are a link away.
const MESSAGES_SHOWN: u32 = 60;
/// Bytes of text in them. Each stands up to three times on the page: twice as text, of which a
/// character takes five bytes at most, and once as Markdown (see [`crate::markdown`]). That is
/// less than a page may have.
const TEXT_BYTES_SHOWN: usize = 320 << 10;
/// Conversations beside it.
const CONVERSATIONS_SHOWN: u32 = 40;
/// Patterns that an empty page proposes.
const SUGGESTIONS_MAX: usize = 6;
/// Patterns, and models, that can be chosen from one list; any other is asked from its page.
const OFFERS_MAX: usize = 100;

/// A price below a ten-thousandth of a whole unit is written in full.
const TINY_NANOCENTS: i64 = 10_000_000;

/// What of the room is shown.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Words to search for.
    #[serde(default)]
    pub(super) q: String,
    /// Where the list of conversations, or the search, goes on.
    pub(super) after: Option<String>,
    /// Messages before this position.
    pub(super) before: Option<i64>,
    /// Who is to answer.
    pub(super) model: Option<String>,
}

/// What was typed and could not be kept, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) faults: Faults,
    pub(super) text: String,
    pub(super) model: Option<String>,
    pub(super) title: Option<String>,
    pub(super) edit: Option<(i64, String)>,
}

/// A question or an answer, as it is shown.
struct Said {
    id: String,
    position: i64,
    text: String,
    /// Of an answer.
    answer: Option<Answer>,
    /// It is being edited.
    editing: Option<String>,
}

struct Answer {
    html: String,
    from: Provenance,
    /// What was asked, for teaching it as a pattern.
    question: String,
    last: bool,
}

/// A name to choose.
struct Offer {
    name: String,
    label: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "chat/chat.html")]
struct ChatPage {
    list: Vec<Conversation>,
    more: Option<String>,
    found: Option<Found>,
    q: String,
    current: Option<Conversation>,
    said: Vec<Said>,
    older: Option<String>,
    /// There are newer ones too.
    is_past: bool,
    patterns: Vec<Offer>,
    models: Vec<Offer>,
    /// The chosen one is not among the offers any more.
    gone: Option<String>,
    suggestions: Vec<Offer>,
    /// There are patterns or models beyond those in the list.
    beyond: bool,
    typed: Typed,
    days: i64,
    may: May,
}

/// What the reader may do here.
struct May {
    ask: bool,
    teach: bool,
    read_record: bool,
}

impl ChatPage {
    fn is_current(&self, conversation: &Conversation) -> bool {
        self.current.as_ref().is_some_and(|current| current.id == conversation.id)
    }

    fn action(&self) -> String {
        if self.current.is_some() { self.place("messages") } else { self.here() }
    }

    fn here(&self) -> String {
        self.current.as_ref().map_or("/chat".to_owned(), |current| format!("/chat/{}", current.id))
    }

    /// Where a form of this conversation goes.
    fn place(&self, verb: &str) -> String {
        format!("{}/{verb}", self.here())
    }

    /// How many messages there are: what the next question must follow.
    fn after(&self) -> i64 {
        self.current.as_ref().map_or(0, |current| current.messages)
    }

    fn answering(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.answering)
    }

    /// The last question has no answer: its node was lost, or it was stopped very early.
    fn unanswered(&self) -> bool {
        let last = self.said.last().filter(|said| said.position == self.after());
        last.is_some_and(|said| said.answer.is_none()) && !self.answering()
    }
}

impl Provenance {
    fn region_name(&self) -> Option<String> {
        self.region.map(|region| region.to_string())
    }

    fn is_refused(&self) -> bool {
        matches!(self.ending, Ending::Refused | Ending::Broken)
    }

    fn is_stopped(&self) -> bool {
        self.ending == Ending::Stopped
    }

    /// So little that it would be rounded to nothing.
    fn is_tiny(&self) -> bool {
        (1..TINY_NANOCENTS).contains(&self.price.0)
    }

    fn sentence(&self) -> String {
        base::page::sentence(self.detail.as_deref().unwrap_or_default())
    }

    /// What helps when there was no answer.
    fn advice(&self) -> &'static str {
        match self.code.as_deref().unwrap_or_default() {
            "model_not_found" | "model_not_allowed" | "model_not_supported" => {
                "Choose another model or a pattern below, then ask again."
            }
            "permission_denied" => {
                "Choose a pattern instead, or ask an administrator of your organization for access."
            }
            "insufficient_quota" => {
                "The budget is used up. An administrator can raise it under Limits."
            }
            "rate_limit_exceeded" => "Wait a moment, then ask again.",
            "missing_variable" | "unknown_variable" | "invalid_variable" => {
                "This pattern needs values that chat cannot give. Choose another one."
            }
            _ => "Ask again in a moment. If it stays so, tell your administrator the receipt.",
        }
    }
}

impl Chat {
    /// A page of the room: all that it needs, read for this caller.
    pub(super) async fn page(
        &self,
        caller: &Caller,
        id: Option<&str>,
        wanted: &Wanted,
        typed: Typed,
    ) -> Result<View, Problem> {
        let current = match id {
            Some(id) => Some(self.get(caller, id).await?),
            None => None,
        };
        let (list, more, found) = self.side(caller, current.as_ref(), wanted).await?;
        let (said, older) = self.log(caller, current.as_ref(), wanted, &typed).await?;
        let days = self.retention_of(&caller.itself()).await?.days;
        let mut page = ChatPage {
            list,
            more,
            found,
            q: wanted.q.clone(),
            said,
            older,
            is_past: wanted.before.is_some(),
            patterns: Vec::new(),
            models: Vec::new(),
            gone: None,
            suggestions: Vec::new(),
            beyond: false,
            days,
            may: May {
                ask: may_ask(caller).is_ok(),
                teach: caller.may_somewhere(Permission::PatternsCreate),
                read_record: caller.may_somewhere(Permission::EventsRead),
            },
            current,
            typed,
        };
        self.offers(caller, wanted, &mut page).await?;
        let title = page.current.as_ref().map(|current| current.title.clone());
        let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| "Chat".to_owned());
        Ok(View::of(title, &page)?.script(&CHAT_JS))
    }

    async fn side(
        &self,
        caller: &Caller,
        current: Option<&Conversation>,
        wanted: &Wanted,
    ) -> Result<(Vec<Conversation>, Option<String>, Option<Found>), Problem> {
        let here = current.map_or("/chat".to_owned(), |current| format!("/chat/{}", current.id));
        let part = base::page::filters::percent_encoded;
        if wanted.q.trim().is_empty() {
            let limit = Some(CONVERSATIONS_SHOWN);
            let page = self.list(caller, &Filter { after: wanted.after.clone(), limit }).await?;
            let more = page.next.map(|next| format!("{here}?after={}", part(&next)));
            return Ok((page.items, more, None));
        }
        let search = Search { q: wanted.q.clone(), after: wanted.after.clone() };
        let found = self.search(caller, &search).await?;
        let more = found.next.as_ref();
        let more = more.map(|next| format!("{here}?q={}&after={}", part(&wanted.q), part(next)));
        Ok((Vec::new(), more, Some(found)))
    }

    async fn log(
        &self,
        caller: &Caller,
        current: Option<&Conversation>,
        wanted: &Wanted,
        typed: &Typed,
    ) -> Result<(Vec<Said>, Option<String>), Problem> {
        let Some(current) = current else { return Ok((Vec::new(), None)) };
        let filter = MessageFilter { after: wanted.before, limit: Some(MESSAGES_SHOWN) };
        let id = current.id.as_str();
        let page = self.messages_within(caller, id, &filter, TEXT_BYTES_SHOWN).await?;
        let older = page.next.map(|next| format!("/chat/{}?before={next}", current.id));
        let mut said = Vec::new();
        let mut question = String::new();
        for message in page.items.into_iter().rev() {
            if message.role == Role::User {
                question.clone_from(&message.text);
            }
            said.push(Said::of(message, &question, current.messages, typed));
        }
        Ok((said, older))
    }

    /// What may be chosen, and what is chosen: what was typed, what the address says, what
    /// answered before; in a new conversation the patterns, if any is published.
    async fn offers(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        page: &mut ChatPage,
    ) -> Result<(), Problem> {
        let choices = self.gateway.choices(caller).await?;
        let published = choices.iter().any(|choice| choice.embedded && choice.name != "patterns");
        let models = || choices.iter().filter(|choice| !choice.embedded);
        let usual = choices
            .first()
            .filter(|_| published)
            .or_else(|| models().find(|choice| choice.default))
            .or_else(|| models().next())
            .or_else(|| choices.first())
            .map(|choice| choice.name.clone());
        let before = page.current.as_ref().map(|current| current.model.clone());
        let asked = page.typed.model.clone().or_else(|| wanted.model.clone());
        let chosen = asked.or(before).or(usual).unwrap_or_default();
        if !chosen.is_empty() && !choices.iter().any(|choice| choice.name == chosen) {
            page.gone = Some(chosen.clone());
        }
        for choice in choices {
            let label = match choice.name.strip_prefix("pattern/") {
                Some(slug) => slug.to_owned(),
                None if choice.embedded => "Best approved pattern".to_owned(),
                None => choice.name.clone(),
            };
            let is_chosen = choice.name == chosen;
            if choice.embedded
                && choice.name != "patterns"
                && page.suggestions.len() < SUGGESTIONS_MAX
            {
                let (name, label) = (choice.name.clone(), label.replace('-', " "));
                page.suggestions.push(Offer { name, label, chosen: is_chosen });
            }
            let offers = if choice.embedded { &mut page.patterns } else { &mut page.models };
            if offers.len() >= OFFERS_MAX && !is_chosen {
                page.beyond = true;
                continue;
            }
            offers.push(Offer { name: choice.name, label, chosen: is_chosen });
        }
        Ok(())
    }
}

impl Said {
    fn of(message: Message, question: &str, last: i64, typed: &Typed) -> Self {
        let Message { id, position, text, answer, .. } = message;
        let editing = typed.edit.as_ref().filter(|(edited, _)| *edited == position);
        let editing = editing.map(|(_, text)| text.clone());
        let id = id.as_str().to_owned();
        let answer = answer.map(|from| Answer {
            html: html(&id, &text),
            from,
            question: question.to_owned(),
            last: position == last,
        });
        Self { id, position, text, answer, editing }
    }
}
