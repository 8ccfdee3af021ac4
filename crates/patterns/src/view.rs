//! Patterns as they are shown and as they are asked for.

use access::DataClass;
use base::time::At;
use serde::{Deserialize, Serialize};

use crate::engine::{Body, Case, Draft, DraftForm, Flaw, Template};
use crate::error::Error;
use crate::kept::{Kept, State, Version};

/// A pattern, with the content of its latest version.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Pattern {
    /// `pat_…`.
    pub id: String,
    /// Its short name: call it as the model `pattern/<slug>`.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Questions that it answers.
    pub triggers: Vec<String>,
    /// How sensitive what the latest version says is; absent when nobody said. Guardrails
    /// are asked about the higher class of this version and of the one that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// The approved answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How a model is asked instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// `draft`, `published` or `retired`.
    pub state: State,
    /// The latest version, whose content this is.
    pub version: i64,
    /// The version that answers; absent when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published_version: Option<i64>,
    /// Who taught it first.
    pub created_by: String,
    /// When.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was last taught, published or retired.
    #[schema(value_type = String)]
    pub updated_at: At,
    /// How many cases must pass before a version of it answers.
    pub cases: i64,
    /// Why the version that was just taught does not answer although the caller may
    /// publish; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpublished_because: Option<String>,
    /// How often it answered; absent while the counts cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<i64>,
}

/// One version of a pattern.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct VersionView {
    /// From 1.
    pub version: i64,
    /// Who taught it.
    pub taught_by: String,
    /// When.
    #[schema(value_type = String)]
    pub taught_at: At,
    /// Whether it is the one that answers.
    pub published: bool,
    /// Its content; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<DraftForm>,
}

/// What to teach: exactly one of `answer` and `template` is given.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeachPattern {
    /// Lowercase letters, digits and single hyphens, at most 64. It stays the same.
    pub slug: String,
    /// What people call it, at most 120 characters.
    pub name: String,
    /// 1 to 50 questions that it answers, each at most 200 characters.
    pub triggers: Vec<String>,
    /// How sensitive what it says is: `public`, `internal`, `confidential` or `secret`.
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// The approved answer, at most 32 KiB.
    pub answer: Option<String>,
    /// How to ask a model instead.
    pub template: Option<Template>,
    /// Cases that must pass before a version answers, at most 100.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Whether it answers at once; if not given, it does when the caller may publish and
    /// its cases pass.
    pub publish: Option<bool>,
}

/// The next version of a pattern: exactly one of `answer` and `template` is given.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePattern {
    /// As it is, if given: a slug stays the same.
    pub slug: Option<String>,
    /// What people call it, at most 120 characters.
    pub name: String,
    /// 1 to 50 questions that it answers, each at most 200 characters.
    pub triggers: Vec<String>,
    /// How sensitive what it says is: `public`, `internal`, `confidential` or `secret`. As
    /// it was if not given: what was classed once stays classed.
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// The approved answer, at most 32 KiB.
    pub answer: Option<String>,
    /// How to ask a model instead.
    pub template: Option<Template>,
    /// The version that this change was made from; refused when there is a newer one.
    pub version: Option<i64>,
    /// Whether it answers at once; if not given, it does when the caller may publish,
    /// its cases pass and the pattern is not retired.
    pub publish: Option<bool>,
}

/// Which version is to answer.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishPattern {
    /// The latest one if not given.
    pub version: Option<i64>,
}

impl Pattern {
    pub(crate) fn of(kept: &Kept, uses: Option<i64>) -> Self {
        let content = DraftForm::from(Draft::clone(&kept.latest.draft));
        Self {
            id: kept.id.as_str().to_owned(),
            slug: content.slug,
            name: content.name,
            triggers: content.triggers,
            data_class: content.data_class,
            answer: content.answer,
            template: content.template,
            state: kept.state,
            version: kept.latest.number,
            published_version: kept.published.as_ref().map(|Version { number, .. }| *number),
            created_by: kept.created_by.clone(),
            created_at: kept.created_at,
            updated_at: kept.updated_at,
            cases: kept.cases,
            unpublished_because: None,
            uses,
        }
    }
}

impl TeachPattern {
    /// The draft, if it can be kept.
    pub(crate) fn draft(self) -> Result<Draft, Error> {
        let Self { slug, name, triggers, data_class, answer, template, .. } = self;
        checked(DraftForm { slug, name, triggers, data_class, answer, template })
    }
}

impl ChangePattern {
    /// The draft, if it can be the next version after this one.
    pub(crate) fn draft(self, before: &Draft) -> Result<Draft, Error> {
        let slug = &before.slug;
        if self.slug.as_ref().is_some_and(|given| given != slug) {
            let message = format!("stays `{slug}`: calls and records name the pattern by it");
            return Err(Error::Flaws(vec![Flaw { field: "/slug".into(), message }]));
        }
        let Self { name, triggers, answer, template, .. } = self;
        let data_class = self.data_class.or(before.data_class);
        checked(DraftForm { slug: slug.clone(), name, triggers, data_class, answer, template })
    }
}

fn checked(form: DraftForm) -> Result<Draft, Error> {
    let draft = Draft::try_from(form).map_err(|message| {
        Error::Flaws(vec![Flaw { field: "/answer".into(), message: message.into() }])
    })?;
    let flaws = draft.check();
    if flaws.is_empty() { Ok(draft) } else { Err(Error::Flaws(flaws)) }
}

/// The names of the fields in which two drafts differ.
pub(crate) fn differing(one: &Draft, other: &Draft) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if one.name != other.name {
        fields.push("name");
    }
    if one.triggers != other.triggers {
        fields.push("triggers");
    }
    if one.data_class != other.data_class {
        fields.push("data_class");
    }
    if one.body != other.body {
        fields.push(match other.body {
            Body::Answer(_) => "answer",
            Body::Template(_) => "template",
        });
    }
    fields
}
