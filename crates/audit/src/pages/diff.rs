//! What an event changed, side by side.

use std::collections::HashMap;

use serde_json::Value;

/// One field of `changes`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) label: String,
    /// As it was; nothing if there was nothing.
    pub(super) before: Option<String>,
    /// As it is.
    pub(super) after: Option<String>,
}

/// What was told beside what changed.
pub(super) type Fact = (String, String);

/// Takes `changes` apart: what has a before or an after, and all else.
pub(super) fn apart(changes: &Value, known: &HashMap<String, String>) -> (Vec<Field>, Vec<Fact>) {
    let (mut fields, mut facts) = (Vec::new(), Vec::new());
    for (name, value) in changes.as_object().into_iter().flatten() {
        let pair = value.as_object().filter(|pair| {
            !pair.is_empty() && pair.keys().all(|key| matches!(key.as_str(), "from" | "to"))
        });
        match pair {
            // Told for who reads, and as it was.
            Some(pair) if pair.get("from") == pair.get("to") => {
                let same = pair.get("to").and_then(|value| readable(value, known));
                facts.extend(same.map(|text| (label(name), text)));
            }
            Some(pair) => fields.push(Field {
                label: label(name),
                before: pair.get("from").and_then(|value| readable(value, known)),
                after: pair.get("to").and_then(|value| readable(value, known)),
            }),
            None => facts.extend(readable(value, known).map(|text| (label(name), text))),
        }
    }
    (fields, facts)
}

/// `expires_at` as `Expires at`, `priceNanocents` as `Price nanocents`.
pub(super) fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for (place, character) in name.chars().enumerate() {
        match character {
            '_' => label.push(' '),
            upper if place > 0 && upper.is_ascii_uppercase() => {
                label.push(' ');
                label.push(upper.to_ascii_lowercase());
            }
            first if place == 0 => label.extend(first.to_uppercase()),
            other => label.push(other),
        }
    }
    label
}

/// A value as people read it: lists with commas, what is nested on lines of its own. An id
/// stands behind the name that it has.
pub(super) fn readable(value: &Value, known: &HashMap<String, String>) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(match known.get(text) {
            Some(name) => format!("{name} ({text})"),
            None => text.clone(),
        }),
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(|value| readable(value, known)).collect();
            let nested = list.iter().any(|value| value.is_object() || value.is_array());
            let text = texts.join(if nested { "\n" } else { ", " });
            Some(if text.is_empty() { "none".to_owned() } else { text })
        }
        Value::Object(fields) => {
            let lines = fields.iter().filter_map(|(name, value)| {
                readable(value, known).map(|text| format!("{}: {text}", label(name)))
            });
            Some(lines.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_read_side_by_side() {
        let known = HashMap::from([("mem_i".to_owned(), "Ingrid".to_owned())]);
        let changes = json!({
            "role": { "from": "org:member", "to": "org:admin" },
            "models": { "from": null, "to": ["small", "large"] },
            "owner": { "to": "mem_i" },
            "published_version": { "from": 1, "to": 1 },
            "resource": { "from": { "kind": "model", "id": "small" }, "to": null },
            "renamed": true,
            "filter": { "action": "identity.*", "user": "", "from": null },
            "nothing": null,
        });
        let (fields, facts) = apart(&changes, &known);
        let fields: Vec<_> = fields
            .iter()
            .map(|field| (field.label.as_str(), field.before.as_deref(), field.after.as_deref()))
            .collect();
        assert_eq!(
            fields,
            [
                ("Role", Some("org:member"), Some("org:admin")),
                ("Models", None, Some("small, large")),
                ("Owner", None, Some("Ingrid (mem_i)")),
                ("Resource", Some("Kind: model\nId: small"), None),
            ]
        );
        let facts: Vec<_> =
            facts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let expected =
            [("Published version", "1"), ("Renamed", "yes"), ("Filter", "Action: identity.*")];
        assert_eq!(facts, expected);
    }
}
