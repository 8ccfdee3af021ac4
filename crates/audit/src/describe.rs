//! An event as a sentence: "Ingrid Petersen revoked the key ci of build-bot."

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::words;

/// What people and things are called, by their ids.
pub(crate) type Known = HashMap<String, String>;

/// The ids that an event names: those whose names a reader would like to see.
pub(crate) fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut ids = BTreeSet::new();
    for event in events {
        for field in ["userId", "resourceId", "keyId"] {
            let id = event.get(field).and_then(Value::as_str);
            ids.extend(id.map(|id| id.rsplit(':').next().unwrap_or(id).to_owned()));
        }
        for field in ["subject", "owner", "member", "replaced_by"] {
            ids.extend(changed(event, field).and_then(Value::as_str).map(ToOwned::to_owned));
        }
        for team in event.get("teamIds").and_then(Value::as_array).into_iter().flatten() {
            ids.extend(team.as_str().map(ToOwned::to_owned));
        }
    }
    ids.into_iter().collect()
}

/// What happened, as a sentence.
#[expect(clippy::implicit_hasher, reason = "what `Names` gives")]
pub fn describe(event: &Value, known: &HashMap<String, String>) -> String {
    let mut sentence = format!("{} {}", who(event, known), deed(event, known));
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

/// Who acted, by name.
pub(crate) fn who(event: &Value, known: &Known) -> String {
    let id = text(event, "userId");
    match text(event, "actorKind") {
        "operator" => match text(event, "supportRequest") {
            "" => format!("The operator ({id})"),
            request => format!("The operator’s support ({id}, request {request})"),
        },
        "node" => format!("Portico ({id})"),
        _ => known.get(id).cloned().unwrap_or_else(|| id.to_owned()),
    }
}

/// What was done, without who did it.
pub(crate) fn deed(event: &Value, known: &Known) -> String {
    let (action, outcome) = (text(event, "action"), text(event, "outcome"));
    let Some(words) = words::of(action) else {
        return format!("did {action} to {}", it(event, known));
    };
    let special = words.otherwise.iter().find(|(other, _)| *other == outcome);
    let says = special.map_or(words.says, |(_, says)| says);
    let mut deed = filled(says, event, known);
    // What was meant to happen did not, and the words do not say so.
    if special.is_none() && matches!(outcome, "failed" | "denied") && !says.contains("{why}") {
        deed.push_str(" without success");
        if let Some(why) = why(event) {
            deed.push_str(": ");
            deed.push_str(&why);
        }
    }
    deed
}

/// Why it was refused or failed.
pub(crate) fn why(event: &Value) -> Option<String> {
    let reason = event.get("reason").filter(|reason| reason.is_object())?;
    let forbidden = reason.pointer("/decision/policies").is_some();
    let missing = reason.pointer("/decision/missing").and_then(Value::as_str);
    if let Some(missing) = missing.filter(|_| forbidden) {
        return Some(missing.to_owned());
    }
    let needed = reason.pointer("/decision/permission").and_then(Value::as_str);
    if let Some(permission) = needed {
        return Some(format!("needs {permission}"));
    }
    let said = |name: &str| reason.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    said("detail")
        .map(ToOwned::to_owned)
        .or_else(|| said("code").map(|code| code.replace('_', " ")))
}

/// The thing that it was done to, by name.
pub(crate) fn it(event: &Value, known: &Known) -> String {
    let id = text(event, "resourceId");
    // Limits are named by their level and subject: `team:team_01…`, `team:*`.
    if let (Some((level, subject)), "limit") = (id.split_once(':'), text(event, "resourceType")) {
        let subject = known.get(subject).map_or(subject, String::as_str);
        return if subject == "*" { format!("each {level}") } else { format!("{level} {subject}") };
    }
    if !id.is_empty() && id == text(event, "organizationId") {
        return "this organization".to_owned();
    }
    known
        .get(id)
        .cloned()
        .or_else(|| changed(event, "name").and_then(Value::as_str).map(ToOwned::to_owned))
        .or_else(|| changed(event, "slug").and_then(Value::as_str).map(ToOwned::to_owned))
        .unwrap_or_else(|| id.to_owned())
}

/// A field of `changes` as it is now; as it was, if it is no more.
fn changed<'a>(event: &'a Value, field: &str) -> Option<&'a Value> {
    let value = event.get("changes")?.get(field)?;
    match value.as_object() {
        Some(two) if two.contains_key("to") || two.contains_key("from") => {
            let present = |name: &str| two.get(name).filter(|value| !value.is_null());
            present("to").or_else(|| present("from"))
        }
        _ => Some(value).filter(|value| !value.is_null()),
    }
}

/// Puts what is known into a sentence.
fn filled(says: &str, event: &Value, known: &Known) -> String {
    let mut out = String::new();
    let mut rest = says;
    while let Some((before, optional)) = rest.split_once('[') {
        out.push_str(&put(before, event, known).0);
        let (inside, after) = optional.split_once(']').unwrap_or((optional, ""));
        let (text, whole) = put(inside, event, known);
        if whole {
            out.push_str(&text);
        }
        rest = after;
    }
    out.push_str(&put(rest, event, known).0);
    out
}

/// The text with its names put in, and whether all of them were known.
fn put(says: &str, event: &Value, known: &Known) -> (String, bool) {
    let (mut out, mut whole) = (String::new(), true);
    let mut rest = says;
    while let Some((before, named)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = named.split_once('}').unwrap_or((named, ""));
        let value = value(name, event, known);
        whole &= value.is_some();
        out.push_str(value.as_deref().unwrap_or("?"));
        rest = after;
    }
    out.push_str(rest);
    (out, whole)
}

fn value(name: &str, event: &Value, known: &Known) -> Option<String> {
    let call = |field: &str| {
        event.get("call")?.get(field)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    match name {
        "it" => Some(it(event, known)),
        "why" => why(event),
        "model" | "pattern" if event.get("call").is_some() => call(name),
        field => changed(event, field).and_then(|value| plain(value, known)),
    }
}

/// A value as people read it, if it is short enough for a sentence.
fn plain(value: &Value, known: &Known) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(known.get(text).unwrap_or(text).clone()),
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => {
            let list: Option<Vec<_>> = list.iter().map(|value| plain(value, known)).collect();
            list.map(|list| list.join(", "))
        }
        Value::Object(fields) => match (fields.get("kind"), fields.get("id")) {
            (Some(Value::String(kind)), Some(Value::String(id))) => Some(format!("{kind} {id}")),
            _ => None,
        },
    }
}

/// A text field of an event.
pub(crate) fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_told_in_a_sentence() {
        let names = HashMap::from([
            ("mem_i".to_owned(), "Ingrid Petersen".to_owned()),
            ("key_c".to_owned(), "ci".to_owned()),
            ("svc_b".to_owned(), "build-bot".to_owned()),
        ]);
        let decision = json!({ "decision": { "permission": "users:create" } });
        for (event, sentence) in [
            (
                json!({ "action": "identity.key.revoked", "resourceId": "key_c",
                        "changes": { "owner": { "from": "svc_b" }, "name": { "from": "ci" } } }),
                "Ingrid Petersen revoked the key ci of build-bot.",
            ),
            (
                json!({ "action": "access.request.refused", "outcome": "denied", "reason": decision }),
                "Ingrid Petersen was refused: needs users:create.",
            ),
            (
                json!({ "action": "access.request.refused", "outcome": "denied", "reason": {
                    "decision": { "permission": "users:read", "policies": ["grl_1"],
                                  "missing": "a guardrail forbids it: “Office”" } } }),
                "Ingrid Petersen was refused: a guardrail forbids it: “Office”.",
            ),
            (
                json!({ "action": "identity.role.changed", "resourceId": "auditor",
                        "changes": { "permissions": { "from": [], "to": ["events:read"] } } }),
                "Ingrid Petersen changed the role auditor; it permits events:read.",
            ),
            (
                json!({ "action": "gateway.call.ended", "outcome": "failed",
                        "reason": { "code": "upstream_error" }, "call": { "model": "small" } }),
                "Ingrid Petersen got no answer from small: upstream error.",
            ),
            (
                json!({ "action": "gateway.call.ended", "outcome": "success",
                        "call": { "model": "small" } }),
                "Ingrid Petersen got an answer from small.",
            ),
            (
                json!({ "action": "identity.team.joined", "resourceId": "team_x",
                        "changes": { "member": { "to": "mem_i" } } }),
                "Ingrid Petersen put Ingrid Petersen into the team team_x.",
            ),
            (
                json!({ "action": "identity.grant.added", "resourceId": "grant_a", "changes":
                    { "subject": { "to": "mem_x" }, "role": { "to": "auditor" },
                      "resource": { "to": null } } }),
                "Ingrid Petersen gave mem_x the role auditor.",
            ),
            (
                json!({ "action": "limits.limit.set", "resourceId": "team_x", "outcome": "failed",
                        "reason": { "detail": "the disk is full" } }),
                "Ingrid Petersen set the limits of team_x without success: the disk is full.",
            ),
            (
                json!({ "action": "new.thing.done", "resourceId": "x" }),
                "Ingrid Petersen did new.thing.done to x.",
            ),
        ] {
            let mut event = event;
            event["userId"] = "mem_i".into();
            event["actorKind"] = "member".into();
            assert_eq!(describe(&event, &names), sentence);
        }
        let node = json!({ "userId": "n1", "actorKind": "node", "action": "gateway.call.ended",
            "outcome": "unknown", "call": { "model": "small" } });
        assert!(describe(&node, &names).starts_with("Portico (n1) called small; a crash cut"));
    }
}
