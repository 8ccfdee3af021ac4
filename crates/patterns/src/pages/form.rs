//! What the editor of a pattern sends, and what becomes of it.

use std::collections::BTreeMap;

use access::DataClass;
use base::page::Faults;
use base::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};

use crate::Pattern;
use crate::engine::{DraftForm, Kind, Settings, Template, Value, Variable, slug_of};

/// Empty rows for variables that are still to come.
const ROWS_SPARE: usize = 2;
/// A name made from a question is cut here, in characters.
const NAME_CHARS_MAX: usize = 120;

/// The editor's fields.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PatternForm {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) triggers: String,
    /// The name of a class; empty: as it is.
    pub(super) data_class: String,
    kind: Does,
    pub(super) answer: String,
    pub(super) system: String,
    pub(super) user: String,
    pub(super) model: String,
    pub(super) temperature: String,
    pub(super) top_p: String,
    pub(super) max_tokens: String,
    pub(super) seed: String,
    pub(super) stop: String,
    variable_name: Vec<String>,
    variable_type: Vec<Kind>,
    variable_choices: Vec<String>,
    variable_need: Vec<Need>,
    variable_default: Vec<String>,
    variable_description: Vec<String>,
    pub(super) publish: Option<String>,
    /// The version that the editor was opened with.
    pub(super) version: Option<i64>,
    /// The id of the pattern that is edited.
    pub(super) pattern: Option<String>,
    /// What is tried.
    pub(super) question: String,
    /// Values to try it with, one a line.
    pub(super) values: String,
}

/// What the pattern is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Does {
    #[default]
    Answer,
    Template,
}

/// What happens when a variable is not given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Need {
    #[default]
    Required,
    Optional,
}

/// A variable as a row of the editor.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) choices: String,
    pub(super) optional: bool,
    pub(super) default: String,
    pub(super) description: String,
}

impl PatternForm {
    /// The editor of a new pattern.
    pub(super) fn fresh() -> Self {
        Self { publish: Some("yes".to_owned()), ..Self::default() }
    }

    /// The editor of a pattern that is there.
    pub(super) fn of(pattern: &Pattern) -> Self {
        let mut form = Self {
            name: pattern.name.clone(),
            slug: pattern.slug.clone(),
            triggers: pattern.triggers.join("\n"),
            data_class: pattern.data_class.map(|class| class.to_string()).unwrap_or_default(),
            answer: pattern.answer.clone().unwrap_or_default(),
            version: Some(pattern.version),
            pattern: Some(pattern.id.clone()),
            ..Self::fresh()
        };
        if let Some(template) = &pattern.template {
            form.fill_in(template);
        }
        form
    }

    /// The editor of a new pattern that is to answer a question like this.
    pub(super) fn answering(trigger: &str, answer: String) -> Self {
        let trigger = trigger.split_whitespace().collect::<Vec<_>>().join(" ");
        Self {
            name: trigger.chars().take(NAME_CHARS_MAX).collect(),
            triggers: trigger.clone(),
            question: trigger,
            answer,
            ..Self::fresh()
        }
    }

    pub(super) fn is_template(&self) -> bool {
        self.kind == Does::Template
    }

    pub(super) fn has_settings(&self) -> bool {
        let fields = [&self.temperature, &self.top_p, &self.max_tokens, &self.seed, &self.stop];
        fields.iter().any(|field| !field.trim().is_empty())
    }

    /// The rows of variables, and some that are empty.
    pub(super) fn variables(&self) -> Vec<Row> {
        let text = |list: &[String], row: usize| list.get(row).cloned().unwrap_or_default();
        let rows = self.variable_name.iter().enumerate().map(|(row, name)| Row {
            name: name.clone(),
            kind: self.variable_type.get(row).copied().unwrap_or_default().as_str(),
            choices: text(&self.variable_choices, row),
            optional: self.variable_need.get(row) == Some(&Need::Optional),
            default: text(&self.variable_default, row),
            description: text(&self.variable_description, row),
        });
        let mut rows: Vec<Row> = rows.filter(|row| !row.is_empty()).collect();
        rows.extend((0..ROWS_SPARE).map(|_| Row::default()));
        rows
    }

    /// What is to be taught. `held` is the template that it is made from, if there is one.
    pub(super) fn draft(&self, held: Option<&Template>) -> Result<DraftForm, Faults> {
        let slug = self.slug.trim();
        let slug = if slug.is_empty() { slug_of(&self.name) } else { slug.to_owned() };
        let (answer, template) = match self.kind {
            Does::Answer => (Some(self.answer.clone()), None),
            Does::Template => (None, Some(self.template(held)?)),
        };
        let (name, triggers) = (self.name.trim().to_owned(), lines(&self.triggers));
        let data_class = match self.data_class.as_str() {
            "" => None,
            class => {
                let class = DataClass::named(class);
                Some(class.ok_or_else(|| Faults::field("data_class", "must be chosen"))?)
            }
        };
        Ok(DraftForm { slug, name, triggers, data_class, answer, template })
    }

    /// The values to try it with.
    pub(super) fn values(&self) -> Result<BTreeMap<String, Value>, Faults> {
        named_values(&self.values)
            .map_err(|line| Faults::field("values", format!("has `{line}`: write `name: value`")))
    }

    fn template(&self, held: Option<&Template>) -> Result<Template, Faults> {
        let rows = self.variables().into_iter().filter(|row| !row.is_empty());
        let model = self.model.trim();
        Ok(Template {
            system: self.system.clone(),
            user: self.user.clone(),
            variables: rows.map(|row| row.variable(held)).collect(),
            model: (!model.is_empty()).then(|| model.to_owned()),
            settings: Settings {
                temperature: number(&self.temperature, "temperature")?,
                top_p: number(&self.top_p, "top_p")?,
                max_tokens: number(&self.max_tokens, "max_tokens")?,
                seed: number(&self.seed, "seed")?,
                stop: self.stop.lines().filter(|l| !l.is_empty()).map(Into::into).collect(),
            },
        })
    }

    fn fill_in(&mut self, template: &Template) {
        let text = |value: Option<String>| value.unwrap_or_default();
        let settings = &template.settings;
        self.kind = Does::Template;
        self.system.clone_from(&template.system);
        self.user.clone_from(&template.user);
        self.model = text(template.model.clone());
        self.temperature = text(settings.temperature.map(|value| value.to_string()));
        self.top_p = text(settings.top_p.map(|value| value.to_string()));
        self.max_tokens = text(settings.max_tokens.map(|value| value.to_string()));
        self.seed = text(settings.seed.map(|value| value.to_string()));
        self.stop = settings.stop.join("\n");
        for variable in &template.variables {
            let optional = variable.default.is_some();
            self.variable_name.push(variable.name.clone());
            self.variable_type.push(variable.kind);
            self.variable_choices.push(variable.choices.join("\n"));
            self.variable_need.push(if optional { Need::Optional } else { Need::Required });
            self.variable_default.push(text(variable.default.as_ref().map(Value::text)));
            self.variable_description.push(text(variable.description.clone()));
        }
    }
}

impl Row {
    fn is_empty(&self) -> bool {
        let texts = [&self.name, &self.choices, &self.default, &self.description];
        texts.iter().all(|text| text.trim().is_empty())
    }

    fn variable(self, held: Option<&Template>) -> Variable {
        let kind = [Kind::Number, Kind::Choice].into_iter().find(|kind| kind.as_str() == self.kind);
        let name = self.name.trim().to_owned();
        let before = held.and_then(|held| held.variables.iter().find(|one| one.name == name));
        let before = before.and_then(|before| before.default.clone());
        let default = match before {
            // A number stays a number, and a text a text.
            Some(before) if before.text() == self.default && self.optional => Some(before),
            _ if !self.default.is_empty() || self.optional => Some(Value::Text(self.default)),
            _ => None,
        };
        let description = self.description.trim();
        Variable {
            name,
            kind: kind.unwrap_or_default(),
            choices: lines(&self.choices),
            default,
            description: (!description.is_empty()).then(|| description.to_owned()),
        }
    }
}

/// The lines of a text that say something.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

/// Values, one a line: `name: value`. The error is the line that is none.
pub(super) fn named_values(text: &str) -> Result<BTreeMap<String, Value>, String> {
    let value = |line: String| match line.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), Value::Text(value.trim().to_owned()))),
        None => Err(line),
    };
    lines(text).into_iter().map(value).collect()
}

fn number<T: std::str::FromStr>(text: &str, name: &str) -> Result<Option<T>, Faults> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Faults::field(name, "must be a number"))
}

/// The field of the editor in which something is to be mended.
pub(super) fn input_of(pointer: &str) -> &str {
    let path = pointer.trim_start_matches('/');
    let path = path.strip_prefix("template/").unwrap_or(path);
    let path = path.strip_prefix("settings/").unwrap_or(path);
    path.split('/').next().unwrap_or(path)
}

/// A refusal of a draft, by the fields of the editor. A slug that was to be made from the
/// name is not wrong when the name is.
pub(super) fn by_input(problem: Problem) -> Problem {
    let unnamed = problem.errors_of_fields().iter().any(|error| error.pointer == "/name");
    let place = |pointer: &str| {
        let mut parts = pointer.split('/').skip_while(|part| part.parse::<usize>().is_err());
        Some(parts.next()?.parse::<usize>().ok()? + 1)
    };
    let errors = problem.errors_of_fields().iter();
    let errors = errors.filter(|error| !(unnamed && error.pointer == "/slug"));
    let errors = errors.map(|error| FieldError {
        pointer: format!("/{}", input_of(&error.pointer)),
        detail: match (input_of(&error.pointer), place(&error.pointer)) {
            ("triggers" | "variables", Some(number)) => {
                format!("(number {number}) {}", error.detail)
            }
            _ => error.detail.clone(),
        },
    });
    let errors = errors.collect();
    problem.errors(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Draft;

    #[test]
    fn a_template_comes_out_of_the_editor_as_it_went_in() {
        let template: Template = serde_json::from_value(serde_json::json!({
            "system": "Be kind.", "user": "To {{to}} in {{days}} in {{form}}", "model": "small",
            "variables": [
                { "name": "to", "description": "Whom" },
                { "name": "days", "type": "number", "default": 7 },
                { "name": "form", "type": "choice", "choices": ["a, b", "c"], "default": "c" },
            ],
            "settings": { "temperature": 0.2, "top_p": 1.0, "max_tokens": 5, "seed": -1, "stop": ["x", "y"] }
        }))
        .unwrap();
        let mut form = PatternForm {
            name: "Letter".into(),
            triggers: "a\n\n b ".into(),
            ..PatternForm::default()
        };
        form.fill_in(&template);
        let draft = form.draft(Some(&template)).unwrap();
        assert_eq!(draft.template.as_ref(), Some(&template));
        assert_eq!(
            (draft.slug.as_str(), draft.triggers.as_slice()),
            ("letter", &["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(Draft::try_from(draft).unwrap().check(), []);
        assert_eq!(form.variables().len(), 5);
        form.max_tokens = "many".into();
        let faults = form.draft(None).unwrap_err();
        assert_eq!(faults.of_field("max_tokens"), Some("must be a number"));
    }

    #[test]
    fn a_flaw_is_shown_at_the_field_that_mends_it() {
        for (pointer, field, detail) in [
            ("/name", "name", "x"),
            ("/triggers/1", "triggers", "(number 2) x"),
            ("/template/user", "user", "x"),
            ("/template/settings/top_p", "top_p", "x"),
            ("/template/variables/0/name", "variables", "(number 1) x"),
        ] {
            let error = FieldError { pointer: pointer.into(), detail: "x".into() };
            let faults =
                Faults::of(by_input(Problem::invalid("", "").errors(vec![error]))).unwrap();
            assert_eq!(faults.of_field(field), Some(detail), "{pointer}");
        }
    }

    #[test]
    fn values_are_written_one_a_line() {
        let values = named_values("to: Ada: the first\n\n day:7").unwrap();
        assert_eq!(values["to"], Value::Text("Ada: the first".into()));
        assert_eq!(values["day"], Value::Text("7".into()));
        assert_eq!(named_values("a: b\nc").unwrap_err(), "c");
    }
}
