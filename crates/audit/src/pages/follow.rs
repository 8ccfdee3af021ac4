//! Following the record live: rows of the table as server-sent events.

use std::fmt::Write as _;

use access::Caller;
use askama::Template as _;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::db::DbError;
use base::http::Query;
use base::problem::Problem;
use futures_util::stream;

use super::Desk;
use super::row::Row;
use crate::Filter;
use crate::tail::{Tail, Told};

/// Milliseconds after which a browser comes again when a connection has ended.
const RETRY_MS: u32 = 1_000;
/// Askings without an event after which something is sent all the same: proxies cut off
/// what is silent.
const SILENT_MAX: u32 = 10;

struct Following {
    desk: Desk,
    caller: Caller,
    tail: Tail,
    silent: u32,
    begun: bool,
}

/// New events that match, as `text/event-stream`: an event `row` for each, its data a row
/// of the table; `left-out` with a number where more came than can be shown. The id is the
/// position behind which to go on. A connection ends after a minute, and 204 says that
/// this tail has lasted its ten minutes.
#[utoipa::path(get, path = "/record/tail", tag = "console", params(Filter),
    security(("key" = ["events:read"])),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 204)))]
pub(super) async fn follow(
    caller: Caller,
    State(desk): State<Desk>,
    Query(filter): Query<Filter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let Some(tail) = desk.record.follow(&caller, &filter, last).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let following = Following { desk, caller, tail, silent: 0, begun: false };
    let pieces = stream::try_unfold(following, async |mut following| {
        Ok::<_, DbError>(following.piece().await?.map(|piece| (Bytes::from(piece), following)))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

impl Following {
    /// The next piece that says something; nothing at the end.
    async fn piece(&mut self) -> Result<Option<String>, DbError> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Some(format!("retry: {RETRY_MS}\n\n")));
        }
        loop {
            let Some(told) = self.tail.next().await? else { return Ok(None) };
            match told {
                Told::LeftOut(count) => {
                    return Ok(Some(format!("event: left-out\ndata: {count}\n\n")));
                }
                Told::Events(events, behind) if events.is_empty() => {
                    self.silent += 1;
                    if self.silent >= SILENT_MAX {
                        self.silent = 0;
                        return Ok(Some(format!("id: {behind}\n\n")));
                    }
                }
                Told::Events(events, behind) => {
                    self.silent = 0;
                    let known = self.desk.names_in(&self.caller, &events).await;
                    // Of what cannot be asked nothing is said to be covered.
                    let covered = self.desk.log.covered(&self.caller).await.unwrap_or_default();
                    let mut piece = String::new();
                    for event in &events {
                        let row = Row::of(event, &known).covered_to(covered);
                        piece.push_str(&message(row.sequence, &row));
                    }
                    let _infallible = write!(piece, "id: {behind}\n\n");
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// One event of the stream. A lone CR ends a line there too (HTML, server-sent events, 9.2.6):
/// recorded text must not begin a field of its own.
fn message(id: i64, row: &Row) -> String {
    let data = data(&row.render().unwrap_or_default());
    format!("id: {id}\nevent: row\n{data}\n")
}

fn data(html: &str) -> String {
    html.split(['\n', '\r']).map(|line| format!("data: {line}\n")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_text_begins_no_field_of_the_stream() {
        let data = data("a\r\rretry: 999999999\rid: 9\nb");
        assert!(!data.contains('\r'), "{data:?}");
        assert!(data.lines().all(|line| line.starts_with("data: ")), "{data:?}");
    }
}
