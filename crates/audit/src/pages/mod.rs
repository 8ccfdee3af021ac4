//! The console's pages of this room: looking through the record, one event, following live.

mod diff;
mod explorer;
mod follow;
mod offered;
mod proofs;
mod row;
mod show;
mod views;

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, Names};
use base::page::Asset;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Log, Record, describe};

/// Shows new events as they come.
static RECORD_JS: Asset = Asset::script("record.js", include_bytes!("../../assets/record.js"));
/// Verifies a receipt in the browser.
static RECEIPT_JS: Asset = Asset::script("receipt.js", include_bytes!("../../assets/receipt.js"));
/// What the pages of this room need.
pub static RECORD_ASSETS: &[&Asset] = &[&RECORD_JS, &RECEIPT_JS];

/// What the pages lean on.
#[derive(Debug, Clone)]
struct Desk {
    record: Record,
    log: Log,
    names: Arc<dyn Names>,
}

impl Desk {
    /// What the people and things of these events are called.
    async fn names_in(&self, caller: &Caller, events: &[Value]) -> HashMap<String, String> {
        let ids = describe::ids(events);
        if ids.is_empty() { HashMap::new() } else { self.names.names(caller, &ids).await }
    }
}

/// The pages of this room.
pub fn pages(record: Record, log: Log, names: Arc<dyn Names>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(explorer::list))
        .routes(routes!(follow::follow))
        .routes(routes!(proofs::proofs))
        .routes(routes!(proofs::receipt))
        .routes(routes!(show::one))
        .routes(routes!(views::save))
        .routes(routes!(views::remove))
        .with_state(Desk { record, log, names })
}
