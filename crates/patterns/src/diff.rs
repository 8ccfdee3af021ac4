//! What changed from one version of a pattern to another, for people to read.

use std::time::{Duration, Instant};

use access::Caller;
use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, TextDiff};

use crate::Patterns;
use crate::engine::{DraftForm, Template, Variable};
use crate::error::Error;

/// Two texts of 32 KiB without a word in common would take seconds to compare as well as
/// can be; after this they are compared as well as was possible.
const DIFF_MS_MAX: u64 = 20;

/// Which two versions.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Between {
    /// The version to start from; the one before `to` if not given.
    pub from: Option<i64>,
    /// The version to arrive at; the latest if not given.
    pub to: Option<i64>,
}

/// What changed between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Diff {
    /// The version to start from.
    pub from: i64,
    /// The version to arrive at.
    pub to: i64,
    /// The parts that differ, in the order in which a pattern is written.
    pub parts: Vec<DiffPart>,
}

/// One part of a pattern, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DiffPart {
    /// `name`, `triggers`, `data_class`, `answer`, `system`, `user`, `variables`, `model` or `settings`.
    pub part: &'static str,
    /// Its lines, the same ones too.
    pub lines: Vec<DiffLine>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DiffLine {
    /// In which of the two versions it stands.
    pub in_version: InVersion,
    /// Its pieces, one after the other.
    pub pieces: Vec<DiffPiece>,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InVersion {
    /// In both.
    Both,
    /// Only in the one to start from: it was taken out.
    From,
    /// Only in the one to arrive at: it was put in.
    To,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DiffPiece {
    /// What it says.
    pub text: String,
    /// Whether it is what differs within a line that is otherwise alike.
    pub differs: bool,
}

impl Patterns {
    /// Compares two versions of a pattern.
    pub async fn diff(&self, caller: &Caller, id: &str, between: &Between) -> Result<Diff, Error> {
        let kept = self.found(caller, id).await?;
        let to = between.to.unwrap_or(kept.latest.number);
        let from = between.from.unwrap_or((to - 1).max(1));
        let (before, after) =
            (self.version(caller, id, from).await?, self.version(caller, id, to).await?);
        let (Some(before), Some(after)) = (before.content, after.content) else {
            return Err(Error::NoSuchVersion);
        };
        Ok(Diff { from, to, parts: parts(&before, &after) })
    }
}

/// The parts in which two drafts differ.
fn parts(before: &DraftForm, after: &DraftForm) -> Vec<DiffPart> {
    let deadline = Instant::now() + Duration::from_millis(DIFF_MS_MAX);
    let (before, after) = (written(before), written(after));
    let each = before.into_iter().zip(after).filter(|((_, before), (_, after))| before != after);
    each.map(|((part, before), (_, after))| DiffPart {
        part,
        lines: lines(&before, &after, deadline),
    })
    .collect()
}

/// A draft as texts, part by part; each ends its last line, so that a line more leaves
/// the one before as it was.
fn written(draft: &DraftForm) -> [(&'static str, String); 9] {
    let template = draft.template.as_ref();
    let text = |of: fn(&Template) -> String| template.map(of).unwrap_or_default();
    let parts = [
        ("name", draft.name.clone()),
        ("triggers", draft.triggers.join("\n")),
        ("data_class", draft.data_class.map(|class| class.to_string()).unwrap_or_default()),
        ("answer", draft.answer.clone().unwrap_or_default()),
        ("system", text(|template| template.system.clone())),
        ("user", text(|template| template.user.clone())),
        ("variables", text(|template| each_line(&template.variables, variable))),
        ("model", text(|template| template.model.clone().unwrap_or_default())),
        ("settings", text(settings)),
    ];
    parts.map(|(part, mut text)| {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        (part, text)
    })
}

fn each_line<T>(items: &[T], line: fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A variable as a line: `due_date: text, default today`.
pub(crate) fn variable(variable: &Variable) -> String {
    let mut line = format!("{}: {}", variable.name, variable.kind.as_str());
    if !variable.choices.is_empty() {
        line.push_str(" of ");
        line.push_str(&variable.choices.join(" | "));
    }
    if let Some(default) = &variable.default {
        line.push_str(", default ");
        line.push_str(&default.text());
    }
    if let Some(description) = &variable.description {
        line.push_str(", ");
        line.push_str(description);
    }
    line
}

/// The settings of a template, one a line.
pub(crate) fn settings(template: &Template) -> String {
    let settings = &template.settings;
    let mut lines = Vec::new();
    lines.extend(settings.temperature.map(|value| format!("temperature: {value}")));
    lines.extend(settings.top_p.map(|value| format!("top_p: {value}")));
    lines.extend(settings.max_tokens.map(|value| format!("max_tokens: {value}")));
    lines.extend(settings.seed.map(|value| format!("seed: {value}")));
    lines.extend(settings.stop.iter().map(|value| format!("stop: {value}")));
    lines.join("\n")
}

fn lines(before: &str, after: &str, deadline: Instant) -> Vec<DiffLine> {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .deadline(deadline)
        .diff_lines(before, after);
    let changes = diff.iter_all_inline_changes_deadline(Some(deadline));
    let line = |change: similar::InlineChange<'_, str>| DiffLine {
        in_version: match change.tag() {
            ChangeTag::Equal => InVersion::Both,
            ChangeTag::Delete => InVersion::From,
            ChangeTag::Insert => InVersion::To,
        },
        pieces: pieces(change.values().iter().copied()),
    };
    changes.map(line).collect()
}

/// Pieces without the end of their line.
fn pieces<'a>(values: impl Iterator<Item = (bool, &'a str)>) -> Vec<DiffPiece> {
    let piece = |(differs, text): (bool, &str)| DiffPiece {
        text: text.trim_end_matches(['\n', '\r']).to_owned(),
        differs,
    };
    values.map(piece).filter(|piece| !piece.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(triggers: &[&str], answer: &str) -> DraftForm {
        DraftForm {
            slug: "hours".into(),
            name: "Hours".into(),
            triggers: triggers.iter().map(|&trigger| trigger.to_owned()).collect(),
            data_class: None,
            answer: Some(answer.to_owned()),
            template: None,
        }
    }

    /// A difference as a person would draw it.
    fn drawn(parts: &[DiffPart]) -> Vec<String> {
        let mut drawn = Vec::new();
        for part in parts {
            drawn.push(part.part.to_owned());
            for line in &part.lines {
                let sign = match line.in_version {
                    InVersion::Both => ' ',
                    InVersion::From => '-',
                    InVersion::To => '+',
                };
                let piece = |piece: &DiffPiece| {
                    if piece.differs { format!("[{}]", piece.text) } else { piece.text.clone() }
                };
                drawn.push(format!("{sign}{}", line.pieces.iter().map(piece).collect::<String>()));
            }
        }
        drawn
    }

    #[test]
    fn a_difference_shows_the_words_that_changed_and_leaves_out_what_did_not() {
        let before = draft(
            &["When are you open?"],
            "Monday to Friday.\nWe open at 9 and close at 5 sharp.\n",
        );
        let after = draft(
            &["When are you open?", "Opening hours"],
            "Monday to Friday.\nWe open at 8 and close at 5 sharp.\n",
        );
        assert_eq!(
            drawn(&parts(&before, &after)),
            [
                "triggers",
                " When are you open?",
                "+Opening hours",
                "answer",
                " Monday to Friday.",
                "-We open at [9] and close at 5 sharp.",
                "+We open at [8] and close at 5 sharp.",
            ]
        );
        assert_eq!(parts(&before, &before), []);
    }

    #[test]
    fn an_answer_that_becomes_a_template_shows_both() {
        let before = draft(&["Write a letter"], "Dear all");
        let template: Template = serde_json::from_value(serde_json::json!({
            "user": "Write to {{to}}", "model": "small", "settings": { "temperature": 0.2 },
            "variables": [{ "name": "to", "type": "choice", "choices": ["Ada", "Bob"], "default": "Ada" }],
        }))
        .unwrap();
        let data_class = Some(access::DataClass::Secret);
        let template = Some(template);
        let after = DraftForm { answer: None, template, data_class, ..before.clone() };
        assert_eq!(
            drawn(&parts(&before, &after)),
            [
                "data_class",
                "+secret",
                "answer",
                "-Dear all",
                "user",
                "+Write to {{to}}",
                "variables",
                "+to: choice of Ada | Bob, default Ada",
                "model",
                "+small",
                "settings",
                "+temperature: 0.2",
            ]
        );
    }

    #[test]
    fn comparing_two_large_texts_takes_no_longer_than_it_may() {
        let words = |start: u32| {
            let each = (0..8_000).map(|n| format!("{:x}", (n * 7_919 + start) % 4_096));
            each.collect::<Vec<_>>().join(" ")
        };
        let begun = Instant::now();
        let found = parts(&draft(&["x"], &words(1)), &draft(&["x"], &words(2_000)));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(found.len(), 1);
    }
}
