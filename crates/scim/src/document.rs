//! A resource as a document: what a directory sent, in the names and types of the schema.
//! What no schema knows is left out, and so is what a directory may not set.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::schema::{Attribute, Kind, Mutability, Resource};

/// The attributes of one resource, by name.
pub(crate) type Document = Map<String, Value>;

/// Bytes of one value at most: a certificate has some thousands.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// Values of one attribute at most; members of a group are counted elsewhere.
const VALUES_MAX: usize = 100;
/// Bytes of a document at most.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Reads what a directory sent as a whole resource.
pub(crate) fn read(resource: Resource, sent: &Value) -> Result<Document, Error> {
    let sent = object(sent)?;
    let mut document = Document::new();
    for (name, value) in sent {
        if let Some(extension) = resource.extension(name) {
            let mut inner = Document::new();
            for (name, value) in object(value)? {
                if let Some(attribute) = extension.attribute(name) {
                    put(&mut inner, attribute, value)?;
                }
            }
            if !inner.is_empty() {
                document.insert(extension.id.clone(), Value::Object(inner));
            }
        } else if let Some(attribute) = resource.attribute(name) {
            put(&mut document, attribute, value)?;
        }
    }
    checked(resource, document)
}

fn object(value: &Value) -> Result<&Map<String, Value>, Error> {
    value.as_object().ok_or_else(|| Error::Syntax("a JSON object is expected".to_owned()))
}

/// Sets an attribute that a directory may set; one that it may not is passed over.
pub(crate) fn put(into: &mut Document, attribute: &Attribute, value: &Value) -> Result<(), Error> {
    if attribute.mutability == Mutability::ReadOnly || attribute.name == "members" {
        return Ok(());
    }
    match coerced(attribute, value)? {
        Some(value) => into.insert(attribute.name.clone(), value),
        None => into.shift_remove(&attribute.name),
    };
    Ok(())
}

/// A value as its attribute has it; nothing, if it stands for no value.
pub(crate) fn coerced(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        let only = value.as_array().filter(|list| list.len() == 1);
        return single(attribute, only.and_then(|list| list.first()).unwrap_or(value));
    }
    let list = match value {
        Value::Array(list) => list.as_slice(),
        other => std::slice::from_ref(other),
    };
    if list.len() > VALUES_MAX {
        let name = &attribute.name;
        return Err(Error::Value(format!("`{name}` has at most {VALUES_MAX} values")));
    }
    let mut values = Vec::with_capacity(list.len());
    for value in list {
        values.extend(single(attribute, value)?);
    }
    if primaries(&values) > 1 {
        return Err(Error::Value(format!("`{}` has more than one primary value", attribute.name)));
    }
    Ok(Some(values).filter(|values| !values.is_empty()).map(Value::Array))
}

fn primaries(values: &[Value]) -> usize {
    values.iter().filter(|value| is_primary(value)).count()
}

/// Whether this is the preferred one of several values.
pub(crate) fn is_primary(value: &Value) -> bool {
    value.get("primary").and_then(Value::as_bool) == Some(true)
}

/// One value of an attribute.
pub(crate) fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let wrong = |what: &str| Error::Value(format!("`{}` must be {what}", attribute.name));
    if value.is_null() {
        return Ok(None);
    }
    match attribute.kind {
        Kind::Complex => complex(attribute, value),
        Kind::Boolean => match value {
            Value::Bool(_) => Ok(Some(value.clone())),
            // As Entra writes them.
            Value::String(text) => boolean(text)
                .map(|truth| Some(Value::Bool(truth)))
                .ok_or_else(|| wrong("a boolean")),
            _ => Err(wrong("a boolean")),
        },
        Kind::Integer => match value {
            Value::Number(number) if number.is_i64() => Ok(Some(value.clone())),
            _ => Err(wrong("a whole number")),
        },
        Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime => {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(wrong("a text")),
            };
            if text.len() > VALUE_BYTES_MAX {
                return Err(wrong("shorter"));
            }
            if text.contains('\0') {
                return Err(wrong("without the character NUL"));
            }
            Ok(Some(Value::String(text)).filter(|_| !text_is_empty(value)))
        }
    }
}

fn text_is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// `true`, `True` or `TRUE`.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn complex(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let mut parts = Document::new();
    match value {
        Value::Object(sent) => {
            for (name, value) in sent {
                let sub = attribute.sub(name);
                if let Some(sub) = sub.filter(|sub| sub.mutability != Mutability::ReadOnly)
                    && let Some(value) = single(sub, value)?
                {
                    parts.insert(sub.name.clone(), value);
                }
            }
        }
        // Entra sends a manager as the bare id.
        Value::String(_) => {
            let sub = attribute.sub("value");
            if let Some(sub) = sub
                && let Some(value) = single(sub, value)?
            {
                parts.insert(sub.name.clone(), value);
            }
            if sub.is_none() {
                return Err(Error::Value(format!("`{}` must be an object", attribute.name)));
            }
        }
        _ => return Err(Error::Value(format!("`{}` must be an object", attribute.name))),
    }
    Ok(Some(parts).filter(|parts| !parts.is_empty()).map(Value::Object))
}

/// Holds a document to its schema and its bound.
pub(crate) fn checked(resource: Resource, document: Document) -> Result<Document, Error> {
    for attribute in resource.core().attributes.iter().filter(|attribute| attribute.required) {
        let given = document.get(&attribute.name).and_then(Value::as_str);
        if given.is_none_or(|text| text.trim().is_empty()) {
            return Err(Error::Value(format!("`{}` is required", attribute.name)));
        }
    }
    if Value::Object(document.clone()).to_string().len() > DOCUMENT_BYTES_MAX {
        let detail = format!("a resource has at most {DOCUMENT_BYTES_MAX} bytes");
        return Err(Error::Value(detail));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_directory_sends_is_kept_in_the_names_and_types_of_the_schema() {
        let sent = json!({
            "schemas": ["x"], "id": "mine", "USERNAME": "Ada", "active": "False",
            "password": "secret", "favouriteColour": "blue", "nickName": "", "title": null,
            "emails": [{"Value": "a@b.example", "primary": "True", "colour": "red"}],
            "groups": [{"value": "g"}], "employeeNumber": 7,
            "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user":
                {"manager": "u1", "employeeNumber": 7},
        });
        let document = read(Resource::User, &sent).unwrap();
        assert_eq!(
            Value::Object(document),
            json!({
                "userName": "Ada", "active": false,
                "emails": [{"value": "a@b.example", "primary": true}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
                    {"manager": {"value": "u1"}, "employeeNumber": "7"},
            })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_name_of_its_attribute() {
        for (sent, named) in [
            (json!({"userName": ["a", "b"]}), "userName"),
            (json!({"userName": " "}), "userName"),
            (json!({}), "userName"),
            (json!({"userName": "a\0"}), "userName"),
            (json!({"userName": "a", "active": "maybe"}), "active"),
            (json!({"userName": "a", "name": 7}), "name"),
            (json!({"userName": "a", "emails": [true]}), "emails"),
            (json!({"userName": "a".repeat(VALUE_BYTES_MAX + 1)}), "userName"),
            (json!({"userName": "a", "emails": vec![json!({"value": "x"}); 101]}), "emails"),
            (
                json!({"userName": "a", "emails": vec![json!({"value": "x", "primary": true}); 2]}),
                "emails",
            ),
        ] {
            let error = read(Resource::User, &sent).unwrap_err();
            assert_eq!(error.scim_type(), Some("invalidValue"));
            assert!(error.to_string().contains(named), "{error}");
        }
        assert_eq!(
            read(Resource::User, &json!([])).unwrap_err().scim_type(),
            Some("invalidSyntax")
        );
        let long = json!({"userName": "a", "addresses":
            vec![json!({"formatted": "x".repeat(VALUE_BYTES_MAX)}); 5]});
        assert!(read(Resource::User, &long).is_err(), "a document has a bound");
    }
}
