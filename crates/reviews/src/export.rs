//! A campaign as evidence: everything that was looked at, what was decided about it, by
//! whom and when, what came of it, and the events of that in the record.

use base::csv::cell;
use std::collections::HashMap;

use access::{Caller, Permission, Scope};
use audit::{Change, Event};
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base::time::At;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Campaign, CampaignId, Error, Item, Items, Reviews};

/// Items that are read at once.
const PIECE: u32 = 200;

/// How it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A table for spreadsheets.
    Csv,
    /// One object.
    #[default]
    Json,
}

/// How it is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// `json` or `csv`.
    pub format: Format,
}

/// The columns of the table.
const COLUMNS: [&str; 24] = [
    "campaign",
    "campaign_state",
    "position",
    "kind",
    "id",
    "name",
    "about",
    "about_name",
    "role",
    "permissions",
    "elevated",
    "last_used_at",
    "decision",
    "new_role",
    "reason",
    "decided_by",
    "decided_by_name",
    "decided_at",
    "decision_event",
    "result",
    "result_detail",
    "result_at",
    "result_event",
    "facts",
];

impl Reviews {
    /// Records the export, and gives its bytes as they are read.
    pub async fn export(
        &self,
        caller: &Caller,
        id: &CampaignId,
        export: Export,
    ) -> Result<Response, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        caller.recent_factor()?;
        let campaign = self.one(&scope, id).await?;
        let change = Change::begin(&self.0.record, &scope).await?;
        let event = Event::done("reviews.campaign.exported", "review", id.as_str());
        change.commit(event.changes(json!({"items": {"to": campaign.items}}))).await?;
        let ending = match export.format {
            Format::Csv => "csv",
            Format::Json => "json",
        };
        let kind = match export.format {
            Format::Csv => "text/csv; charset=utf-8",
            Format::Json => "application/json",
        };
        let file = format!("attachment; filename=\"access-review-{id}.{ending}\"");
        let begun = (Some(0_i64), true);
        let room = self.clone();
        let pieces = stream::try_unfold(begun, move |(after, first)| {
            let (room, scope, campaign) = (room.clone(), scope.clone(), campaign.clone());
            async move {
                let Some(after) = after else { return Ok::<_, Error>(None) };
                let (text, next) =
                    room.written(&scope, &campaign, export.format, (after, first)).await?;
                Ok(Some((Bytes::from(text), (next, false))))
            }
        });
        let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, file)];
        Ok((headers, Body::from_stream(pieces)).into_response())
    }

    /// The next piece, and where the one behind it begins.
    async fn written(
        &self,
        scope: &Scope,
        campaign: &Campaign,
        format: Format,
        (after, first): (i64, bool),
    ) -> Result<(String, Option<i64>), Error> {
        let items = Items { after: Some(after), ..Items::default() };
        let page = self.piece(scope, &campaign.id, &items, PIECE).await?;
        let next = page.items.last().filter(|_| page.next.is_some()).map(|last| last.position);
        let ids: Vec<String> = page.items.iter().flat_map(Item::ids).collect();
        let names = self.0.identity.names(scope.caller(), &ids).await?;
        let mut text = String::new();
        match format {
            Format::Csv => {
                if first {
                    text.push_str(&COLUMNS.join(","));
                    text.push_str("\r\n");
                }
                for item in &page.items {
                    let cells = cells(campaign, item, &names).map(|text| cell(&text));
                    text.push_str(&cells.join(","));
                    text.push_str("\r\n");
                }
            }
            Format::Json => {
                if first {
                    text.push_str("{\"campaign\":");
                    text.push_str(&json!(campaign).to_string());
                    text.push_str(",\"items\":[");
                }
                for (place, item) in page.items.iter().enumerate() {
                    if !(first && place == 0) {
                        text.push(',');
                    }
                    text.push_str(&named(item, &names).to_string());
                }
                if next.is_none() {
                    text.push_str("]}\n");
                }
            }
        }
        Ok((text, next))
    }
}

impl Item {
    /// What of it has a name.
    pub(crate) fn ids(&self) -> Vec<String> {
        let decided_by = self.decided_by.iter().cloned();
        [self.id.clone(), self.about.clone()].into_iter().chain(decided_by).collect()
    }
}

/// An item with the names of today beside its ids.
fn named(item: &Item, names: &HashMap<String, String>) -> Value {
    let mut value = json!(item);
    let name = |id: Option<&str>| id.and_then(|id| names.get(id)).cloned();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("name".into(), json!(name(Some(&item.id))));
        fields.insert("about_name".into(), json!(name(Some(&item.about))));
        fields.insert("decided_by_name".into(), json!(name(item.decided_by.as_deref())));
    }
    value
}

fn cells(campaign: &Campaign, item: &Item, names: &HashMap<String, String>) -> [String; 24] {
    let name = |id: &str| names.get(id).cloned().unwrap_or_default();
    let time = |at: Option<At>| at.map(|at| at.to_string()).unwrap_or_default();
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let decided_by = text(&item.decided_by);
    [
        campaign.id.to_string(),
        campaign.state.as_str().to_owned(),
        item.position.to_string(),
        item.kind.clone(),
        item.id.clone(),
        name(&item.id),
        item.about.clone(),
        name(&item.about),
        text(&item.role),
        item.permissions().join(" "),
        if item.elevated { "yes" } else { "no" }.to_owned(),
        time(item.last_used_at),
        item.decision.map(|one| one.as_str().to_owned()).unwrap_or_default(),
        text(&item.new_role),
        text(&item.reason),
        decided_by.clone(),
        name(&decided_by),
        time(item.decided_at),
        number(item.decision_event),
        item.result.map(|one| one.as_str().to_owned()).unwrap_or_default(),
        text(&item.result_detail),
        time(item.result_at),
        number(item.result_event),
        item.facts.to_string(),
    ]
}
