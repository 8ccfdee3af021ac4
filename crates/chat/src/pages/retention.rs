//! How long conversations are kept, as a page.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, View, filters, see_other};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Chat, Retention, SetRetention};

/// What the form sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionForm {
    #[serde(default)]
    days: String,
}

#[derive(Template)]
#[template(path = "chat/retention.html")]
struct RetentionPage {
    retention: Retention,
    days: String,
    faults: Faults,
    may_set: bool,
}

/// How long conversations of the org are kept.
#[utoipa::path(get, path = "/settings/retention", tag = "console",
    security(("key" = ["settings:read"])), responses((status = 200)))]
pub(super) async fn show(caller: Caller, State(chat): State<Chat>) -> Result<View, Problem> {
    page(&chat, &caller, None, Faults::default()).await
}

/// Decides how long they are kept.
#[utoipa::path(post, path = "/settings/retention", tag = "console",
    security(("key" = ["settings:update"])), responses((status = 303)))]
pub(super) async fn set(
    caller: Caller,
    State(chat): State<Chat>,
    Form(form): Form<RetentionForm>,
) -> Result<Response, Problem> {
    // What is no number is as wrong as a number out of bounds.
    let days = form.days.trim().parse().unwrap_or_default();
    match chat.set_retention(&caller, SetRetention { days }).await {
        Ok(set) => {
            let said = format!("Conversations are kept for {} days from now on.", set.days);
            Ok(see_other("/settings/retention").said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            let page = page(&chat, &caller, Some(form.days), faults).await?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

async fn page(
    chat: &Chat,
    caller: &Caller,
    typed: Option<String>,
    faults: Faults,
) -> Result<View, Problem> {
    let retention = chat.retention(caller).await?;
    let days = typed.unwrap_or_else(|| retention.days.to_string());
    let may_set = caller.may_somewhere(Permission::SettingsUpdate);
    let page = RetentionPage { retention, days, faults, may_set };
    View::of("Retention", &page)
}
