//! What can be filled into a template, and the settings it asks a model with.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::pattern::Flaw;
use super::template_text::is_name;

/// The longest value or default, in bytes.
const VALUE_BYTES_MAX: usize = 32 * 1024;
/// The longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 500;
/// The most choices of one variable.
const CHOICES_MAX: usize = 100;
/// The longest choice and the longest name of a model, in characters.
const CHOICE_CHARS_MAX: usize = 200;
/// The most tokens that can be asked for.
const TOKENS_MAX: u32 = 1_000_000;
/// The most stop sequences, as in the OpenAI interface.
const STOPS_MAX: usize = 4;

/// Something that has to be filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What the text calls it.
    pub name: String,
    /// What it may be.
    #[serde(rename = "type", default)]
    pub kind: Kind,
    /// The values a choice allows; empty otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The value when none is given; without it, one must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// What to tell the person who fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What a variable may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any text.
    #[default]
    Text,
    /// A number, written as a number or as text.
    Number,
    /// One of the listed values.
    Choice,
}

/// A value for a variable, as JSON and YAML write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number; a large one keeps all its digits.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

/// How to ask the model. What is absent is left to the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// From 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// From 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// From 1 to 1,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Makes answers repeatable where the model can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// At most 4 texts at which the model stops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Kind {
    /// As in JSON and YAML.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Choice => "choice",
        }
    }
}

impl PartialSchema for Value {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new().item(f64::schema()).item(String::schema()).into()
    }
}

impl ToSchema for Value {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PatternValue")
    }
}

impl Value {
    /// As it is written.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Variable {
    pub(super) fn check(&self, at: &str) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |field: &str, message: &str| {
            flaws.push(Flaw::new(format!("{at}/{field}"), message));
        };
        if !is_name(&self.name) {
            flaw("name", "must be lowercase letters, digits and `_`, at most 64: `due_date`");
        }
        match (self.kind, self.choices.len()) {
            (Kind::Choice, 0) => flaw("choices", "a choice needs at least one value"),
            (Kind::Choice, ..=CHOICES_MAX) | (Kind::Text | Kind::Number, 0) => {}
            (Kind::Choice, _) => flaw("choices", "must not hold more than 100"),
            (Kind::Text | Kind::Number, _) => flaw("choices", "only a `choice` has choices"),
        }
        for (place, choice) in self.choices.iter().take(CHOICES_MAX).enumerate() {
            let field = format!("choices/{place}");
            if choice.trim().is_empty() || choice.chars().count() > CHOICE_CHARS_MAX {
                flaw(&field, "must have 1 to 200 characters");
            } else if self.choices.iter().take(place).any(|other| other == choice) {
                flaw(&field, "is listed twice");
            }
        }
        if self.description.as_ref().is_some_and(|d| d.chars().count() > DESCRIPTION_CHARS_MAX) {
            flaw("description", "must not be longer than 500 characters");
        }
        if let Some(default) = &self.default
            && let Err(message) = self.accept(default)
        {
            flaw("default", &message);
        }
        flaws
    }

    /// The text to insert for the value that was given, or for the default.
    pub(super) fn value(&self, given: Option<&Value>) -> Result<String, String> {
        match given.or(self.default.as_ref()) {
            Some(value) => self.accept(value),
            None => Err("is missing and has no default".into()),
        }
    }

    fn accept(&self, value: &Value) -> Result<String, String> {
        let text = value.text();
        if text.len() > VALUE_BYTES_MAX {
            return Err("must not be longer than 32 KiB".into());
        }
        match self.kind {
            Kind::Text => Ok(text),
            Kind::Number if text.parse::<f64>().is_ok_and(f64::is_finite) => Ok(text),
            Kind::Number => Err("must be a number".into()),
            Kind::Choice if self.choices.contains(&text) => Ok(text),
            Kind::Choice => Err(format!("must be one of: {}", self.choices.join(", "))),
        }
    }
}

impl Settings {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self, at: &str) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |field: &str, message: &str| {
            flaws.push(Flaw::new(format!("{at}/{field}"), message));
        };
        if self.temperature.is_some_and(|value| !(0.0..=2.0).contains(&value)) {
            flaw("temperature", "must be from 0 to 2");
        }
        if self.top_p.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
            flaw("top_p", "must be from 0 to 1");
        }
        if self.max_tokens.is_some_and(|value| !(1..=TOKENS_MAX).contains(&value)) {
            flaw("max_tokens", "must be from 1 to 1,000,000");
        }
        if self.stop.len() > STOPS_MAX {
            flaw("stop", "must not hold more than 4");
        }
        for (place, stop) in self.stop.iter().take(STOPS_MAX).enumerate() {
            if stop.is_empty() || stop.chars().count() > CHOICE_CHARS_MAX {
                flaw(&format!("stop/{place}"), "must have 1 to 200 characters");
            }
        }
        flaws
    }
}

/// A pattern asks a model; were it to ask a pattern, it could ask itself.
pub(super) fn check_model(at: &str, model: Option<&str>) -> Option<Flaw> {
    let model = model?;
    let message = if model.trim().is_empty() || model.chars().count() > CHOICE_CHARS_MAX {
        "must have 1 to 200 characters"
    } else if model == "patterns" || model.starts_with("pattern/") {
        "must be a model, not a pattern"
    } else {
        return None;
    };
    Some(Flaw::new(format!("{at}/model"), message))
}
