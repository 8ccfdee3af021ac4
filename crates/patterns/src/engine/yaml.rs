//! Patterns as a YAML file: out of one org, into another, or under version control.
//!
//! ```yaml
//! patterns:
//!   - slug: reset-password
//!     name: Reset a password
//!     triggers:
//!       - How do I reset my password?
//!     data_class: internal
//!     answer: Open the portal and choose “Forgot password”.
//!     cases:
//!       - ask: my password does not work
//!         expect: match
//! ```

use std::collections::HashSet;

use access::DataClass;
use serde::{Deserialize, Serialize};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Location, MessageFormatter, Options, Spanned, UserMessageFormatter};

use super::case::{Case, check_cases};
use super::pattern::{Draft, DraftForm, Flaw};
use super::template::Template;

/// The largest file, in bytes.
const FILE_BYTES_MAX: usize = 1024 * 1024;
/// The most patterns in one file.
const PATTERNS_MAX: usize = 1_000;
/// The most complaints about one file; a person mends and tries again.
const FLAWS_MAX: usize = 100;

/// Why a file cannot be imported. Nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is too large to be read.
    #[error("{0}")]
    Size(&'static str),
    /// It is not a list of patterns.
    #[error("line {line}, column {column}: {message}")]
    Form {
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
    /// It is, but some patterns cannot be kept.
    #[error("{}", listed(.0))]
    Flaws(Vec<(u64, Flaw)>),
}

/// A pattern as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct FilePattern {
    /// What is taught. Without a data class, that of the version before it stays.
    pub draft: Draft,
    /// The cases that must pass before it is published. Absent: those that it has stay.
    pub cases: Option<Vec<Case>>,
}

/// The fields of a pattern in a file: those of a draft, and the cases.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    slug: String,
    name: String,
    triggers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_class: Option<DataClass>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<Template>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cases: Option<Vec<Case>>,
}

impl TryFrom<Form> for FilePattern {
    type Error = &'static str;

    fn try_from(form: Form) -> Result<Self, Self::Error> {
        let Form { slug, name, triggers, data_class, answer, template, cases } = form;
        let draft = DraftForm { slug, name, triggers, data_class, answer, template };
        let draft = Draft::try_from(draft)?;
        Ok(Self { draft, cases })
    }
}

impl From<FilePattern> for Form {
    fn from(pattern: FilePattern) -> Self {
        let DraftForm { slug, name, triggers, data_class, answer, template } = pattern.draft.into();
        Self { slug, name, triggers, data_class, answer, template, cases: pattern.cases }
    }
}

impl FilePattern {
    fn check(&self) -> Vec<Flaw> {
        let mut flaws = self.draft.check();
        flaws.extend(check_cases(self.cases.as_deref().unwrap_or_default()));
        flaws
    }
}

/// A file to read; the places are kept for the messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    patterns: Vec<Spanned<FilePattern>>,
}

/// A file to write.
#[derive(Serialize)]
struct Export<'a> {
    patterns: &'a [FilePattern],
}

/// Reads a file of patterns. All of them are good, or none is returned.
pub fn import(text: &str) -> Result<Vec<FilePattern>, ImportError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(ImportError::Size("a file must not be larger than 1 MiB"));
    }
    let read: Import = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let message = message(&error);
        ImportError::Form { line: location.line(), column: location.column(), message }
    })?;
    if read.patterns.len() > PATTERNS_MAX {
        return Err(ImportError::Size("a file must not hold more than 1,000 patterns"));
    }
    let mut slugs = HashSet::new();
    let mut flaws = Vec::new();
    for (place, one) in read.patterns.iter().enumerate() {
        let mut found = one.value.check();
        if !slugs.insert(one.value.draft.slug.as_str()) {
            found.push(Flaw::new("/slug", "is used twice in this file"));
        }
        let line = one.referenced.line();
        flaws.extend(found.into_iter().map(|flaw| {
            (line, Flaw { field: format!("/patterns/{place}{}", flaw.field), ..flaw })
        }));
    }
    if flaws.is_empty() {
        return Ok(read.patterns.into_iter().map(|one| one.value).collect());
    }
    flaws.truncate(FLAWS_MAX);
    Err(ImportError::Flaws(flaws))
}

/// Writes a file that [`import`] reads back to the same patterns.
pub fn export(patterns: &[FilePattern]) -> Result<String, serde_saphyr::SerializeError> {
    serde_saphyr::to_string(&Export { patterns })
}

/// Repetition by reference is how a small file becomes a large one, and a
/// second value for a key is how a reviewer is deceived: neither is read.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_documents: 1,
            max_depth: 8,
            max_nodes: 150_000,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        with_snippet: false,
    }
}

/// Says what to do about the limits that a person may meet with good intent.
fn message(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::Budget { breach, .. } = error {
        match breach {
            BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => {
                return "anchors and aliases are not read: write the text out".into();
            }
            BudgetBreach::Documents { .. } => return "a file holds one document".into(),
            _ => {}
        }
    }
    UserMessageFormatter.format_message(error).into_owned()
}

fn listed(flaws: &[(u64, Flaw)]) -> String {
    let lines: Vec<_> = flaws
        .iter()
        .map(|(line, flaw)| format!("line {line}: {} {}", flaw.field, flaw.message))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
