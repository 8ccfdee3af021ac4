//! One change of one attribute.

use serde_json::Value;

use super::Op;
use crate::document::{Document, coerced, is_primary, single};
use crate::error::Error;
use crate::matching::Inner;
use crate::place::Spot;
use crate::schema::{Attribute, Kind};

/// Values of one attribute at most, also on the way.
const VALUES_MAX: usize = 100;

/// Changes an attribute where it stands. `value` is nothing only for [`Op::Remove`].
pub(super) fn change(
    inside: &mut Document,
    op: Op,
    spot: &Spot,
    filter: Option<&Inner>,
    value: &Value,
) -> Result<(), Error> {
    let name = &spot.attribute.name;
    let mut standing = inside.shift_remove(name);
    standing = if spot.attribute.multi_valued {
        let list = match standing {
            Some(Value::Array(list)) => list,
            Some(other) => vec![other],
            None => Vec::new(),
        };
        let list = several(list, op, spot, filter, value)?;
        if list.len() > VALUES_MAX {
            return Err(Error::Value(format!("`{name}` has at most {VALUES_MAX} values")));
        }
        Some(list).filter(|list| !list.is_empty()).map(Value::Array)
    } else {
        only(standing, op, spot.attribute, spot.sub, value)?
    };
    if let Some(standing) = standing {
        inside.insert(name.clone(), standing);
    }
    Ok(())
}

/// An attribute with one value.
fn only(
    standing: Option<Value>,
    op: Op,
    attribute: &Attribute,
    sub: Option<&Attribute>,
    value: &Value,
) -> Result<Option<Value>, Error> {
    if attribute.kind != Kind::Complex {
        return if op == Op::Remove { Ok(None) } else { coerced(attribute, value) };
    }
    let mut parts = match standing {
        Some(Value::Object(parts)) => parts,
        Some(_) | None => Document::new(),
    };
    match (op, sub) {
        (Op::Remove, None) => return Ok(None),
        (Op::Remove, Some(sub)) => drop(parts.shift_remove(&sub.name)),
        (Op::Add | Op::Replace, Some(sub)) => set(&mut parts, sub, value)?,
        // Parts that are not named stay as they are.
        (Op::Add | Op::Replace, None) => merge(&mut parts, attribute, value)?,
    }
    Ok(Some(parts).filter(|parts| !parts.is_empty()).map(Value::Object))
}

fn set(parts: &mut Document, sub: &Attribute, value: &Value) -> Result<(), Error> {
    match single(sub, value)? {
        Some(value) => drop(parts.insert(sub.name.clone(), value)),
        None => drop(parts.shift_remove(&sub.name)),
    }
    Ok(())
}

fn merge(parts: &mut Document, attribute: &Attribute, value: &Value) -> Result<(), Error> {
    // Held to the schema as a whole; nothings among the parts take parts away.
    let whole = single(attribute, value)?;
    for (name, value) in value.as_object().into_iter().flatten() {
        if let Some(sub) = attribute.sub(name).filter(|_| value.is_null()) {
            parts.shift_remove(&sub.name);
        }
    }
    if let Some(Value::Object(sent)) = whole {
        parts.extend(sent);
    }
    Ok(())
}

/// An attribute with several values.
fn several(
    mut list: Vec<Value>,
    op: Op,
    spot: &Spot,
    filter: Option<&Inner>,
    value: &Value,
) -> Result<Vec<Value>, Error> {
    let attribute = spot.attribute;
    let meant: Vec<bool> =
        list.iter().map(|value| filter.is_none_or(|filter| filter.holds(value))).collect();
    let some = meant.contains(&true);
    match (op, spot.sub) {
        (Op::Remove, None) => {
            let sent = if filter.is_none() { coerced(attribute, value)? } else { None };
            let sent = sent.as_ref().and_then(Value::as_array);
            let goes = |(value, meant): (&Value, bool)| match sent {
                Some(sent) => sent.iter().any(|gone| same(gone, value)),
                None => meant,
            };
            let keep: Vec<bool> = list.iter().zip(meant).map(|pair| !goes(pair)).collect();
            let mut keep = keep.into_iter();
            list.retain(|_| keep.next().unwrap_or(true));
        }
        (Op::Remove, Some(sub)) => {
            for value in chosen(&mut list, &meant) {
                value.as_object_mut().map(|parts| parts.shift_remove(&sub.name));
            }
            list.retain(|value| value.as_object().is_none_or(|parts| !parts.is_empty()));
        }
        (Op::Add | Op::Replace, None) if filter.is_none() => {
            let sent = coerced(attribute, value)?;
            let sent = sent.and_then(|sent| match sent {
                Value::Array(list) => Some(list),
                _ => None,
            });
            let sent = sent.unwrap_or_default();
            if op == Op::Replace {
                return Ok(sent);
            }
            for value in sent {
                if !list.contains(&value) {
                    give_way(&mut list, &value);
                    list.push(value);
                }
            }
        }
        (Op::Add | Op::Replace, sub) if some => {
            for (place, _) in meant.iter().enumerate().filter(|(_, meant)| **meant) {
                let Some(standing) = list.get_mut(place) else { continue };
                let mut changed = match (op, sub, &*standing) {
                    (Op::Replace, None, _) => Document::new(),
                    (_, _, Value::Object(parts)) => parts.clone(),
                    _ => Document::new(),
                };
                match sub {
                    Some(sub) => set(&mut changed, sub, value)?,
                    None => merge(&mut changed, attribute, value)?,
                }
                let changed = Value::Object(changed);
                *standing = Value::Null;
                give_way(&mut list, &changed);
                if let Some(standing) = list.get_mut(place) {
                    *standing = changed;
                }
            }
        }
        // Entra sets parts of values that are not there yet: what the filter wants
        // to be equal, the new value has.
        (Op::Add | Op::Replace, sub) => {
            let made = filter.map_or_else(|| Some(Document::new()), Inner::made_of);
            let Some(mut made) = made else {
                return Err(Error::NoTarget(format!("no value of `{}` is meant", attribute.name)));
            };
            match sub {
                Some(sub) => set(&mut made, sub, value)?,
                None => merge(&mut made, attribute, value)?,
            }
            let made = Value::Object(made);
            give_way(&mut list, &made);
            list.push(made);
        }
    }
    Ok(list)
}

fn chosen<'a>(list: &'a mut [Value], meant: &'a [bool]) -> impl Iterator<Item = &'a mut Value> {
    list.iter_mut().zip(meant).filter(|(_, meant)| **meant).map(|(value, _)| value)
}

/// Whether a value that was sent means this one: of complex ones their `value` says so.
fn same(sent: &Value, standing: &Value) -> bool {
    match (sent.get("value"), standing.get("value")) {
        (Some(sent), Some(standing)) => sent == standing,
        _ => sent == standing,
    }
}

/// The new primary value takes the place of the old one.
fn give_way(list: &mut [Value], new: &Value) {
    if !is_primary(new) {
        return;
    }
    for value in list {
        if is_primary(value)
            && let Some(parts) = value.as_object_mut()
        {
            parts.insert("primary".to_owned(), Value::Bool(false));
        }
    }
}
