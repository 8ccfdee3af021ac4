//! Syslog: RFC 5424 messages, counted in octets (RFC 5425), over TLS. Nobody acknowledges.

use base::time::At;
use serde_json::Value;

use super::answer::failed;
use super::{DEADLINE, Parcel, Trouble, Wires};
use crate::item::{Item, What, Whose};

/// The facility of audits.
const AUDIT: u8 = 13;

pub(super) fn piece(item: &Item, whose: &Whose, line: &str) -> String {
    let key = item.key(whose);
    let message = format!(
        "<{}>1 {} {} portico - {} [portico@32473 key=\"{}\" action=\"{}\"] {line}",
        AUDIT * 8 + severity(item),
        stamp(item.at),
        whose.org,
        item.kind(),
        value(&key),
        value(item.action()),
    );
    format!("{} {message}", message.len())
}

/// Six places behind the point at most.
fn stamp(at: At) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn severity(item: &Item) -> u8 {
    match &item.what {
        What::Event(event) => match event.get("outcome").and_then(Value::as_str) {
            Some("denied" | "failed") => 4,
            Some("aborted" | "unknown") => 5,
            Some(_) | None => 6,
        },
        What::Gap { .. } => 4,
        What::Checkpoint { .. } | What::Test => 6,
    }
}

/// A value of structured data.
fn value(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}

pub(super) async fn send(
    wires: &Wires,
    parcel: Parcel<'_>,
    host: &str,
    port: u16,
) -> Result<String, Trouble> {
    let bytes = parcel.pieces.concat();
    let fetch = wires.fetch.on_behalf_of(parcel.whose.org.as_str());
    let told = fetch.tell(host, port, bytes.as_bytes(), DEADLINE).await;
    told.map_err(|error| failed(&error))?;
    Ok("sent; syslog acknowledges nothing".to_owned())
}
