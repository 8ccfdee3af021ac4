//! The catalogue of actions: everything that the record may say was done, since when, and
//! under whose key each field of it stands.

use std::fmt::Write as _;

use serde::Serialize;

use crate::entry::FIELDS;
use crate::words::{self, Words};

/// Each action and the version of the catalogue that brought it, a line each. Lines are only
/// added: what was recorded once has words for ever.
const SINCE: &str = include_str!("../actions.txt");

/// One action of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Action {
    /// `room.noun.verb`.
    pub action: &'static str,
    /// In plain words.
    pub title: &'static str,
    /// What the capability is called that it belongs to.
    pub area: &'static str,
    /// The version of the catalogue that brought it.
    pub since: u32,
}

/// One field of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its name.
    pub field: &'static str,
    /// `core`, `subject` or `payload`.
    pub class: &'static str,
    /// What it is.
    pub what: &'static str,
}

/// Every action, area by area.
pub fn actions() -> Vec<Action> {
    let mut actions: Vec<Action> = words::all().map(told).collect();
    actions.sort_unstable_by_key(|one| one.action);
    actions
}

/// Every field of an event, class by class. A field keeps its class for ever.
pub fn fields() -> Vec<Field> {
    let field = |(field, class, what): &(&'static str, crate::entry::Class, &'static str)| Field {
        field,
        class: class.as_str(),
        what,
    };
    FIELDS.iter().map(field).collect()
}

/// The catalogue as documentation: Markdown.
pub fn catalogue() -> String {
    let mut text = String::from(HEAD);
    for field in fields() {
        let _infallible =
            writeln!(text, "| `{}` | {} | {} |", field.field, field.class, field.what);
    }
    text.push_str(ACTIONS);
    for one in actions() {
        let _infallible =
            writeln!(text, "| `{}` | {} | {} | {} |", one.action, one.title, one.area, one.since);
    }
    text
}

fn told(words: &'static Words) -> Action {
    let since = SINCE.lines().find_map(|line| line.strip_suffix(words.action)?.trim().parse().ok());
    Action {
        action: words.action,
        title: words.title,
        area: words::room(words.action),
        // A test sees to it that every action has its line.
        since: since.unwrap_or_default(),
    }
}

const HEAD: &str = "# What the record says

Printed by `portico actions`; `portico actions --json` gives the same to programs. Actions and fields are only ever added.

## Fields of an event, and their class

Each class is committed to and sealed for itself ([format](record-format.md)): `core` under the org's key, `subject` under
the key of whoever acted, `payload` under the key of what it was done to.

| field | class | is |
|---|---|---|
";

const ACTIONS: &str = "
## Actions

| action | in words | area | since version |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What each version of the catalogue ends with: how many actions there are, and the
    /// SHA-256 of their lines. A version that was released never changes.
    const VERSIONS: &[(u32, usize, &str)] =
        &[(1, 179, "ef6dae322bb57510feed93bf9d6d6c7e1a1496e8f9ac9bfb0976b80e00c53923")];

    #[test]
    fn an_action_that_was_recorded_once_has_words_for_ever() {
        let known: BTreeSet<_> = actions().iter().map(|one| one.action).collect();
        let lines: Vec<_> = SINCE.lines().map(|line| line.split_once(' ').unwrap()).collect();
        let listed: BTreeSet<_> = lines.iter().map(|(_, action)| *action).collect();
        assert_eq!(listed.len(), lines.len(), "each once");
        assert_eq!(known, listed, "add new actions at the end of crates/audit/actions.txt");
        let mut end = 0;
        for (version, count, digest) in VERSIONS {
            let of = &SINCE.lines().collect::<Vec<_>>()[end..end + count];
            assert!(of.iter().all(|line| line.starts_with(&format!("{version} "))), "{version}");
            let found =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, of.join("\n").as_bytes());
            let found = found.as_ref().iter().fold(String::new(), |t, b| t + &format!("{b:02x}"));
            assert_eq!(&found, digest, "version {version} was changed after it was released");
            end += count;
        }
        assert_eq!(end, lines.len(), "actions of no version");
    }

    #[test]
    fn the_documentation_lists_every_action_and_field() {
        let file = include_str!("../../../docs/use/actions.md");
        assert!(catalogue() == file, "write it anew: portico actions > docs/use/actions.md");
    }
}
