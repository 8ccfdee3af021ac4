//! Datadog's intake of logs, version 2.
//!
//! What is larger than a megabyte Datadog cuts off and says 202: nothing that we send is. What
//! is older than 18 hours it refuses without a word: such an event goes without its time as the
//! time of the log, which Datadog then sets itself, and with a tag that says so. Its own
//! time stands in it as always.

use base::fetch::Request;
use base::time::At;
use http::HeaderName;
use jiff::SignedDuration;
use serde_json::json;

use super::answer::judge;
use super::{Parcel, Trouble, Wires};
use crate::item::{Item, Whose};
use crate::target::intake;

const API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
/// How old a log may be, with an hour for its way.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(17);

pub(super) fn piece(item: &Item, whose: &Whose, line: &str, now: At) -> String {
    let late = now.duration_since(item.at) > AGE_MAX;
    let mut tags = format!("org:{},region:{},kind:{}", whose.org, whose.region, item.kind());
    if late {
        tags.push_str(",portico_late:true");
    }
    let mut piece = json!({
        "ddsource": "portico",
        "service": "portico",
        "hostname": whose.org,
        "ddtags": tags,
        "portico": { "key": item.key(whose), "index": item.index, "at": item.at },
        "message": line,
    });
    if let (Some(members), false) = (piece.as_object_mut(), late) {
        members.insert("timestamp".to_owned(), item.at.as_millisecond().into());
    }
    piece.to_string()
}

pub(super) async fn send(wires: &Wires, parcel: Parcel<'_>, site: &str) -> Result<String, Trouble> {
    let post = Request::post(&intake(site), "application/json", parcel.array());
    let post = post.secret_header(API_KEY, parcel.secret()?);
    judge(&wires.ask(parcel.whose, post).await?, parcel.now)
}
