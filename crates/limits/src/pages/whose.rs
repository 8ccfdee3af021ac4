//! Who or what a limit hangs on, in words.

use base::page::filters::percent_encoded;

use crate::core::Level;
use crate::subject::{EACH, spoken};

/// A subject, as a page names it.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) level: Level,
    pub(super) subject: String,
    pub(super) name: Option<String>,
}

impl Whose {
    /// Whether it is each one of the level.
    pub(super) fn is_each(&self) -> bool {
        self.level != Level::Org && self.subject == EACH
    }

    /// What it is called: the name, else the id.
    fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.subject)
    }

    /// In a sentence: `the whole organization`, `each key`, `team Blue`.
    pub(super) fn words(&self) -> String {
        match self.level {
            Level::Org => "the whole organization".to_owned(),
            Level::Member if self.is_each() => "each member and service account".to_owned(),
            level if self.is_each() => format!("each {}", level.as_str()),
            level => format!("{} {}", spoken(level, &self.subject), self.called()),
        }
    }

    /// As a heading: `Whole organization`, `Each key`, `Team Blue`.
    pub(super) fn title(&self) -> String {
        let words = self.words();
        let words = words.strip_prefix("the ").unwrap_or(&words);
        let mut characters = words.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect()
    }

    /// The id, where a name stands instead of it.
    pub(super) fn id(&self) -> Option<&str> {
        self.name.as_ref().map(|_| self.subject.as_str())
    }

    /// The page of this subject.
    pub(super) fn path(&self) -> String {
        format!("/limits/{}/{}", self.level.as_str(), percent_encoded(&self.subject))
    }

    /// The form that sets its limit.
    pub(super) fn set_path(&self) -> String {
        let subject = percent_encoded(&self.subject);
        format!("/limits/set?level={}&subject={subject}", self.level.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_called_by_its_name_else_by_its_id() {
        let whose = |level, subject: &str, name: Option<&str>| Whose {
            level,
            subject: subject.to_owned(),
            name: name.map(ToOwned::to_owned),
        };
        for (whose, words, title, path) in [
            (
                whose(Level::Org, "org", None),
                "the whole organization",
                "Whole organization",
                "/limits/org/org",
            ),
            (whose(Level::Key, "*", None), "each key", "Each key", "/limits/key/%2A"),
            (
                whose(Level::Member, "*", None),
                "each member and service account",
                "Each member and service account",
                "/limits/member/%2A",
            ),
            (
                whose(Level::Team, "team_1", Some("Blue")),
                "team Blue",
                "Team Blue",
                "/limits/team/team_1",
            ),
            (
                whose(Level::Member, "svc_1", None),
                "service account svc_1",
                "Service account svc_1",
                "/limits/member/svc_1",
            ),
            (
                whose(Level::Model, "open/small", None),
                "model open/small",
                "Model open/small",
                "/limits/model/open%2Fsmall",
            ),
        ] {
            assert_eq!((whose.words().as_str(), whose.title().as_str()), (words, title));
            assert_eq!(whose.path(), path);
        }
    }
}
