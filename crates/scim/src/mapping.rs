//! Which role a group of a directory gives to its members.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kept::key;

/// Groups that one directory maps at most.
pub(crate) const MAPPED_MAX: usize = 50;
/// Characters of a group's name at most: as of a team's.
const GROUP_CHARS_MAX: usize = 120;
/// The role that a directory never gives.
pub(crate) const OWNER: &str = "org:owner";

/// A group, and the role that its members have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapped {
    /// The name of the group in the directory, in any case.
    pub group: String,
    /// The role: a built-in one or a custom one, never that of owners.
    pub role: String,
}

/// Holds a mapping to its rules. Whoever is in several groups has the role of the first.
pub(crate) fn checked(mapping: &[Mapped]) -> Result<Vec<Mapped>, Error> {
    if mapping.len() > MAPPED_MAX {
        return Err(Error::field("/mapping", format!("must have at most {MAPPED_MAX} groups")));
    }
    let mut checked: Vec<Mapped> = Vec::new();
    for (place, mapped) in mapping.iter().enumerate() {
        let group = mapped.group.trim();
        let length = group.chars().count();
        if length == 0 || length > GROUP_CHARS_MAX || group.contains(char::is_control) {
            let pointer = format!("/mapping/{place}/group");
            return Err(Error::field(&pointer, "must have 1 to 120 characters"));
        }
        if checked.iter().any(|known| key(&known.group) == key(group)) {
            let pointer = format!("/mapping/{place}/group");
            return Err(Error::field(&pointer, "stands in the list already"));
        }
        never_owner(&format!("/mapping/{place}/role"), &mapped.role)?;
        checked.push(Mapped { group: group.to_owned(), role: mapped.role.clone() });
    }
    Ok(checked)
}

pub(crate) fn never_owner(pointer: &str, role: &str) -> Result<(), Error> {
    if role == OWNER {
        return Err(Error::field(pointer, "must not be that of owners: a directory makes none"));
    }
    Ok(())
}

/// The role that membership in these groups gives; `groups` in lower case.
pub(crate) fn given<'a>(mapping: &'a [Mapped], groups: &[String]) -> Option<&'a str> {
    let mapped = mapping.iter().find(|mapped| groups.contains(&key(&mapped.group)));
    mapped.map(|mapped| mapped.role.as_str())
}

/// Whether a group gives a role.
pub(crate) fn maps(mapping: &[Mapped], group: &str) -> bool {
    mapping.iter().any(|mapped| key(&mapped.group) == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(group: &str, role: &str) -> Mapped {
        Mapped { group: group.to_owned(), role: role.to_owned() }
    }

    #[test]
    fn the_first_group_that_is_mapped_decides() {
        let mapping = checked(&[mapped(" Admins ", "org:admin"), mapped("Staff", "org:member")]);
        let mapping = mapping.unwrap();
        let groups = |names: &[&str]| names.iter().map(|name| key(name)).collect::<Vec<_>>();
        assert_eq!(given(&mapping, &groups(&["STAFF", "admins"])), Some("org:admin"));
        assert_eq!(given(&mapping, &groups(&["other"])), None);
        for wrong in [
            vec![mapped("", "org:admin")],
            vec![mapped("a", OWNER)],
            vec![mapped("a", "org:admin"), mapped("A ", "org:viewer")],
            (0..=MAPPED_MAX).map(|place| mapped(&place.to_string(), "org:admin")).collect(),
        ] {
            assert!(checked(&wrong).is_err());
        }
    }
}
