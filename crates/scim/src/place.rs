//! Where in a resource a filter, a path or a sort looks.

use scim_v2::filter::AttrPath;
use serde_json::Value;

use crate::document::Document;
use crate::schema::{Attribute, Kind, Resource, Schema};

/// A place in resources of one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A whole extension.
    Extension(&'static Schema),
    /// An attribute, or one part of it.
    Attribute(Spot),
}

/// An attribute, or one part of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    /// The extension that it stands in.
    pub(crate) extension: Option<&'static Schema>,
    pub(crate) attribute: &'static Attribute,
    pub(crate) sub: Option<&'static Attribute>,
}

impl Place {
    /// The place that a name means; none, if resources of this kind have no such place.
    pub(crate) fn of(resource: Resource, path: &AttrPath) -> Option<Self> {
        Self::named(resource, path.uri.as_deref(), &path.name, path.sub_attr.as_deref())
    }

    /// The same for a name as it stands in `attributes` and `sortBy`, where a part may be
    /// called `$ref`.
    pub(crate) fn written(resource: Resource, text: &str) -> Option<Self> {
        let (uri, rest) = match text.rsplit_once(':') {
            Some((uri, rest)) => (Some(uri), rest),
            None => (None, text),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        Self::named(resource, uri, name, sub)
    }

    fn named(resource: Resource, uri: Option<&str>, name: &str, sub: Option<&str>) -> Option<Self> {
        let (extension, attribute) = match uri {
            Some(uri) => {
                if let Some(whole) = resource.extension(&format!("{uri}:{name}")) {
                    return sub.is_none().then_some(Self::Extension(whole));
                }
                if uri.eq_ignore_ascii_case(&resource.core().id) {
                    (None, resource.attribute(name)?)
                } else {
                    let extension = resource.extension(uri)?;
                    (Some(extension), extension.attribute(name)?)
                }
            }
            None => match resource.attribute(name) {
                Some(attribute) => (None, attribute),
                // Clients leave the name of the extension out.
                None => resource
                    .extensions()
                    .iter()
                    .find_map(|schema| Some((Some(schema), schema.attribute(name)?)))?,
            },
        };
        let sub = match sub {
            Some(sub) => Some(attribute.sub(sub)?),
            None => None,
        };
        Some(Self::Attribute(Spot { extension, attribute, sub }))
    }
}

impl Spot {
    /// What is compared here: the part, the value, or of a complex value its `value`.
    pub(crate) fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or_else(|| leaf(self.attribute))
    }

    /// The values here.
    pub(crate) fn values<'a>(&self, document: &'a Document) -> Vec<&'a Value> {
        let inside = match self.extension {
            Some(extension) => document.get(&extension.id).and_then(Value::as_object),
            None => Some(document),
        };
        let Some(value) = inside.and_then(|inside| inside.get(&self.attribute.name)) else {
            return Vec::new();
        };
        let each = match value {
            Value::Array(list) => list.as_slice(),
            other => std::slice::from_ref(other),
        };
        each.iter().filter_map(|value| part(value, self.attribute, self.sub)).collect()
    }
}

/// What is compared of an attribute.
pub(crate) fn leaf(attribute: &'static Attribute) -> &'static Attribute {
    if attribute.kind == Kind::Complex {
        attribute.sub("value").unwrap_or(attribute)
    } else {
        attribute
    }
}

/// The part of a value that is meant.
fn part<'a>(value: &'a Value, attribute: &Attribute, sub: Option<&Attribute>) -> Option<&'a Value> {
    match sub {
        Some(sub) => value.get(&sub.name),
        None if attribute.kind == Kind::Complex => value.get("value").or(Some(value)),
        None => Some(value),
    }
}
