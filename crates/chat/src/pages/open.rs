//! Opening a new conversation or one that is there.

use access::Caller;
use axum::extract::State;
use base::http::{Path, Query};
use base::page::View;
use base::problem::Problem;

use super::shown::{Typed, Wanted};
use crate::Chat;

/// The page on which a conversation begins.
#[utoipa::path(get, path = "/chat", tag = "console", params(Wanted),
    security(("key" = ["self"])), responses((status = 200)))]
pub(super) async fn new(
    caller: Caller,
    State(chat): State<Chat>,
    Query(wanted): Query<Wanted>,
) -> Result<View, Problem> {
    chat.page(&caller, None, &wanted, Typed::default()).await
}

/// One conversation.
#[utoipa::path(get, path = "/chat/{id}", tag = "console",
    params(("id" = String, Path, description = "the id of a conversation"), Wanted),
    security(("key" = ["self"])), responses((status = 200)))]
pub(super) async fn one(
    caller: Caller,
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<View, Problem> {
    chat.page(&caller, Some(&id), &wanted, Typed::default()).await
}
