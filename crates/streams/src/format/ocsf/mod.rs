//! OCSF 1.8.

mod class;
mod parts;

use serde_json::{Map, Value, json};

use self::class::{Class, Kind, OTHER};
use crate::item::{Item, What, Whose};

/// The version of the schema.
pub(crate) const VERSION: &str = "1.8.0";

type Object = Map<String, Value>;

pub(super) fn line(item: &Item, whose: &Whose) -> String {
    Value::Object(event(item, whose)).to_string()
}

fn event(item: &Item, whose: &Whose) -> Object {
    let kind = match &item.what {
        What::Event(_) => class::of(item.action()),
        What::Checkpoint { .. } | What::Gap { .. } | What::Test => {
            Kind { class: Class::ApiActivity, activity: OTHER }
        }
    };
    let nothing = Value::Null;
    let recorded = match &item.what {
        What::Event(recorded) => recorded,
        What::Checkpoint { .. } | What::Gap { .. } | What::Test => &nothing,
    };
    let mut out = Object::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    put("class_uid", kind.class.uid().into());
    put("category_uid", kind.class.category().into());
    put("activity_id", kind.activity.into());
    if kind.activity == OTHER {
        put("activity_name", class::verb(item.action()).into());
    }
    put("type_uid", (kind.class.uid() * 100 + kind.activity).into());
    put("time", item.at.as_millisecond().into());
    put("message", item.sentence().into());
    let (severity, status, named) = parts::how_it_ended(recorded);
    put("severity_id", severity.into());
    put("status_id", status.into());
    put("status", named.into());
    put("status_code", parts::text(recorded, "/reason/code"));
    put("status_detail", parts::text(recorded, "/reason/detail"));
    put("metadata", metadata(item, whose, recorded));
    put("actor", parts::actor(recorded));
    put("src_endpoint", parts::source(recorded));
    put("http_request", parts::request(recorded));
    match kind.class {
        Class::AccountChange | Class::Authentication => {
            put("user", parts::user_of(recorded));
            if kind.class == Class::Authentication {
                put("service", json!({ "name": "Portico" }));
            }
        }
        Class::EntityManagement => put("entity", parts::entity(recorded)),
        Class::ApiActivity => {
            put("api", parts::api(item.action(), recorded));
            put("resources", parts::resources(recorded));
            put("ai_model", parts::model(recorded));
            put("message_context", parts::tokens(recorded));
        }
    }
    put("unmapped", json!({ "portico": item.data(whose) }));
    out
}

fn metadata(item: &Item, whose: &Whose, recorded: &Value) -> Value {
    let mut metadata = json!({
        "version": VERSION,
        "product": { "name": "Portico", "vendor_name": "Portico" },
        "uid": item.key(whose),
        "sequence": item.index,
        "event_code": item.action(),
        "tenant_uid": whose.org,
        "log_name": "record",
        "original_time": item.at,
    });
    if let Some(members) = metadata.as_object_mut() {
        if recorded.get("call").is_some_and(Value::is_object) {
            members.insert("profiles".to_owned(), json!(["ai_operation"]));
        }
        let request = parts::text(recorded, "/requestId");
        if !request.is_null() {
            members.insert("correlation_uid".to_owned(), request);
        }
    }
    metadata
}
