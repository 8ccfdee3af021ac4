//! The record as a file: one JSON object a line, or a table for spreadsheets.

use access::Caller;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base::csv::cell;
use futures_util::stream;
use serde_json::Value;

use crate::explore::Error;
use crate::{Filter, Record};

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jsonl,
    Csv,
}

/// The columns of the table: a title, and where it stands in an event.
const COLUMNS: [(&str, &str); 21] = [
    ("sequence", "/sequence"),
    ("timestamp", "/timestamp"),
    ("userId", "/userId"),
    ("actorKind", "/actorKind"),
    ("keyId", "/keyId"),
    ("action", "/action"),
    ("resourceType", "/resourceType"),
    ("resourceId", "/resourceId"),
    ("outcome", "/outcome"),
    ("ipAddress", "/ipAddress"),
    ("userAgent", "/userAgent"),
    ("requestId", "/requestId"),
    ("region", "/region"),
    ("model", "/call/model"),
    ("pattern", "/call/pattern"),
    ("provider", "/call/provider"),
    ("providerRegion", "/call/providerRegion"),
    ("tokensIn", "/call/tokensIn"),
    ("tokensOut", "/call/tokensOut"),
    ("priceNanocents", "/call/priceNanocents"),
    ("changesAndReason", ""),
];

/// Checks and records an export, and gives its bytes as they are read.
pub(crate) async fn export(
    record: Record,
    caller: Caller,
    filter: Filter,
    format: Format,
) -> Result<Response, Error> {
    record.export(&caller, &filter).await?;
    let begin = (Some(i64::MAX), true);
    let pieces = stream::try_unfold(begin, move |(mut before, first)| {
        let (record, caller, filter) = (record.clone(), caller.clone(), filter.clone());
        async move {
            let mut text = if first { format.head() } else { String::new() };
            while let Some(from) = before {
                let life = &caller.standing.life;
                let piece = Box::pin(record.export_piece(&caller, &filter, from));
                let piece = life.during(piece).await??;
                before = piece.next;
                for event in &piece.events {
                    format.write(event, &mut text);
                }
                if !text.is_empty() {
                    break;
                }
            }
            let more = !text.is_empty();
            Ok::<_, Error>(more.then(|| (Bytes::from(text), (before, false))))
        }
    });
    let headers = match format {
        Format::Jsonl => [
            (CONTENT_TYPE, "application/jsonl"),
            (CONTENT_DISPOSITION, "attachment; filename=\"events.jsonl\""),
        ],
        Format::Csv => [
            (CONTENT_TYPE, "text/csv; charset=utf-8"),
            (CONTENT_DISPOSITION, "attachment; filename=\"events.csv\""),
        ],
    };
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Format {
    fn head(self) -> String {
        match self {
            Self::Jsonl => String::new(),
            Self::Csv => COLUMNS.map(|(title, _)| title).join(",") + "\r\n",
        }
    }

    fn write(self, event: &Value, out: &mut String) {
        match self {
            Self::Jsonl => {
                out.push_str(&event.to_string());
                out.push('\n');
            }
            Self::Csv => {
                let cells = COLUMNS.map(|(_, pointer)| match pointer {
                    "" => cell(&why_and_what(event)),
                    pointer => match event.pointer(pointer) {
                        None | Some(Value::Null) => String::new(),
                        Some(Value::String(text)) => cell(text),
                        // A number of ours is no formula.
                        Some(other) => other.to_string(),
                    },
                });
                out.push_str(&cells.join(","));
                out.push_str("\r\n");
            }
        }
    }
}

/// What has no columns of its own, as JSON.
fn why_and_what(event: &Value) -> String {
    let mut rest = serde_json::Map::new();
    for name in ["changes", "reason"] {
        if let Some(value) = event.get(name).filter(|value| !value.is_null()) {
            rest.insert(name.to_owned(), value.clone());
        }
    }
    if rest.is_empty() { String::new() } else { Value::Object(rest).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_cell_for_each_column_and_none_runs() {
        let mut line = String::new();
        let event = serde_json::json!({ "sequence": 3, "userAgent": "=1+1", "changes": null });
        Format::Csv.write(&event, &mut line);
        assert_eq!(line.split(',').count(), COLUMNS.len());
        assert!(line.starts_with("3,,") && line.contains(",\"'=1+1\","), "{line}");
    }
}
