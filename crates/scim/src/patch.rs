//! Changing a document by operations (RFC 7644, section 3.5.2), as Entra and Okta send
//! them as well as by the book. All of them hold, or none.

mod operation;
mod spot;

use serde_json::Value;

pub(crate) use self::operation::{Op, Operation, member};
use crate::document::{Document, checked};
use crate::error::Error;
use crate::grammar;
use crate::matching::Inner;
use crate::members::{Membership, ids};
use crate::place::{Place, Spot};
use crate::schema::{Mutability, Resource, Schema};

/// What a patch comes to.
#[derive(Debug)]
pub(crate) struct Patched {
    pub(crate) document: Document,
    /// Who joins and leaves, in order; groups alone have members.
    pub(crate) memberships: Vec<Membership>,
}

/// Where a change goes.
struct Target {
    place: Place,
    /// The values that are meant, of an attribute with several.
    filter: Option<Inner>,
}

/// What becomes of what a directory may not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadOnly {
    /// It was named by a path: refused.
    Refused,
    /// It came along in an object: passed over, as in a whole resource.
    PassedOver,
}

/// Applies operations, one after the other.
pub(crate) fn apply(
    resource: Resource,
    document: Document,
    operations: &[Operation],
) -> Result<Patched, Error> {
    let mut patched = Patched { document, memberships: Vec::new() };
    for operation in operations {
        match &operation.path {
            Some(path) => {
                let target = Target::read(resource, path)?.ok_or_else(|| {
                    Error::Path("a path names an attribute that there is not".to_owned())
                })?;
                let value = operation.value.as_ref();
                patched.change(operation.op, &target, value, ReadOnly::Refused)?;
            }
            None => patched.spread(resource, operation)?,
        }
    }
    patched.document = checked(resource, patched.document)?;
    Ok(patched)
}

impl Target {
    fn read(resource: Resource, path: &str) -> Result<Option<Self>, Error> {
        // The grammar of paths has no `$ref`; nothing is patched there.
        let (attribute, filter, sub) = match grammar::path(path)? {
            scim_v2::filter::PatchPath::Attr(path) => (path, None, None),
            scim_v2::filter::PatchPath::Value(path) => {
                (path.attr, Some(path.filter), path.sub_attr)
            }
        };
        let Some(place) = Place::of(resource, &attribute) else { return Ok(None) };
        let Some(filter) = filter else { return Ok(Some(Self { place, filter: None })) };
        let Place::Attribute(spot) = place else { return Ok(None) };
        if !spot.attribute.multi_valued || spot.sub.is_some() {
            return Err(Error::Path("only values of a list are chosen by a filter".to_owned()));
        }
        let sub = match sub {
            Some(name) => {
                let Some(sub) = spot.attribute.sub(&name) else { return Ok(None) };
                Some(sub)
            }
            None => None,
        };
        let filter = Inner::of(spot.attribute, &filter).map_err(|error| match error {
            Error::Filter(detail) => Error::Path(detail),
            other => other,
        })?;
        Ok(Some(Self { place: Place::Attribute(Spot { sub, ..spot }), filter: Some(filter) }))
    }

    fn whole(
        extension: Option<&'static Schema>,
        attribute: &'static crate::schema::Attribute,
    ) -> Self {
        let spot = Spot { extension, attribute, sub: None };
        Self { place: Place::Attribute(spot), filter: None }
    }
}

impl Patched {
    /// An operation without a path: its value is an object whose names are the paths, as
    /// names, dotted or fully qualified.
    fn spread(&mut self, resource: Resource, operation: &Operation) -> Result<(), Error> {
        if operation.op == Op::Remove {
            return Err(Error::NoTarget("`remove` needs a path".to_owned()));
        }
        let Some(parts) = operation.value.as_ref().and_then(Value::as_object) else {
            return Err(Error::Value("without a path the value must be an object".to_owned()));
        };
        for (name, value) in parts {
            let target = if let Some(attribute) = resource.attribute(name) {
                Some(Target::whole(None, attribute))
            } else if let Some(extension) = resource.extension(name) {
                Some(Target { place: Place::Extension(extension), filter: None })
            } else {
                // What no schema knows is passed over, as in a whole resource.
                Target::read(resource, name).unwrap_or_default()
            };
            if let Some(target) = target {
                self.change(operation.op, &target, Some(value), ReadOnly::PassedOver)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        op: Op,
        target: &Target,
        value: Option<&Value>,
        read_only: ReadOnly,
    ) -> Result<(), Error> {
        let spot = match &target.place {
            Place::Extension(schema) => return self.extension(op, schema, value),
            Place::Attribute(spot) => spot,
        };
        let name = &spot.attribute.name;
        if spot.attribute.mutability == Mutability::ReadOnly || is_read_only(spot) {
            // Clients name the schemas along; nothing hangs on it.
            if read_only == ReadOnly::PassedOver || name == "schemas" {
                return Ok(());
            }
            return Err(Error::Mutability(format!("`{name}` is set by this service alone")));
        }
        if name == "members" {
            self.memberships.push(membership(op, spot, target.filter.as_ref(), value)?);
            return Ok(());
        }
        // A value that stands for no value takes away what is there.
        let op = if value.is_none_or(Value::is_null) { nothing(op, value)? } else { op };
        if op == Op::Remove && spot.attribute.required && spot.sub.is_none() {
            return Err(Error::Mutability(format!("`{name}` cannot be removed")));
        }
        let inside = match spot.extension {
            Some(schema) => {
                let inner = self.document.entry(schema.id.clone());
                let inner = inner.or_insert_with(|| Value::Object(Document::new()));
                inner.as_object_mut().ok_or_else(|| unreadable(name))?
            }
            None => &mut self.document,
        };
        spot::change(inside, op, spot, target.filter.as_ref(), value.unwrap_or(&Value::Null))?;
        if let Some(schema) = spot.extension {
            let empty = inside.is_empty();
            if empty {
                self.document.shift_remove(&schema.id);
            }
        }
        Ok(())
    }

    fn extension(
        &mut self,
        op: Op,
        schema: &'static Schema,
        value: Option<&Value>,
    ) -> Result<(), Error> {
        if op == Op::Remove {
            self.document.shift_remove(&schema.id);
            return Ok(());
        }
        let Some(parts) = value.and_then(Value::as_object) else {
            return Err(Error::Value("an extension must be an object".to_owned()));
        };
        for (name, value) in parts {
            if let Some(attribute) = schema.attribute(name) {
                let target = Target::whole(Some(schema), attribute);
                self.change(op, &target, Some(value), ReadOnly::PassedOver)?;
            }
        }
        Ok(())
    }
}

fn is_read_only(spot: &Spot) -> bool {
    spot.sub.is_some_and(|sub| sub.mutability == Mutability::ReadOnly)
}

fn unreadable(name: &str) -> Error {
    Error::Value(format!("`{name}` does not fit its schema"))
}

/// What an operation without a value means.
fn nothing(op: Op, value: Option<&Value>) -> Result<Op, Error> {
    match (op, value) {
        (Op::Remove, _) | (Op::Replace | Op::Add, Some(_)) => Ok(Op::Remove),
        (Op::Replace | Op::Add, None) => Err(Error::Value("a value is required".to_owned())),
    }
}

fn membership(
    op: Op,
    spot: &Spot,
    filter: Option<&Inner>,
    value: Option<&Value>,
) -> Result<Membership, Error> {
    if let Some(sub) = spot.sub.filter(|sub| sub.name != "value") {
        return Err(Error::Mutability(format!("`{}` of a member cannot be changed", sub.name)));
    }
    let sent = || ids(value.unwrap_or(&Value::Null));
    Ok(match (op, filter) {
        (Op::Remove, Some(filter)) => Membership::RemoveWhere(filter.clone()),
        // By the book nothing is sent along; Entra names whom it means.
        (Op::Remove, None) if value.is_none_or(Value::is_null) => Membership::Replace(Vec::new()),
        (Op::Remove, None) => Membership::Remove(sent()?),
        (Op::Replace | Op::Add, Some(_)) => {
            return Err(Error::Path("members are chosen by a filter to remove them".to_owned()));
        }
        (Op::Replace, None) => Membership::Replace(sent()?),
        (Op::Add, None) => Membership::Add(sent()?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(before: &Value, operations: &Value) -> Result<Value, Error> {
        let before = before.as_object().unwrap().clone();
        let operations = Operation::read(&json!({ "operations": operations })).unwrap();
        Ok(Value::Object(apply(Resource::User, before, &operations)?.document))
    }

    #[test]
    fn operations_do_what_the_rfc_says() {
        let ada = json!({"userName": "ada", "name": {"givenName": "Ada", "familyName": "L"},
            "emails": [{"value": "w", "type": "work", "primary": true}, {"value": "h", "type": "home"}]});
        for (operation, name, expected) in [
            (
                json!({"op": "add", "path": "name", "value": {"givenName": "A"}}),
                "name",
                json!({"givenName": "A", "familyName": "L"}),
            ),
            (
                json!({"op": "replace", "path": "name.familyName", "value": null}),
                "name",
                json!({"givenName": "Ada"}),
            ),
            (
                json!({"op": "add", "path": "emails", "value": {"value": "n", "primary": true}}),
                "emails",
                json!([{"value": "w", "type": "work", "primary": false}, {"value": "h", "type": "home"},
                       {"value": "n", "primary": true}]),
            ),
            (
                json!({"op": "add", "path": "emails", "value": [{"value": "h", "type": "home"}]}),
                "emails",
                ada["emails"].clone(),
            ),
            (
                json!({"op": "replace", "path": "emails", "value": [{"value": "n"}]}),
                "emails",
                json!([{"value": "n"}]),
            ),
            (
                json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "n"}}),
                "emails",
                json!([{"value": "w", "type": "work", "primary": true}, {"value": "n"}]),
            ),
            (
                json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
                "emails",
                json!([{"value": "w", "type": "work", "primary": false},
                       {"value": "h", "type": "home", "primary": true}]),
            ),
            (
                json!({"op": "remove", "path": "emails[primary eq true]"}),
                "emails",
                json!([{"value": "h", "type": "home"}]),
            ),
            (
                json!({"op": "remove", "path": "emails", "value": [{"value": "w"}]}),
                "emails",
                json!([{"value": "h", "type": "home"}]),
            ),
            (
                json!({"op": "remove", "path": "emails.type"}),
                "emails",
                json!([{"value": "w", "primary": true}, {"value": "h"}]),
            ),
            (json!({"op": "remove", "path": "emails"}), "emails", Value::Null),
            (
                json!({"op": "add", "value": {"id": "x", "meta": {}, "TITLE": "t", "nonsense": 1}}),
                "title",
                json!("t"),
            ),
            (json!({"op": "replace", "path": "schemas", "value": ["x"]}), "schemas", Value::Null),
        ] {
            let after = patched(&ada, &json!([operation])).unwrap();
            assert_eq!(after.get(name).cloned().unwrap_or_default(), expected, "{operation}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_in_the_words_of_the_rfc() {
        let ada = json!({"userName": "ada"});
        for (operation, kind) in [
            (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
            (json!({"op": "add", "path": "groups", "value": []}), "mutability"),
            (json!({"op": "remove", "path": "userName"}), "mutability"),
            (json!({"op": "replace", "path": "userName", "value": ""}), "invalidValue"),
            (json!({"op": "remove"}), "noTarget"),
            (
                json!({"op": "replace", "path": "emails[value sw \"x\"].value", "value": "y"}),
                "noTarget",
            ),
            (json!({"op": "add", "path": "title"}), "invalidValue"),
            (json!({"op": "add", "value": "x"}), "invalidValue"),
            (json!({"op": "add", "path": "colour", "value": "x"}), "invalidPath"),
            (json!({"op": "add", "path": "name[givenName eq \"x\"]", "value": {}}), "invalidPath"),
            (json!({"op": "add", "path": "emails[colour eq \"x\"]", "value": {}}), "invalidPath"),
            (json!({"op": "add", "path": "emails[", "value": {}}), "invalidPath"),
        ] {
            let refused = patched(&ada, &json!([operation])).unwrap_err();
            assert_eq!(refused.scim_type(), Some(kind), "{operation}: {refused}");
        }
        for body in [
            json!([]),
            json!({}),
            json!({"Operations": []}),
            json!({"Operations": [{"op": "move"}]}),
        ] {
            assert_eq!(Operation::read(&body).unwrap_err().scim_type(), Some("invalidSyntax"));
        }
    }
}
