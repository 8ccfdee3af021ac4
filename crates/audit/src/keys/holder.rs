//! Whose key a value is under.

/// Who or what a key belongs to: destroying that key forgets what stands under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holder {
    /// The org: never forgotten while the org is.
    Org,
    /// A person or a thing, by its id.
    Of(String),
}

/// Ids of people: members, and guests of a setup link.
const PEOPLE: [&str; 2] = ["mem_", "stp_"];
/// Things that are no more than the org itself, or that only an act of somebody makes:
/// a call and a session belong to whoever made them.
const OF_THE_ORG: [&str; 4] = ["event", "org", "record", "retention"];
const OF_THE_ACTOR: [&str; 3] = ["call", "session", "view"];

impl Holder {
    /// The person of this id, or the org for what is none.
    pub(crate) fn of_person(id: &str) -> Self {
        if PEOPLE.iter().any(|prefix| id.starts_with(prefix)) {
            Self::Of(id.to_owned())
        } else {
            Self::Org
        }
    }

    /// Whose key is the key of changes and reasons.
    pub(crate) fn of_payload(resource_type: &str, resource_id: &str, actor: &Self) -> Self {
        if OF_THE_ORG.contains(&resource_type) {
            Self::Org
        } else if OF_THE_ACTOR.contains(&resource_type) {
            actor.clone()
        } else {
            Self::Of(resource_id.to_owned())
        }
    }
}
