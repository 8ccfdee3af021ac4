//! A pattern as it is taught: how it is recognised and what it answers.

use access::DataClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::template::Template;
use super::terms::fold;

/// The longest slug, in characters.
const SLUG_CHARS_MAX: usize = 64;
/// The longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 120;
/// The most triggers of one pattern.
pub(crate) const TRIGGERS_MAX: usize = 50;
/// The longest trigger, in characters.
pub(crate) const TRIGGER_CHARS_MAX: usize = 200;
/// The longest approved answer, in bytes.
const ANSWER_BYTES_MAX: usize = 32 * 1024;

/// What somebody wants to teach. It is data; [`Draft::check`] says whether it
/// is good enough to be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DraftForm", into = "DraftForm")]
pub struct Draft {
    /// Names the pattern within its org: `reset-password`.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Questions that it answers.
    pub triggers: Vec<String>,
    /// How sensitive what it says is; none: nobody said.
    pub data_class: Option<DataClass>,
    /// What it does when it is found.
    pub body: Body,
}

/// What a pattern does when it is found.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Gives an approved answer, word for word, without a model.
    Answer(String),
    /// Asks a model in a prepared way.
    Template(Template),
}

/// A draft as it is written in JSON and YAML: exactly one of `answer` and
/// `template` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftForm {
    /// Names the pattern within its org: lowercase letters, digits and single
    /// hyphens, at most 64.
    pub slug: String,
    /// What people call it, at most 120 characters.
    pub name: String,
    /// 1 to 50 questions that it answers, each at most 200 characters.
    pub triggers: Vec<String>,
    /// How sensitive what it says is: `public`, `internal`, `confidential` or `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// The approved answer, at most 32 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How to ask a model instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
}

/// One thing that is wrong with a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Flaw {
    /// Where, as a JSON pointer: `/triggers/2`.
    pub field: String,
    /// What, in words for the person who wrote it.
    pub message: String,
}

impl Flaw {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Draft {
    /// Everything that is wrong with this draft; empty when it can be kept.
    pub fn check(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        if !is_slug(&self.slug) {
            flaws.push(Flaw::new(
                "/slug",
                format!(
                    "must be lowercase letters and digits, joined by single hyphens, at most \
                     {SLUG_CHARS_MAX} characters: `reset-password`"
                ),
            ));
        }
        text(&mut flaws, "/name", &self.name, NAME_CHARS_MAX);
        if self.triggers.is_empty() {
            flaws.push(Flaw::new("/triggers", "needs at least one question"));
        } else if self.triggers.len() > TRIGGERS_MAX {
            flaws.push(Flaw::new("/triggers", format!("must not hold more than {TRIGGERS_MAX}")));
        }
        for (place, trigger) in self.triggers.iter().take(TRIGGERS_MAX).enumerate() {
            let field = format!("/triggers/{place}");
            text(&mut flaws, &field, trigger, TRIGGER_CHARS_MAX);
            if !trigger.trim().is_empty() && !trigger.chars().any(char::is_alphanumeric) {
                flaws.push(Flaw::new(field, "has no word to recognise"));
            }
        }
        match &self.body {
            Body::Answer(answer) if answer.trim().is_empty() => {
                flaws.push(Flaw::new("/answer", "must not be empty"));
            }
            Body::Answer(answer) if answer.len() > ANSWER_BYTES_MAX => {
                flaws.push(Flaw::new("/answer", "must not be longer than 32 KiB"));
            }
            Body::Answer(_) => {}
            Body::Template(template) => flaws.extend(template.check("/template")),
        }
        flaws
    }
}

/// Adds a flaw when a one-line text is empty, too long or has control characters.
fn text(flaws: &mut Vec<Flaw>, field: &str, value: &str, chars_max: usize) {
    if value.trim().is_empty() {
        flaws.push(Flaw::new(field, "must not be empty"));
    } else if value.chars().count() > chars_max {
        flaws.push(Flaw::new(field, format!("must not be longer than {chars_max} characters")));
    } else if value.chars().any(char::is_control) {
        flaws.push(Flaw::new(field, "must be one line without control characters"));
    }
}

fn is_slug(slug: &str) -> bool {
    slug.len() <= SLUG_CHARS_MAX
        && slug.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// A slug that is made from a name: `Où est le café?` becomes `ou-est-le-cafe`. Empty when
/// the name has no letter or digit that a slug may have.
pub fn slug_of(name: &str) -> String {
    let mut plain = String::new();
    name.chars().filter(|c| !matches!(c, '\'' | '\u{2019}')).for_each(|c| fold(c, &mut plain));
    let mut slug = String::new();
    for part in plain.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()) {
        let joint = usize::from(!slug.is_empty());
        if part.is_empty() {
            continue;
        }
        if slug.len() + joint + part.len() > SLUG_CHARS_MAX {
            break;
        }
        if joint == 1 {
            slug.push('-');
        }
        slug.push_str(part);
    }
    slug
}

impl TryFrom<DraftForm> for Draft {
    type Error = &'static str;

    fn try_from(form: DraftForm) -> Result<Self, Self::Error> {
        let body = match (form.answer, form.template) {
            (Some(answer), None) => Body::Answer(answer),
            (None, Some(template)) => Body::Template(template),
            (Some(_), Some(_)) => return Err("give `answer` or `template`, not both"),
            (None, None) => return Err("needs one of `answer` and `template`"),
        };
        let DraftForm { slug, name, triggers, data_class, .. } = form;
        Ok(Self { slug, name, triggers, data_class, body })
    }
}

impl From<Draft> for DraftForm {
    fn from(draft: Draft) -> Self {
        let (answer, template) = match draft.body {
            Body::Answer(answer) => (Some(answer), None),
            Body::Template(template) => (None, Some(template)),
        };
        let Draft { slug, name, triggers, data_class, .. } = draft;
        Self { slug, name, triggers, data_class, answer, template }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn draft(changes: &Value) -> Result<Draft, String> {
        let mut value = json!({
            "slug": "reset-password", "name": "Reset a password",
            "triggers": ["How do I reset my password?"], "answer": "Open the portal."
        });
        for (field, change) in changes.as_object().unwrap() {
            if change.is_null() {
                value.as_object_mut().unwrap().remove(field);
            } else {
                value[field] = change.clone();
            }
        }
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn json_with_an_answer_or_a_template_becomes_a_draft_and_back() {
        for changes in [
            json!({}),
            json!({"data_class": "confidential"}),
            json!({"answer": null, "template": {"user": "{{question}}"}}),
        ] {
            let draft = draft(&changes).unwrap();
            assert_eq!(draft.check(), []);
            let json = serde_json::to_string(&draft).unwrap();
            assert_eq!(serde_json::from_str::<Draft>(&json).unwrap(), draft);
            assert!(!json.contains("null"), "{json}");
        }
    }

    #[test]
    fn a_slug_is_made_from_a_name() {
        for (name, slug) in [
            ("Reset a password", "reset-a-password"),
            ("  Où est le «Café»? ", "ou-est-le-cafe"),
            ("What's new -- in 2026", "whats-new-in-2026"),
            ("重置密码", ""),
            ("", ""),
            (
                &"word ".repeat(20),
                "word-word-word-word-word-word-word-word-word-word-word-word-word",
            ),
        ] {
            assert_eq!(slug_of(name), slug);
            assert!(slug.is_empty() || is_slug(slug));
        }
    }

    #[test]
    fn exactly_one_body_and_no_unknown_field() {
        for (changes, says) in [
            (json!({"answer": null}), "needs one of `answer` and `template`"),
            (json!({"template": {"user": "x"}}), "give `answer` or `template`, not both"),
            (json!({"anser": "x"}), "unknown field `anser`"),
            (json!({"answer": null, "template": {"user": "x", "modle": "m"}}), "`modle`"),
            (json!({"triggers": null}), "missing field `triggers`"),
            (json!({"data_class": "Secret"}), "expected one of `public`, `internal`"),
        ] {
            let error = draft(&changes).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn each_flaw_names_its_field() {
        let long = "é".repeat(201);
        for (changes, fields) in [
            (json!({"slug": ""}), vec!["/slug"]),
            (json!({"slug": "Reset"}), vec!["/slug"]),
            (json!({"slug": "a--b"}), vec!["/slug"]),
            (json!({"slug": "-a"}), vec!["/slug"]),
            (json!({"slug": "a".repeat(65)}), vec!["/slug"]),
            (json!({"slug": "a".repeat(64)}), vec![]),
            (json!({"slug": "24-7"}), vec![]),
            (json!({"name": " "}), vec!["/name"]),
            (json!({"name": "a\nb"}), vec!["/name"]),
            (json!({"name": "a".repeat(121)}), vec!["/name"]),
            (json!({"triggers": []}), vec!["/triggers"]),
            (json!({"triggers": vec!["a"; 50]}), vec![]),
            (json!({"triggers": vec!["a"; 51]}), vec!["/triggers"]),
            (json!({"triggers": ["ok", "", long]}), vec!["/triggers/1", "/triggers/2"]),
            (json!({"triggers": ["é".repeat(200), "?!"]}), vec!["/triggers/1"]),
            (json!({"answer": "\n"}), vec!["/answer"]),
            (json!({"answer": "a".repeat(32 * 1024)}), vec![]),
            (json!({"answer": "a".repeat(32 * 1024 + 1)}), vec!["/answer"]),
            (json!({"slug": "A", "name": "", "answer": ""}), vec!["/slug", "/name", "/answer"]),
            (json!({"answer": null, "template": {"user": "{{x}}"}}), vec!["/template/user"]),
        ] {
            let flaws = draft(&changes).unwrap().check();
            let found: Vec<_> = flaws.iter().map(|flaw| flaw.field.as_str()).collect();
            assert_eq!(found, fields, "{changes}");
        }
    }
}
