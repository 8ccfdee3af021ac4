//! A filter, made ready: names looked up, values in the type of what they are compared
//! with. Deciding about a resource then only compares.

use base::time::At;
use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::Value;

use crate::document::{Document, boolean};
use crate::error::Error;
use crate::grammar;
use crate::place::{Place, Spot};
use crate::schema::{Attribute, Kind, Resource};

/// A filter over resources of one kind.
#[derive(Debug)]
pub(crate) enum Test {
    One(Spot, Check),
    /// A value of the attribute for which all of the inner test holds.
    Within(Spot, Inner),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    /// A name that resources of this kind do not have, where several kinds are asked for.
    Never,
}

/// A filter over the values of one attribute.
#[derive(Debug, Clone)]
pub(crate) enum Inner {
    One(&'static Attribute, Check),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

/// What is asked of a value.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    Present,
    Compares(CompareOp, Wanted),
}

/// What a value is compared with.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Text {
        /// As it was written.
        given: String,
        /// In lower case, if case does not count.
        compared: String,
        case: Case,
    },
    Truth(bool),
    Time(At),
    Nothing,
}

/// Whether case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Counts,
    DoesNotCount,
}

/// What becomes of a name that resources of a kind do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is refused: a misspelt name must not look like "nobody".
    Refused,
    /// It matches nothing: several kinds are asked for.
    MatchesNothing,
}

impl Test {
    /// Reads a filter.
    pub(crate) fn read(resource: Resource, text: &str, unknown: Unknown) -> Result<Self, Error> {
        Self::of(resource, &grammar::filter(text)?, unknown)
    }

    fn of(resource: Resource, filter: &Filter, unknown: Unknown) -> Result<Self, Error> {
        let each = |filters: &[Filter]| {
            let each = filters.iter().map(|filter| Self::of(resource, filter, unknown));
            each.collect::<Result<Vec<_>, _>>()
        };
        let spot = |path: &AttrPath| match (Place::of(resource, path), unknown) {
            (Some(Place::Attribute(spot)), _) => Ok(Some(spot)),
            (Some(Place::Extension(_)) | None, Unknown::Refused) => {
                Err(Error::Filter("the filter names an attribute that there is not".to_owned()))
            }
            (Some(Place::Extension(_)) | None, Unknown::MatchesNothing) => Ok(None),
        };
        Ok(match filter {
            Filter::Attr(AttrExp::Present(path)) => {
                spot(path)?.map_or(Self::Never, |spot| Self::One(spot, Check::Present))
            }
            Filter::Attr(AttrExp::Comparison(path, how, value)) => match spot(path)? {
                Some(spot) => Self::One(spot, Check::compares(spot.leaf(), how, value)?),
                None => Self::Never,
            },
            Filter::ValuePath(inner) => match spot(&inner.attr)? {
                Some(spot) => Self::Within(spot, Inner::of(spot.attribute, &inner.filter)?),
                None => Self::Never,
            },
            Filter::Not(inner) => Self::Not(Box::new(Self::of(resource, inner, unknown)?)),
            Filter::And(filters) => Self::And(each(filters)?),
            Filter::Or(filters) => Self::Or(each(filters)?),
        })
    }

    /// Whether it looks at an attribute.
    pub(crate) fn uses(&self, name: &str) -> bool {
        match self {
            Self::One(spot, _) | Self::Within(spot, _) => spot.attribute.name == name,
            Self::Not(inner) => inner.uses(name),
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.uses(name)),
            Self::Never => false,
        }
    }

    /// Whether a resource is meant.
    pub(crate) fn holds(&self, document: &Document) -> bool {
        match self {
            Self::One(spot, check) => check.of_any(&spot.values(document)),
            Self::Within(spot, inner) => {
                let whole = Spot { sub: None, ..*spot };
                whole.elements(document).iter().any(|value| inner.holds(value))
            }
            Self::Not(inner) => !inner.holds(document),
            Self::And(all) => all.iter().all(|one| one.holds(document)),
            Self::Or(any) => any.iter().any(|one| one.holds(document)),
            Self::Never => false,
        }
    }
}

impl Spot {
    /// The values of the attribute, whole.
    fn elements<'a>(&self, document: &'a Document) -> &'a [Value] {
        let inside = match self.extension {
            Some(extension) => document.get(&extension.id).and_then(Value::as_object),
            None => Some(document),
        };
        match inside.and_then(|inside| inside.get(&self.attribute.name)) {
            Some(Value::Array(list)) => list.as_slice(),
            Some(other) => std::slice::from_ref(other),
            None => &[],
        }
    }
}

impl Inner {
    /// Reads what stands in the brackets behind an attribute.
    pub(crate) fn of(attribute: &'static Attribute, filter: &ValFilter) -> Result<Self, Error> {
        let each = |filters: &[ValFilter]| {
            let each = filters.iter().map(|filter| Self::of(attribute, filter));
            each.collect::<Result<Vec<_>, _>>()
        };
        let sub = |path: &AttrPath| {
            let plain = path.uri.is_none() && path.sub_attr.is_none();
            let sub = attribute.sub(&path.name).filter(|_| plain);
            sub.ok_or_else(|| Error::Filter(format!("`{}` has no such part", attribute.name)))
        };
        Ok(match filter {
            ValFilter::Attr(AttrExp::Present(path)) => Self::One(sub(path)?, Check::Present),
            ValFilter::Attr(AttrExp::Comparison(path, how, value)) => {
                let sub = sub(path)?;
                Self::One(sub, Check::compares(sub, how, value)?)
            }
            ValFilter::Not(inner) => Self::Not(Box::new(Self::of(attribute, inner)?)),
            ValFilter::And(filters) => Self::And(each(filters)?),
            ValFilter::Or(filters) => Self::Or(each(filters)?),
        })
    }

    /// Whether one value is meant.
    pub(crate) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::One(sub, check) => {
                let values: Vec<_> = value.get(&sub.name).into_iter().collect();
                check.of_any(&values)
            }
            Self::Not(inner) => !inner.holds(value),
            Self::And(all) => all.iter().all(|one| one.holds(value)),
            Self::Or(any) => any.iter().any(|one| one.holds(value)),
        }
    }

    /// The `value` that the one meant has, if nothing else is asked.
    pub(crate) fn only_value(&self) -> Option<&str> {
        match self {
            Self::One(sub, Check::Compares(CompareOp::Eq, wanted)) if sub.name == "value" => {
                wanted.as_text()
            }
            Self::One(..) | Self::Not(_) | Self::And(_) | Self::Or(_) => None,
        }
    }

    /// The parts that a value must have to be meant, if equalities alone say so: what a
    /// missing value is made of.
    pub(crate) fn made_of(&self) -> Option<Document> {
        match self {
            Self::One(sub, Check::Compares(CompareOp::Eq, wanted)) => {
                let value = wanted.as_given()?;
                Some(Document::from_iter([(sub.name.clone(), value)]))
            }
            Self::And(all) => all.iter().try_fold(Document::new(), |mut made, one| {
                made.extend(one.made_of()?);
                Some(made)
            }),
            Self::One(..) | Self::Not(_) | Self::Or(_) => None,
        }
    }
}

impl Check {
    fn compares(attribute: &Attribute, how: &CompareOp, value: &CompValue) -> Result<Self, Error> {
        let wrong = |what: &str| Error::Filter(format!("`{}` {what}", attribute.name));
        let equality = matches!(how, CompareOp::Eq | CompareOp::Ne);
        let order = matches!(how, CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le);
        let wanted = match (attribute.kind, value) {
            (_, CompValue::Null) if equality => Wanted::Nothing,
            (Kind::Boolean, CompValue::True) => Wanted::Truth(true),
            (Kind::Boolean, CompValue::False) => Wanted::Truth(false),
            (Kind::Boolean, CompValue::Str(text)) => {
                Wanted::Truth(boolean(text).ok_or_else(|| wrong("is compared with a boolean"))?)
            }
            (Kind::DateTime, CompValue::Str(text)) if equality || order => {
                Wanted::Time(text.parse().map_err(|_| wrong("is compared with a time"))?)
            }
            (Kind::Complex, _) => return Err(wrong("is compared by one of its parts")),
            (_, CompValue::Str(text)) => Wanted::text(attribute, text.clone()),
            (_, CompValue::Number(number)) => Wanted::text(attribute, number.to_string()),
            (_, CompValue::True | CompValue::False | CompValue::Null) => {
                return Err(wrong("cannot be compared with this value"));
            }
        };
        if matches!(wanted, Wanted::Truth(_)) && !equality {
            return Err(wrong("is a boolean and has no order"));
        }
        Ok(Self::Compares(how.clone(), wanted))
    }

    /// Whether it holds for any of the values; of no value, only that there is none, or
    /// that it is not something.
    fn of_any(&self, values: &[&Value]) -> bool {
        let mut present = values.iter().copied().filter(|value| !is_nothing(value)).peekable();
        match self {
            Self::Compares(CompareOp::Eq, Wanted::Nothing) => present.peek().is_none(),
            Self::Present | Self::Compares(CompareOp::Ne, Wanted::Nothing) => {
                present.peek().is_some()
            }
            Self::Compares(CompareOp::Ne, _) if present.peek().is_none() => true,
            Self::Compares(how, wanted) => present.any(|value| wanted.compares(how, value)),
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Wanted {
    fn text(attribute: &Attribute, text: String) -> Self {
        if attribute.case_exact {
            Self::Text { compared: text.clone(), given: text, case: Case::Counts }
        } else {
            let compared = text.to_lowercase();
            Self::Text { compared, given: text, case: Case::DoesNotCount }
        }
    }

    /// The text that is looked for, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { compared, .. } => Some(compared),
            Self::Truth(_) | Self::Time(_) | Self::Nothing => None,
        }
    }

    fn as_given(&self) -> Option<Value> {
        match self {
            Self::Text { given, .. } => Some(Value::String(given.clone())),
            Self::Truth(truth) => Some(Value::Bool(*truth)),
            Self::Time(_) | Self::Nothing => None,
        }
    }

    fn compares(&self, how: &CompareOp, value: &Value) -> bool {
        match self {
            Self::Nothing => false,
            Self::Truth(wanted) => {
                let equal = value.as_bool() == Some(*wanted);
                if *how == CompareOp::Ne { !equal } else { equal }
            }
            Self::Time(wanted) => {
                let at = value.as_str().and_then(|text| text.parse::<At>().ok());
                at.is_some_and(|at| ordered(how, &at, wanted))
            }
            Self::Text { compared, case, .. } => {
                let Some(text) = value.as_str() else { return false };
                match case {
                    Case::Counts => textual(how, text, compared),
                    Case::DoesNotCount => textual(how, &text.to_lowercase(), compared),
                }
            }
        }
    }
}

fn textual(how: &CompareOp, text: &str, wanted: &str) -> bool {
    match how {
        CompareOp::Co => text.contains(wanted),
        CompareOp::Sw => text.starts_with(wanted),
        CompareOp::Ew => text.ends_with(wanted),
        CompareOp::Eq
        | CompareOp::Ne
        | CompareOp::Gt
        | CompareOp::Lt
        | CompareOp::Ge
        | CompareOp::Le => ordered(how, text, wanted),
    }
}

fn ordered<T: PartialOrd + ?Sized>(how: &CompareOp, left: &T, right: &T) -> bool {
    match how {
        CompareOp::Eq => left == right,
        CompareOp::Ne => left != right,
        CompareOp::Gt => left > right,
        CompareOp::Lt => left < right,
        CompareOp::Ge => left >= right,
        CompareOp::Le => left <= right,
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

#[cfg(test)]
mod tests;
