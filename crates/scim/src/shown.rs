//! Which attributes an answer has (RFC 7644, section 3.9).

use serde_json::Value;

use crate::document::Document;
use crate::place::{Place, Spot};
use crate::schema::Resource;

/// Names that one request gives at most.
const NAMES_MAX: usize = 100;

/// What a request wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Only these.
    only: Option<Vec<String>>,
    /// All but these.
    without: Vec<String>,
}

impl Shown {
    /// Reads two lists. Names that there are not are passed over: a client may ask for more
    /// than this service has.
    pub(crate) fn read(only: Option<Vec<String>>, without: Vec<String>) -> Self {
        let trimmed = |names: Vec<String>| -> Vec<String> {
            let names = names.iter().map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty()).take(NAMES_MAX).collect()
        };
        Self {
            only: only.map(trimmed).filter(|names| !names.is_empty()),
            without: trimmed(without),
        }
    }

    /// Whether an attribute is wanted at all: members need not be looked up if not.
    pub(crate) fn shows(&self, resource: Resource, name: &str) -> bool {
        let names = |list: &[String], whole: bool| {
            list.iter().filter_map(|text| Place::written(resource, text)).any(|place| match place {
                Place::Attribute(spot) => {
                    spot.attribute.name == name && !(whole && spot.sub.is_some())
                }
                Place::Extension(_) => false,
            })
        };
        match &self.only {
            Some(only) => names(only, false),
            None => !names(&self.without, true),
        }
    }

    /// Leaves in a document what is wanted. Its id and schemas always stay.
    pub(crate) fn of(&self, resource: Resource, document: Document) -> Document {
        let places = |names: &[String]| -> Vec<Place> {
            names.iter().filter_map(|name| Place::written(resource, name)).collect()
        };
        if let Some(only) = &self.only {
            let mut kept = Document::new();
            for name in ["schemas", "id"] {
                kept.extend(document.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            for place in places(only) {
                copy(&document, &mut kept, place);
            }
            return kept;
        }
        let mut kept = document;
        for place in places(&self.without) {
            take(&mut kept, place);
        }
        kept
    }
}

fn copy(from: &Document, to: &mut Document, place: Place) {
    let spot = match place {
        Place::Extension(schema) => {
            to.extend(from.get(&schema.id).map(|whole| (schema.id.clone(), whole.clone())));
            return;
        }
        Place::Attribute(spot) => spot,
    };
    let (from, to) = match spot.extension {
        None => (Some(from), to),
        Some(schema) => {
            let from = from.get(&schema.id).and_then(Value::as_object);
            if from.is_none() {
                return;
            }
            let inner = to.entry(schema.id.clone()).or_insert_with(|| Document::new().into());
            let Some(inner) = inner.as_object_mut() else { return };
            (from, inner)
        }
    };
    let Some(value) = from.and_then(|from| from.get(&spot.attribute.name)) else { return };
    let value = match spot.sub {
        None => value.clone(),
        Some(sub) => part(value, to.get(&spot.attribute.name), &sub.name),
    };
    to.insert(spot.attribute.name.clone(), value);
}

/// One part of each value, beside the parts that are there already.
fn part(value: &Value, beside: Option<&Value>, name: &str) -> Value {
    let one = |value: &Value, beside: Option<&Value>| {
        let mut parts = beside.and_then(Value::as_object).cloned().unwrap_or_default();
        parts.extend(value.get(name).map(|part| (name.to_owned(), part.clone())));
        Value::Object(parts)
    };
    match value {
        Value::Array(list) => {
            let beside = |place| beside.and_then(|beside| beside.get(place));
            list.iter().enumerate().map(|(place, value)| one(value, beside(place))).collect()
        }
        other => one(other, beside),
    }
}

fn take(from: &mut Document, place: Place) {
    let Spot { extension, attribute, sub } = match place {
        Place::Extension(schema) => {
            from.shift_remove(&schema.id);
            return;
        }
        Place::Attribute(spot) => spot,
    };
    if ["schemas", "id"].contains(&attribute.name.as_str()) {
        return;
    }
    let inside = match extension {
        None => Some(from),
        Some(schema) => from.get_mut(&schema.id).and_then(Value::as_object_mut),
    };
    let Some(inside) = inside else { return };
    let Some(sub) = sub else {
        inside.shift_remove(&attribute.name);
        return;
    };
    let values = match inside.get_mut(&attribute.name) {
        Some(Value::Array(list)) => list.as_mut_slice(),
        Some(other) => std::slice::from_mut(other),
        None => return,
    };
    for value in values {
        value.as_object_mut().map(|parts| parts.shift_remove(&sub.name));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn shown(only: &str, without: &str) -> Value {
        let ada = json!({
            "schemas": ["s"], "id": "1", "userName": "ada", "title": "x",
            "emails": [{"value": "a", "type": "work"}, {"value": "b"}],
            ENTERPRISE: {"department": "d", "costCenter": "c"},
        });
        let list = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
        let only = Some(list(only)).filter(|_| !only.is_empty());
        let shown = Shown::read(only, list(without));
        Value::Object(shown.of(Resource::User, ada.as_object().unwrap().clone()))
    }

    #[test]
    fn an_answer_has_what_was_asked_for_and_always_its_id() {
        assert_eq!(
            shown("USERNAME, emails.type,nonsense", ""),
            json!({"schemas": ["s"], "id": "1", "userName": "ada",
                "emails": [{"type": "work"}, {}]})
        );
        let department = format!("{ENTERPRISE}:department");
        assert_eq!(
            shown(&department, ""),
            json!({"schemas": ["s"], "id": "1", ENTERPRISE: {"department": "d"}})
        );
        assert_eq!(
            shown("", &format!("id,title,emails.value,{ENTERPRISE}")),
            json!({"schemas": ["s"], "id": "1", "userName": "ada",
                "emails": [{"type": "work"}, {}]})
        );
        let only = Shown::read(Some(vec!["members.value".into()]), vec![]);
        assert!(only.shows(Resource::Group, "members"));
        let without = Shown::read(None, vec!["MEMBERS".into()]);
        assert!(!without.shows(Resource::Group, "members"));
        assert!(without.shows(Resource::Group, "displayName"));
    }
}
