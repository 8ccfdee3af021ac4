//! What a limit can hang on, and the names by which it is counted.

use std::fmt::{self, Write as _};
use std::ops::Range;

use access::{Caller, KeyId, MemberId, ServiceId, TeamId};
use audit::Payer;

use crate::core::{Ceiling, Level, Subject};

/// Bytes of a model's name that are counted by; longer ones are never configured.
const MODEL_BYTES_MAX: usize = 128;
/// Each one of a level, counted separately.
pub(crate) const EACH: &str = "*";

impl Level {
    /// All of them, from the widest to the narrowest.
    pub const ALL: [Self; 5] = [Self::Org, Self::Team, Self::Member, Self::Key, Self::Model];

    /// As in paths, SQL and the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Org => "org",
            Self::Team => "team",
            Self::Member => "member",
            Self::Key => "key",
            Self::Model => "model",
        }
    }
}

/// One subject, or each subject, of a level, as an admin names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) level: Level,
    key: String,
}

/// The text is no subject of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subject of the level `{}` is {}", .0.as_str(), self.needed())]
pub struct NotASubject(Level);

impl NotASubject {
    /// What the subject must be.
    pub(crate) const fn needed(self) -> &'static str {
        match self.0 {
            Level::Org => "`org`",
            Level::Team => "the id of a team, or `*` for each",
            Level::Member => "the id of a member or of a service account, or `*` for each",
            Level::Key => "the id of a key, or `*` for each",
            Level::Model => "a name of 1 to 128 bytes without control characters, or `*` for each",
        }
    }
}

impl Target {
    /// Checks what an admin wrote.
    pub(crate) fn new(level: Level, subject: &str) -> Result<Self, NotASubject> {
        let known = match level {
            Level::Org => subject == "org",
            Level::Team => subject == EACH || subject.parse::<TeamId>().is_ok(),
            Level::Member => {
                subject == EACH
                    || subject.parse::<MemberId>().is_ok()
                    || subject.parse::<ServiceId>().is_ok()
            }
            Level::Key => subject == EACH || subject.parse::<KeyId>().is_ok(),
            Level::Model => {
                (1..=MODEL_BYTES_MAX).contains(&subject.len())
                    && !subject.chars().any(char::is_control)
            }
        };
        let key = key(level, subject);
        if known { Ok(Self { level, key }) } else { Err(NotASubject(level)) }
    }

    /// The name by which it is stored and counted.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it stands for each one of its level.
    pub(crate) fn is_each(&self) -> bool {
        bare(&self.key) == EACH
    }
}

/// The name by which a subject is stored and counted.
pub(crate) fn key(level: Level, subject: &str) -> String {
    match level {
        Level::Org => subject.to_owned(),
        Level::Team | Level::Member | Level::Key | Level::Model => {
            format!("{}:{subject}", level.as_str())
        }
    }
}

/// The level of a name by which something is counted.
pub(crate) fn level_of(key: &str) -> Option<Level> {
    let level = key.split(':').next().unwrap_or_default();
    Level::ALL.into_iter().find(|known| known.as_str() == level)
}

/// The subject without its level, as in paths.
pub(crate) fn bare(key: &str) -> &str {
    key.split_once(':').map_or(key, |(_, subject)| subject)
}

/// The names of everything that a call passes: one text, cut.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    text: String,
    spans: Vec<(Level, Range<usize>)>,
}

impl Subjects {
    /// Of the caller alone.
    pub(crate) fn of(caller: &Caller) -> Self {
        Self::within(&caller.teams, caller.actor.payer(), caller.key.as_ref())
    }

    /// Of whoever a call is charged to, and the model.
    pub(crate) fn of_payer(payer: &Payer, model: &str) -> Self {
        let mut names = Self::within(&payer.teams, payer.member.as_deref(), payer.key.as_ref());
        names.push(Level::Model, shortened(model));
        names
    }

    fn within(teams: &[TeamId], member: Option<&str>, key: Option<&KeyId>) -> Self {
        let count = teams.len() + 4;
        let mut names =
            Self { text: String::with_capacity(count * 40), spans: Vec::with_capacity(count) };
        names.push(Level::Org, "org");
        for team in teams {
            names.push(Level::Team, team.as_str());
        }
        if let Some(member) = member {
            names.push(Level::Member, member);
        }
        if let Some(key) = key {
            names.push(Level::Key, key.as_str());
        }
        names
    }

    /// Of the caller, and the model.
    pub(crate) fn of_call(caller: &Caller, model: &str) -> Self {
        let mut names = Self::of(caller);
        names.push(Level::Model, shortened(model));
        names
    }

    fn push(&mut self, level: Level, subject: &str) {
        let start = self.text.len();
        if level != Level::Org {
            let _infallible = write!(self.text, "{}:", level.as_str());
        }
        self.text.push_str(subject);
        self.spans.push((level, start..self.text.len()));
    }

    /// From the org down to the model.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Level, &str)> {
        let text = |span: &Range<usize>| self.text.get(span.clone()).unwrap_or_default();
        self.spans.iter().map(move |(level, span)| (*level, text(span)))
    }

    /// With the ceiling of each.
    pub(crate) fn under<'a>(
        &'a self,
        ceiling: impl Fn(Level, &str) -> &'a Ceiling,
    ) -> Vec<Subject<'a>> {
        self.iter()
            .map(|(level, name)| Subject { level, name, ceiling: ceiling(level, name) })
            .collect()
    }
}

fn shortened(model: &str) -> &str {
    model.get(..model.floor_char_boundary(MODEL_BYTES_MAX)).unwrap_or(model)
}

/// A subject as people read it: `team`, `service account`.
pub(crate) fn spoken(level: Level, key: &str) -> impl fmt::Display {
    match level {
        Level::Org => "organization",
        Level::Team => "team",
        Level::Member if bare(key).starts_with(ServiceId::PREFIX) => "service account",
        Level::Member => "member",
        Level::Key => "key",
        Level::Model => "model",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_must_be_of_the_shape_of_its_level() {
        let team = "team_01JABCDEFGHJKMNPQRSTVWXYZ0";
        assert_eq!(Target::new(Level::Team, team).unwrap().key(), format!("team:{team}"));
        assert_eq!(Target::new(Level::Org, "org").unwrap().key(), "org");
        assert!(Target::new(Level::Key, "*").unwrap().is_each());
        assert_eq!(Target::new(Level::Model, "a:b/c").unwrap().key(), "model:a:b/c");
        let long = "x".repeat(129);
        for (level, wrong) in [
            (Level::Org, "*"),
            (Level::Team, "blue"),
            (Level::Key, team),
            (Level::Member, team),
            (Level::Model, ""),
            (Level::Model, "a\nb"),
            (Level::Model, long.as_str()),
        ] {
            assert!(Target::new(level, wrong).is_err(), "{level:?} {wrong}");
        }
    }

    #[test]
    fn the_name_of_a_model_is_counted_by_at_most_128_bytes() {
        let long = "é".repeat(100);
        assert_eq!(shortened(&long).len(), 128);
        assert_eq!(shortened("small"), "small");
    }
}
