//! Splunk's HTTP Event Collector. What counts is the code in the body, not the status.

use base::fetch::{Answer, Request};
use base::secret::Secret;
use base::time::At;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::answer::judge;
use super::{Parcel, Trouble, Why, Wires};
use crate::format::Format;
use crate::item::{Item, Whose};

/// Codes that say that the events themselves are wrong: no data, invalid format, a field that
/// is required, blank or not to be indexed.
const REFUSED: [i64; 6] = [5, 6, 12, 13, 15, 16];

pub(super) fn piece(
    format: Format,
    item: &Item,
    whose: &Whose,
    line: &str,
    index: Option<&str>,
) -> String {
    let event = match format.is_json().then(|| serde_json::from_str(line)) {
        Some(Ok(event)) => event,
        Some(Err(_)) | None => Value::from(line),
    };
    let millis = item.at.as_millisecond();
    let time = format!("{}.{:03}", millis.div_euclid(1_000), millis.rem_euclid(1_000));
    let mut piece = json!({
        "time": time,
        "host": whose.org,
        "source": "portico",
        "sourcetype": format!("portico:{format}"),
        "event": event,
        "fields": { "portico_key": item.key(whose), "portico_kind": item.kind() },
    });
    if let (Some(members), Some(index)) = (piece.as_object_mut(), index) {
        members.insert("index".to_owned(), index.into());
    }
    piece.to_string()
}

pub(super) async fn send(wires: &Wires, parcel: Parcel<'_>, url: &str) -> Result<String, Trouble> {
    let url = format!("{}/services/collector/event", url.trim_end_matches('/'));
    let token = Secret::new(format!("Splunk {}", parcel.secret()?.reveal()));
    let post = Request::post(&url, "application/json", parcel.lines());
    let post = post.secret_header(AUTHORIZATION, &token);
    read(&wires.ask(parcel.whose, post).await?, parcel.now)
}

fn read(answer: &Answer, now: At) -> Result<String, Trouble> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let code = body.as_ref().and_then(|body| body.get("code")).and_then(Value::as_i64);
    let said = || String::from_utf8_lossy(&answer.body).into_owned();
    match code {
        Some(0) if answer.status.is_success() => Ok(said()),
        Some(code) if REFUSED.contains(&code) => {
            let ours = format!("answered {} with code {code}", answer.status);
            Err(Trouble::Refused { why: Why::new(ours, said()) })
        }
        // Whatever else it says, it is not that it took the events.
        Some(_) | None if answer.status.is_success() => {
            Err(Trouble::later_as(format!("answered {} without code 0:", answer.status), said()))
        }
        // Another index or no channel: a setting is to be mended, no event.
        Some(code @ (7 | 10 | 11)) => {
            let ours = format!("answered {} with code {code}", answer.status);
            Err(Trouble::later_as(ours, said()))
        }
        Some(_) | None => judge(answer, now),
    }
}
