//! Where a permission comes from: what a decision says in one line, taken apart so that
//! a page can name and link its parts.

use access::{Resource, TeamId};

use super::who::{Named, Names};

/// `org:admin by member`, `support by team team_… on pattern pat_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) role: String,
    /// The team or key that it was given to; none: the subject itself.
    through: Option<String>,
    pub(super) on: Option<Resource>,
}

/// The same, with names.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) role: String,
    pub(super) through: Option<Named>,
    pub(super) on: Option<Resource>,
}

impl Source {
    /// Takes a line of a decision apart.
    pub(super) fn of(words: &str) -> Self {
        let (role, rest) = words.split_once(" by ").unwrap_or((words, ""));
        let (through, on) = match rest.split_once(" on ") {
            Some((through, on)) => (through, on.split_once(' ')),
            None => (rest, None),
        };
        let id = through.strip_prefix("team ").or(through.strip_prefix("key "));
        Self {
            role: role.to_owned(),
            through: id.map(ToOwned::to_owned),
            on: on.map(|(kind, id)| Resource::new(kind, id)),
        }
    }

    /// The id of whatever it was given to, if that is not the subject itself.
    pub(super) fn id(&self) -> Option<&str> {
        self.through.as_deref()
    }

    /// With the names of what it mentions.
    pub(super) fn shown(self, names: &Names) -> Shown {
        let through = self.through.map(|id| names.of(&id));
        Shown { role: self.role, through, on: self.on }
    }
}

/// As a decision says it of what being in a team gives.
pub(super) fn through_team(id: &TeamId) -> String {
    format!("team {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_taken_apart() {
        for (words, role, through, on) in [
            ("org:admin by member", "org:admin", None, None),
            ("ops by service account", "ops", None, None),
            ("support by team team_1", "support", Some("team_1"), None),
            ("a by key key_1", "a", Some("key_1"), None),
            ("a by member on model x on y", "a", None, Some(("model", "x on y"))),
            ("a by team team_1 on pattern pat_1", "a", Some("team_1"), Some(("pattern", "pat_1"))),
        ] {
            let source = Source::of(words);
            assert_eq!((source.role.as_str(), source.id()), (role, through), "{words}");
            assert_eq!(source.on, on.map(|(kind, id)| Resource::new(kind, id)), "{words}");
        }
    }
}
