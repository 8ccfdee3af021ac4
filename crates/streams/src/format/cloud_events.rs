//! `CloudEvents` 1.0 in JSON.

use serde_json::{Value, json};

use crate::item::{Item, What, Whose};

pub(super) fn line(item: &Item, whose: &Whose) -> String {
    let mut event = json!({
        "specversion": "1.0",
        "id": item.key(whose),
        "source": format!("urn:portico:{}:{}", whose.region, whose.org),
        "type": format!("portico.{}", item.action()),
        "time": item.at,
        // Sorted as text they are in the order of the record.
        "sequence": format!("{:020}", item.index),
        "datacontenttype": "application/json",
        "data": item.data(whose),
    });
    if let (What::Event(recorded), Some(members)) = (&item.what, event.as_object_mut()) {
        let field = |name: &str| recorded.get(name).and_then(Value::as_str);
        if let (Some(kind), Some(id)) = (field("resourceType"), field("resourceId")) {
            members.insert("subject".to_owned(), format!("{kind}/{id}").into());
        }
    }
    event.to_string()
}
