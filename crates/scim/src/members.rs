//! Who is in a group, as a directory says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::error::Error;
use crate::matching::Inner;

/// Members of one group at most.
pub(crate) const MEMBERS_MAX: usize = 10_000;
/// Steps of one patch at most that look at every member of the group.
const LOOKS_MAX: usize = 20;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Membership {
    Add(Vec<String>),
    Remove(Vec<String>),
    RemoveWhere(Inner),
    Replace(Vec<String>),
}

/// The ids of users that a directory names as members: objects with a `value`, or bare.
pub(crate) fn ids(sent: &Value) -> Result<Vec<String>, Error> {
    let list = match sent {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list.as_slice(),
        other => std::slice::from_ref(other),
    };
    if list.len() > MEMBERS_MAX {
        return Err(too_many());
    }
    list.iter().map(id).collect()
}

fn id(member: &Value) -> Result<String, Error> {
    let wrong =
        || Error::Value("a member is an object with the id of a user as `value`".to_owned());
    if member
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("group"))
    {
        return Err(Error::Value("groups within groups are not kept: send the users".to_owned()));
    }
    let id = match member {
        Value::String(id) => id,
        Value::Object(parts) => {
            let value = parts.iter().find(|(name, _)| name.eq_ignore_ascii_case("value"));
            value.and_then(|(_, value)| value.as_str()).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    Ok(id.to_owned())
}

/// Who is in the group behind all steps.
pub(crate) fn after(
    before: &BTreeSet<String>,
    steps: &[Membership],
) -> Result<BTreeSet<String>, Error> {
    let mut members = before.clone();
    let mut looks = 0;
    for step in steps {
        match step {
            Membership::Add(ids) => members.extend(ids.iter().cloned()),
            Membership::Remove(ids) => {
                for id in ids {
                    members.remove(id);
                }
            }
            Membership::RemoveWhere(filter) => {
                if let Some(id) = filter.only_value() {
                    members.remove(id);
                    continue;
                }
                looks += 1;
                if looks > LOOKS_MAX {
                    let detail = "name whom to remove: one patch looks through the members";
                    return Err(Error::TooMany(format!("{detail} at most {LOOKS_MAX} times")));
                }
                members.retain(|id| !filter.holds(&json!({"value": id, "type": "User"})));
            }
            Membership::Replace(ids) => members = ids.iter().cloned().collect(),
        }
        if members.len() > MEMBERS_MAX {
            return Err(too_many());
        }
    }
    Ok(members)
}

fn too_many() -> Error {
    Error::TooMany(format!("a group has at most {MEMBERS_MAX} members"))
}
