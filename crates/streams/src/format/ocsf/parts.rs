//! The objects of OCSF that an event of the record fills.

use std::net::IpAddr;

use serde_json::{Value, json};

/// A text of the event, where it has one.
pub(super) fn text(recorded: &Value, pointer: &str) -> Value {
    let text = recorded.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map_or(Value::Null, Value::from)
}

fn is_erased(recorded: &Value) -> bool {
    recorded.get("erased").and_then(Value::as_array).is_some_and(|parts| !parts.is_empty())
}

/// Severity, status, and the status in a word.
pub(super) fn how_it_ended(recorded: &Value) -> (i64, i64, &'static str) {
    match recorded.get("outcome").and_then(Value::as_str) {
        Some("success") | None => (1, 1, "Success"),
        Some("denied" | "failed") => (3, 2, "Failure"),
        Some("started") => (1, 99, "Started"),
        Some("aborted") => (2, 99, "Aborted"),
        Some(_) => (2, 0, "Unknown"),
    }
}

/// Somebody by id; forgotten, if their key was destroyed.
fn user(id: &Value, recorded: &Value) -> Value {
    match id.as_str() {
        Some(id) => json!({ "uid": id }),
        None if is_erased(recorded) => json!({ "name": "erased" }),
        None => json!({ "name": "unknown" }),
    }
}

pub(super) fn actor(recorded: &Value) -> Value {
    if !recorded.is_object() {
        return json!({ "app_name": "Portico" });
    }
    let mut actor = user(&text(recorded, "/userId"), recorded);
    let (kind, id) = match recorded.get("actorKind").and_then(Value::as_str) {
        Some("member") => ("User", 1),
        Some("operator") => ("Admin", 2),
        Some("node") => ("System", 3),
        Some("service_account") => ("Service", 4),
        Some(_) => ("Other", 99),
        None => ("Unknown", 0),
    };
    if let Some(members) = actor.as_object_mut() {
        members.insert("type_id".to_owned(), id.into());
        members.insert("type".to_owned(), kind.into());
        let key = text(recorded, "/keyId");
        if !key.is_null() {
            members.insert("credential_uid".to_owned(), key);
        }
        let teams = recorded.get("teamIds").and_then(Value::as_array);
        let groups: Vec<Value> =
            teams.into_iter().flatten().map(|team| json!({ "uid": team })).collect();
        if !groups.is_empty() {
            members.insert("groups".to_owned(), groups.into());
        }
    }
    json!({ "user": actor, "app_name": "Portico" })
}

pub(super) fn source(recorded: &Value) -> Value {
    let address = recorded.get("ipAddress").and_then(Value::as_str);
    match address.filter(|address| address.parse::<IpAddr>().is_ok()) {
        Some(address) => json!({ "ip": address }),
        None if is_erased(recorded) => json!({ "name": "erased" }),
        None => json!({ "name": "unknown" }),
    }
}

pub(super) fn request(recorded: &Value) -> Value {
    match text(recorded, "/userAgent") {
        Value::Null => Value::Null,
        agent => json!({ "user_agent": agent }),
    }
}

/// Whose account it is about: the resource if it is somebody, else whoever acted.
pub(super) fn user_of(recorded: &Value) -> Value {
    let kind = recorded.get("resourceType").and_then(Value::as_str);
    let somebody = matches!(kind, Some("member" | "service_account" | "service" | "user"));
    let owner = ["/changes/owner/to", "/changes/owner", "/changes/subject/to", "/changes/subject"];
    let owner = owner.iter().map(|pointer| text(recorded, pointer)).find(|it| !it.is_null());
    let id = match owner {
        _ if somebody => text(recorded, "/resourceId"),
        Some(owner) => owner,
        None => text(recorded, "/userId"),
    };
    user(&id, recorded)
}

pub(super) fn entity(recorded: &Value) -> Value {
    let kind = recorded.get("resourceType").and_then(Value::as_str).unwrap_or("unknown");
    let mut entity = json!({ "type": kind });
    if let Some(members) = entity.as_object_mut() {
        match text(recorded, "/resourceId") {
            Value::Null => members.insert("name".to_owned(), "erased".into()),
            id => members.insert("uid".to_owned(), id),
        };
        if let Some(changes) = recorded.get("changes").filter(|changes| !changes.is_null()) {
            members.insert("data".to_owned(), changes.clone());
        }
    }
    entity
}

pub(super) fn api(action: &str, recorded: &Value) -> Value {
    let mut api = json!({ "operation": action, "service": { "name": "Portico" } });
    if let (Some(members), id @ Value::String(_)) =
        (api.as_object_mut(), text(recorded, "/requestId"))
    {
        members.insert("request".to_owned(), json!({ "uid": id }));
    }
    api
}

pub(super) fn resources(recorded: &Value) -> Value {
    match text(recorded, "/resourceId") {
        Value::Null => Value::Null,
        id => json!([{ "uid": id, "type": text(recorded, "/resourceType") }]),
    }
}

/// The model of a call. Who answered is not known before it ended.
pub(super) fn model(recorded: &Value) -> Value {
    let Some(call) = recorded.get("call").filter(|call| call.is_object()) else {
        return Value::Null;
    };
    let name = call.get("model").and_then(Value::as_str).filter(|name| !name.is_empty());
    let provider = call.get("provider").and_then(Value::as_str);
    json!({ "name": name.unwrap_or("unknown"), "ai_provider": provider.unwrap_or("unknown") })
}

pub(super) fn tokens(recorded: &Value) -> Value {
    let Some(call) = recorded.get("call").filter(|call| call.is_object()) else {
        return Value::Null;
    };
    let count = |name: &str| call.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (read, written) = (count("tokensIn"), count("tokensOut"));
    json!({
        "service": { "name": "Portico" },
        "uid": text(recorded, "/resourceId"),
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read.saturating_add(written),
    })
}
