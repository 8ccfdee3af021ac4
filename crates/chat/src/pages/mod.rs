//! The console's pages of this room.

mod ask;
mod open;
mod retention;
mod shown;

use base::page::Asset;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Chat;

/// Streams an answer into the page. Without it a form waits for the whole answer.
static CHAT_JS: Asset = Asset::script("chat.js", include_bytes!("../../assets/chat.js"));
/// What the pages of this room need.
pub static CHAT_ASSETS: &[&Asset] = &[&CHAT_JS];

/// The pages of this room.
pub fn pages(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(open::new, ask::begin))
        .routes(routes!(open::one))
        .routes(routes!(ask::send))
        .routes(routes!(ask::edit))
        .routes(routes!(ask::retry))
        .routes(routes!(ask::rename))
        .routes(routes!(ask::delete))
        .routes(routes!(retention::show, retention::set))
        .with_state(chat)
}
