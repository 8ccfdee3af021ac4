//! Setting, changing and removing a limit.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use base::http::Query;
use base::page::{Faults, Form, SeeOther, View, see_other};
use base::problem::{FieldError, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Pages;
use super::whose::Whose;
use crate::choices::Choice;
use crate::core::{Ceiling, Level};
use crate::subject::Target;
use crate::{Error, Limits};

/// Subjects that are offered at most; any other can be typed.
const CHOICES_MAX: usize = 200;

/// What was typed, as it was typed. An empty amount is no limit.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Typed {
    level: Option<Level>,
    subject: String,
    requests_per_minute: String,
    tokens_per_minute: String,
    concurrency: String,
    money_per_day: String,
    money_per_month: String,
}

/// Whose limit is removed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    level: Level,
    subject: String,
}

#[derive(Debug, Template)]
#[template(path = "limits/set.html")]
struct SetPage {
    title: String,
    /// Without a level, the five are explained to choose from.
    level: Option<Level>,
    typed: Typed,
    /// The limit that is set already.
    set: Option<Whose>,
    choices: Vec<Choice>,
    faults: Faults,
}

impl SetPage {
    /// The label of the field of the subject.
    fn kind(&self) -> &'static str {
        match self.level {
            Some(Level::Team) => "Team",
            Some(Level::Member) => "Member or service account",
            Some(Level::Key) => "Key",
            Some(Level::Model) => "Model",
            Some(Level::Org) | None => "Organization",
        }
    }
}

/// The form that sets a limit, or changes the one that is set.
#[utoipa::path(get, path = "/limits/set", tag = "console",
    params(("level" = Option<Level>, Query, description = "where in the org"),
        ("subject" = Option<String>, Query, description = "whose limit"),
        ("requests_per_minute" = Option<String>, Query, description = "a proposal"),
        ("tokens_per_minute" = Option<String>, Query, description = "a proposal"),
        ("concurrency" = Option<String>, Query, description = "a proposal"),
        ("money_per_day" = Option<String>, Query, description = "a proposal"),
        ("money_per_month" = Option<String>, Query, description = "a proposal")),
    security(("key" = ["settings:update"])), responses((status = 200)))]
pub(super) async fn form(
    caller: Caller,
    State(pages): State<Pages>,
    Query(typed): Query<Typed>,
) -> Result<View, Problem> {
    caller.require(Permission::SettingsUpdate)?;
    let page = pages.form(&caller, typed, Faults::default(), Fields::Stored).await?;
    View::of(page.title.clone(), &page)
}

/// Sets a limit.
#[utoipa::path(post, path = "/limits", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303), (status = 422)))]
pub(super) async fn set(
    caller: Caller,
    State(pages): State<Pages>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    caller.require(Permission::SettingsUpdate)?;
    match typed.set(&pages.limits, &caller).await {
        Ok(level) => {
            let whose = pages.whose(&caller, level, typed.subject.trim()).await;
            let said = format!("The limit of {} is set. It applies now.", whose.words());
            Ok(see_other("/limits").said(said).into_response())
        }
        Err(problem) => {
            let faults = Faults::of(problem)?;
            let page = pages.form(&caller, typed, faults, Fields::Typed).await?;
            let view = View::of(page.title.clone(), &page)?;
            Ok(view.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

/// Removes a limit.
#[utoipa::path(post, path = "/limits/remove", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303)))]
pub(super) async fn remove(
    caller: Caller,
    State(pages): State<Pages>,
    Form(Removed { level, subject }): Form<Removed>,
) -> Result<SeeOther, Problem> {
    pages.limits.remove(&caller, level, &subject).await?;
    let whose = pages.whose(&caller, level, &subject).await;
    Ok(see_other("/limits").said(format!("The limit of {} was removed.", whose.words())))
}

/// Where the amounts in the form come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fields {
    /// From the limit that is set, if nothing was proposed.
    Stored,
    /// From who typed them.
    Typed,
}

impl Pages {
    async fn form(
        &self,
        caller: &Caller,
        mut typed: Typed,
        faults: Faults,
        fields: Fields,
    ) -> Result<SetPage, Problem> {
        let Some(level) = typed.level else {
            let title = "Set a limit".to_owned();
            let (set, choices) = (None, Vec::new());
            return Ok(SetPage { title, level: None, typed, set, choices, faults });
        };
        if level == Level::Org {
            "org".clone_into(&mut typed.subject);
        }
        // Of a subject that cannot be there is no limit either; the form says what is wrong.
        let may_read = caller.require(Permission::SettingsRead).is_ok();
        let stored = if may_read && !typed.subject.is_empty() {
            self.limits.limit(caller, level, &typed.subject).await.or_else(|error| match error {
                Error::NotASubject(_) => Ok(None),
                other => Err(other),
            })?
        } else {
            None
        };
        let set = match &stored {
            Some(limit) => Some(self.whose(caller, level, &limit.subject).await),
            None => None,
        };
        if let Some(limit) = stored.filter(|_| fields == Fields::Stored && typed.is_blank()) {
            typed.fill(&limit.ceiling);
        }
        let choices = match level {
            Level::Org => Vec::new(),
            Level::Team | Level::Member | Level::Key | Level::Model => {
                self.names.choices(caller, level, CHOICES_MAX).await
            }
        };
        let title = set.as_ref().map_or_else(
            || "Set a limit".to_owned(),
            |whose| format!("Change the limit of {}", whose.words()),
        );
        Ok(SetPage { title, level: Some(level), typed, set, choices, faults })
    }
}

impl Typed {
    /// Sets what was typed, or says which fields are wrong in the words of the form.
    async fn set(&self, limits: &Limits, caller: &Caller) -> Result<Level, Problem> {
        let level = self.level.ok_or_else(|| Problem::invalid("level", "choose a level"))?;
        let ceiling = self.ceiling(level)?;
        limits.set(caller, level, self.subject.trim(), ceiling).await.map_err(
            |error| match error {
                Error::BadCeiling(errors) if !errors.is_empty() => wrong(errors),
                other => other.into(),
            },
        )?;
        Ok(level)
    }

    /// The amounts, or every field that is wrong, that of the subject too.
    fn ceiling(&self, level: Level) -> Result<Ceiling, Problem> {
        let mut errors = Vec::new();
        if let Err(not) = Target::new(level, self.subject.trim()) {
            let detail = format!("must be {}", not.needed());
            errors.push(FieldError { pointer: "/subject".to_owned(), detail });
        }
        let mut count = |field: &str, text: &str| read(field, text, COUNT, &mut errors);
        let requests_per_minute = count("requests_per_minute", &self.requests_per_minute);
        let tokens_per_minute = count("tokens_per_minute", &self.tokens_per_minute);
        let concurrency = count("concurrency", &self.concurrency);
        let mut money = |field: &str, text: &str| read(field, text, MONEY, &mut errors);
        let money_per_day = money("money_per_day", &self.money_per_day);
        let money_per_month = money("money_per_month", &self.money_per_month);
        let ceiling = Ceiling {
            requests_per_minute,
            tokens_per_minute,
            concurrency,
            money_per_day,
            money_per_month,
        };
        if errors.is_empty() { Ok(ceiling) } else { Err(wrong(errors)) }
    }

    /// Whether no amount was given.
    fn is_blank(&self) -> bool {
        [
            &self.requests_per_minute,
            &self.tokens_per_minute,
            &self.concurrency,
            &self.money_per_day,
            &self.money_per_month,
        ]
        .iter()
        .all(|amount| amount.trim().is_empty())
    }

    fn fill(&mut self, ceiling: &Ceiling) {
        let text = |amount: Option<String>| amount.unwrap_or_default();
        self.requests_per_minute = text(ceiling.requests_per_minute.map(|n| n.to_string()));
        self.tokens_per_minute = text(ceiling.tokens_per_minute.map(|n| n.to_string()));
        self.concurrency = text(ceiling.concurrency.map(|n| n.to_string()));
        self.money_per_day = text(ceiling.money_per_day.map(|m| m.to_string()));
        self.money_per_month = text(ceiling.money_per_month.map(|m| m.to_string()));
    }
}

const COUNT: &str = "must be a whole number such as 600; leave it empty for no limit";
const MONEY: &str = "must be an amount such as 100 or 12.50; leave it empty for no limit";

/// An amount, if one was typed. Spaces between digits are how many people write them.
fn read<T: std::str::FromStr>(
    field: &str,
    text: &str,
    rule: &str,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if plain.is_empty() {
        return None;
    }
    let amount = plain.parse().ok();
    if amount.is_none() {
        errors.push(FieldError { pointer: format!("/{field}"), detail: rule.to_owned() });
    }
    amount
}

/// Every field that is wrong. The form puts its label in front: our own name for the
/// field is taken away.
fn wrong(mut errors: Vec<FieldError>) -> Problem {
    for error in &mut errors {
        let name = format!("`{}` ", error.pointer.trim_start_matches('/'));
        if let Some(rule) = error.detail.strip_prefix(&name) {
            error.detail = rule.to_owned();
        }
    }
    let detail = "some amounts cannot be a limit";
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).errors(errors)
}
