//! Permissions to be ticked.

use access::{Caller, PermissionSet};

use crate::pages::people::words::{TOPICS, Topic, what};

/// The boxes of one topic.
#[derive(Debug)]
pub(super) struct Boxes {
    pub(super) label: &'static str,
    pub(super) boxes: Vec<Tick>,
}

/// One box.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// What stands in the role: `users:read`, `users:*`.
    pub(super) value: String,
    pub(super) what: &'static str,
    pub(super) ticked: bool,
    /// The viewer has it, and so can give it.
    pub(super) giveable: bool,
}

impl Boxes {
    /// Every permission, with those ticked that a role names as they are written.
    pub(super) fn all(caller: &Caller, written: &[String]) -> Vec<Self> {
        let tick = |value: String, what| Tick {
            ticked: written.contains(&value),
            giveable: giveable(caller, &value),
            what,
            value,
        };
        let boxes = |topic: &Topic| {
            let all = tick(topic.all(), "all of it, also what is added later");
            let each = topic.permissions().map(|one| tick(one.as_str().to_owned(), what(one)));
            std::iter::once(all).chain(each).collect()
        };
        TOPICS.iter().map(|topic| Self { label: topic.label, boxes: boxes(topic) }).collect()
    }
}

fn giveable(caller: &Caller, text: &str) -> bool {
    PermissionSet::parse([text]).is_ok_and(|set| caller.access.wide().covers(set))
}

/// Without what stands beside an "all of it" that says it already.
pub(super) fn tidied(written: &[String]) -> Vec<String> {
    let said = |text: &String| {
        text.split_once(':').is_some_and(|(resource, action)| {
            action != "*" && written.contains(&format!("{resource}:*"))
        })
    };
    written.iter().filter(|text| !said(text)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_says_each_of_it() {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let written = texts(&["users:*", "users:read", "patterns:read", "nonsense"]);
        assert_eq!(tidied(&written), texts(&["users:*", "patterns:read", "nonsense"]));
    }
}
