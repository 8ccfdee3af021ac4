//! What stands behind the record, and a receipt that the browser itself verifies.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::http::Path;
use base::page::View;
use base::page::filters;
use base::problem::Problem;

use super::{Desk, RECEIPT_JS};
use crate::publish::{Proofs, WitnessState};

#[derive(Template)]
#[template(path = "audit/proofs.html")]
struct Shown {
    proofs: Proofs,
    /// Whether the caller may take a bundle.
    exports: bool,
}

impl Shown {
    /// Events that no checkpoint covers yet.
    fn waiting(&self) -> u64 {
        let covered = self.proofs.checkpoints.first().map_or(0, |newest| newest.size);
        self.proofs.events.saturating_sub(covered)
    }
}

/// How a witness's badge looks, and what it says.
fn standing(witness: &WitnessState) -> (&'static str, &'static str) {
    if witness.contradiction.is_some() {
        ("bad", "has seen another log")
    } else if witness.failure.is_some() {
        ("warn", "did not answer")
    } else if witness.size == 0 {
        ("", "not asked yet")
    } else if witness.behind_since.is_some() {
        ("warn", "behind")
    } else {
        ("ok", "cosigned")
    }
}

/// The name and the id of a key, without the key.
fn short(vkey: &str) -> &str {
    let id = vkey.match_indices('+').nth(1).map_or(vkey.len(), |(at, _)| at);
    vkey.get(..id).unwrap_or(vkey)
}

#[derive(Template)]
#[template(path = "audit/receipt.html")]
struct ReceiptPage {
    id: String,
    json: String,
}

/// What stands behind the record: checkpoints, directory, witnesses, keys, and how far all of it
/// was read again.
#[utoipa::path(get, path = "/record/proofs", tag = "console",
    security(("key" = ["events:read"])), responses((status = 200)))]
pub(super) async fn proofs(caller: Caller, State(desk): State<Desk>) -> Result<View, Problem> {
    let proofs = desk.log.proofs(&caller).await?;
    let exports = caller.require(Permission::EventsExport).is_ok();
    View::of("Proofs", &Shown { proofs, exports })
}

/// The receipt of a call, which the browser verifies.
#[utoipa::path(get, path = "/record/receipts/{id}", tag = "console",
    params(("id" = String, Path, description = "the call")),
    security(("key" = ["self"])), responses((status = 200)))]
pub(super) async fn receipt(
    caller: Caller,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<View, Problem> {
    let receipt = desk.log.receipt(&caller, &id).await?;
    let json = serde_json::to_string_pretty(&receipt).unwrap_or_default();
    let page = ReceiptPage { id: receipt.id, json };
    Ok(View::of("Receipt", &page)?.script(&RECEIPT_JS))
}
