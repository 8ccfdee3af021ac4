//! `ArcSight` Common Event Format, version 0.

use std::net::IpAddr;

use serde_json::Value;

use crate::item::{Item, What, Whose};

pub(super) fn line(item: &Item, whose: &Whose) -> String {
    let head = [item.action(), &title(item), &severity(item).to_string()].map(head).join("|");
    let mut line = format!("CEF:0|Portico|Portico|1|{head}|");
    let mut first = true;
    let mut put = |key: &str, value: &str| {
        if !value.is_empty() {
            line.push_str(if first { "" } else { " " });
            line.push_str(key);
            line.push('=');
            line.push_str(&extension(value));
            first = false;
        }
    };
    put("rt", &item.at.as_millisecond().to_string());
    put("externalId", &item.key(whose));
    put("deviceExternalId", whose.org.as_str());
    put("deviceFacility", whose.region.as_str());
    put("act", item.action());
    put("cn1Label", "index");
    put("cn1", &item.index.to_string());
    match &item.what {
        What::Event(event) => {
            let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
            put("outcome", field("outcome"));
            put("suid", field("userId"));
            put("spriv", field("actorKind"));
            match field("ipAddress").parse() {
                Ok(IpAddr::V4(address)) => put("src", &address.to_string()),
                Ok(IpAddr::V6(address)) => {
                    put("c6a2Label", "Source IPv6 Address");
                    put("c6a2", &address.to_string());
                }
                Err(_) => {}
            }
            put("requestClientApplication", field("userAgent"));
            for (number, label, name) in [
                (1, "resourceType", "resourceType"),
                (2, "resourceId", "resourceId"),
                (3, "requestId", "requestId"),
                (4, "keyId", "keyId"),
            ] {
                if !field(name).is_empty() {
                    put(&format!("cs{number}Label"), label);
                    put(&format!("cs{number}"), field(name));
                }
            }
            for (number, name) in [(5, "call"), (6, "changes")] {
                if let Some(value) = event.get(name).filter(|value| !value.is_null()) {
                    put(&format!("cs{number}Label"), name);
                    put(&format!("cs{number}"), &value.to_string());
                }
            }
            for (key, name) in [("reason", "reason"), ("flexString1", "erased")] {
                if let Some(value) = event.get(name).filter(|value| !value.is_null()) {
                    if key == "flexString1" {
                        put("flexString1Label", "erased");
                    }
                    put(key, &value.to_string());
                }
            }
        }
        What::Checkpoint { .. } | What::Gap { .. } | What::Test => {
            put("cs6Label", "data");
            put("cs6", &item.data(whose).to_string());
        }
    }
    put("msg", &item.sentence());
    line
}

fn title(item: &Item) -> String {
    item.action().replace(['.', '_'], " ")
}

fn severity(item: &Item) -> u8 {
    let What::Event(event) = &item.what else {
        return if matches!(item.what, What::Gap { .. }) { 7 } else { 2 };
    };
    match event.get("outcome").and_then(Value::as_str) {
        Some("denied" | "failed") => 6,
        Some("aborted" | "unknown") => 4,
        Some(_) | None => 3,
    }
}

/// A field of the head: a bar would end it.
fn head(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('|', "\\|")
}

/// A value of the extension: an equals sign would begin the next one.
fn extension(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('=', "\\=").replace("\r\n", "\n");
    let text = text.replace('\n', "\\n").replace('\r', "\\r");
    plain(&text)
}

/// No character that ends a line or steers a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_in_an_event_ends_a_field_or_a_line_of_cef() {
        let event = json!({
            "sequence": 7, "timestamp": "2026-01-01T00:00:00Z", "action": "identity.key.revoked",
            "outcome": "success", "userId": "mem_1", "ipAddress": "2001:db8::1",
            "userAgent": "x=y|z\\ \r\nCEF:0|evil|\u{1b}[31m", "resourceType": "key",
            "resourceId": "key_1", "changes": { "name": { "from": "a=b", "to": "c\nd" } },
        });
        let whose = Whose {
            org: access::OrgId::new(base::time::At::UNIX_EPOCH),
            region: access::Region::Eu,
        };
        let line = line(&Item::event(event), &whose);
        assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line}");
        let unescaped = line.split("requestClientApplication=").nth(1).expect("the agent");
        assert!(unescaped.starts_with(r"x\=y|z\\ \nCEF:0|evil| [31m cs1Label="), "{unescaped}");
        assert!(line.contains("c6a2Label=Source IPv6 Address c6a2=2001:db8::1"), "{line}");
        let bars = line.replace("\\|", "");
        let head: Vec<&str> = bars.splitn(8, '|').collect();
        assert_eq!(
            head.get(4..7),
            Some(&["identity.key.revoked", "identity key revoked", "3"][..])
        );
        assert!(line.contains(&format!("externalId={}/7", whose.org)), "{line}");
        assert!(line.contains(r#"cs6={"name":{"from":"a\=b","to":"c\\nd"}}"#), "{line}");
        assert_eq!(super::head("a|b\\c\n"), r"a\|b\\c ");
    }
}
