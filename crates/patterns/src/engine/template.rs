//! A prepared way to ask a model: texts with typed variables.
//!
//! `{{name}}` stands for a variable, `{{question}}` for the last thing the
//! person said, and `\{{` for two braces. A value is inserted as it is and
//! never looked into, so that nobody can smuggle a variable through a question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pattern::Flaw;
use super::template_text::{Piece, pieces};
use super::template_variable::{Settings, Value, Variable};

/// The longest system or user text, in bytes.
const PART_BYTES_MAX: usize = 32 * 1024;
/// The longest text after the values are inserted, in bytes.
const RENDERED_BYTES_MAX: usize = 1024 * 1024;
/// The most variables of one template.
const VARIABLES_MAX: usize = 20;
/// The built-in variable.
const QUESTION: &str = "question";

/// Asks a model in a prepared way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What the model is told first, at most 32 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// What the model is asked, at most 32 KiB.
    pub user: String,
    /// What has to be filled in, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// The model to ask; the org's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How to ask it.
    #[serde(default, skip_serializing_if = "Settings::is_default")]
    pub settings: Settings,
}

/// A template with its values in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The system text; empty when the template has none.
    pub system: String,
    /// The user text.
    pub user: String,
}

/// Why a template could not be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("variable `{variable}` {message}")]
pub struct RenderError {
    /// The variable that is missing, unknown or invalid.
    pub variable: String,
    /// What is wrong with it.
    pub message: String,
}

impl RenderError {
    fn new(variable: &str, message: impl Into<String>) -> Self {
        Self { variable: variable.into(), message: message.into() }
    }
}

impl Template {
    /// Everything that is wrong with this template; `at` is where it stands.
    pub(super) fn check(&self, at: &str) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut used = BTreeSet::new();
        for (part, text) in [("system", &self.system), ("user", &self.user)] {
            match names(text) {
                Ok(names) => {
                    for name in names.iter().filter(|name| !self.knows(name)) {
                        let message = format!("uses `{{{{{name}}}}}`, which is not declared");
                        flaws.push(Flaw::new(format!("{at}/{part}"), message));
                    }
                    used.extend(names);
                }
                Err(message) => flaws.push(Flaw::new(format!("{at}/{part}"), message)),
            }
        }
        // A text that is wrong may be meant to use any of the variables.
        let readable = flaws.is_empty();
        if self.user.trim().is_empty() {
            flaws.push(Flaw::new(format!("{at}/user"), "must not be empty"));
        }
        if self.variables.len() > VARIABLES_MAX {
            let message = format!("must not hold more than {VARIABLES_MAX}");
            flaws.push(Flaw::new(format!("{at}/variables"), message));
        }
        for (place, variable) in self.variables.iter().take(VARIABLES_MAX).enumerate() {
            let field = format!("{at}/variables/{place}");
            let earlier = self.variables.iter().take(place);
            if variable.name == QUESTION {
                flaws.push(Flaw::new(format!("{field}/name"), "`question` is built in"));
            } else if earlier.clone().any(|other| other.name == variable.name) {
                flaws.push(Flaw::new(format!("{field}/name"), "is declared twice"));
            } else if readable && !used.contains(variable.name.as_str()) {
                let message = format!("`{}` is declared and not used", variable.name);
                flaws.push(Flaw::new(format!("{field}/name"), message));
            }
            flaws.extend(variable.check(&field));
        }
        flaws.extend(super::template_variable::check_model(at, self.model.as_deref()));
        flaws.extend(self.settings.check(&format!("{at}/settings")));
        flaws
    }

    /// Fills in the template.
    pub fn render(
        &self,
        question: &str,
        values: &BTreeMap<String, Value>,
    ) -> Result<Rendered, RenderError> {
        if let Some(unknown) = values.keys().find(|name| self.declared(name).is_none()) {
            return Err(RenderError::new(unknown, "is not one of this pattern's variables"));
        }
        let mut ready = BTreeMap::from([(QUESTION, question.to_owned())]);
        for variable in &self.variables {
            let value = variable
                .value(values.get(&variable.name))
                .map_err(|message| RenderError::new(&variable.name, message))?;
            ready.insert(&variable.name, value);
        }
        Ok(Rendered { system: fill(&self.system, &ready)?, user: fill(&self.user, &ready)? })
    }

    fn knows(&self, name: &str) -> bool {
        name == QUESTION || self.declared(name).is_some()
    }

    fn declared(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }
}

/// The variables that a text uses.
fn names(text: &str) -> Result<BTreeSet<&str>, String> {
    if text.len() > PART_BYTES_MAX {
        return Err("must not be longer than 32 KiB".into());
    }
    let variable = |piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) => None,
    };
    Ok(pieces(text)?.into_iter().filter_map(variable).collect())
}

fn fill(text: &str, values: &BTreeMap<&str, String>) -> Result<String, RenderError> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text).map_err(|message| RenderError::new("", message))? {
        let (part, variable) = match piece {
            Piece::Text(part) => (part, ""),
            Piece::Variable(name) => {
                let missing = || RenderError::new(name, "is not declared");
                (values.get(name).ok_or_else(missing)?.as_str(), name)
            }
        };
        // A template that names a long question a thousand times must not
        // become a gigabyte.
        if filled.len() + part.len() > RENDERED_BYTES_MAX {
            return Err(RenderError::new(variable, "makes the text longer than 1 MiB"));
        }
        filled.push_str(part);
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
