//! A case: a question, and what is expected of a pattern when it is asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pattern::Flaw;
use super::template_text::is_name;
use super::template_variable::Value;

/// Cases of one pattern, and of one trial, at most.
pub const CASES_MAX: usize = 100;
/// The longest question of a case, in characters.
const ASK_CHARS_MAX: usize = 2_000;
/// The longest text that an answer is to contain, in characters.
const CONTAINS_CHARS_MAX: usize = 2_000;
/// The most variables of one case: as many as a template may have.
const VARIABLES_MAX: usize = 20;
/// All texts of the cases of one pattern, in bytes.
const CASES_BYTES_MAX: usize = 256 * 1024;

/// A question, and what is expected of the pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is asked.
    pub ask: String,
    /// Whether this pattern is to answer it.
    pub expect: Expected,
    /// What the approved answer, or the rendered user text, has to contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// Values for the variables of a template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
}

/// What is expected of the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It answers.
    Match,
    /// It does not.
    NoMatch,
}

impl Case {
    fn check(&self, at: &str) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |field: &str, message: &str| {
            flaws.push(Flaw::new(format!("{at}/{field}"), message));
        };
        if self.ask.trim().is_empty() {
            flaw("ask", "must not be empty");
        } else if self.ask.chars().count() > ASK_CHARS_MAX {
            flaw("ask", "must not be longer than 2,000 characters");
        }
        if let Some(part) = &self.contains {
            if self.expect == Expected::NoMatch {
                flaw("contains", "is for questions that the pattern is to answer");
            } else if part.is_empty() || part.chars().count() > CONTAINS_CHARS_MAX {
                flaw("contains", "must have 1 to 2,000 characters");
            }
        }
        if self.variables.len() > VARIABLES_MAX {
            flaw("variables", "must not hold more than 20");
        } else if !self.variables.keys().all(|name| is_name(name)) {
            flaw("variables", "are named with lowercase letters, digits and `_`, at most 64");
        }
        flaws
    }

    fn bytes(&self) -> usize {
        let value = |(name, value): (&String, &Value)| name.len() + value.text().len();
        let contains = self.contains.as_ref().map_or(0, String::len);
        self.ask.len() + contains + self.variables.iter().map(value).sum::<usize>()
    }
}

/// Everything that is wrong with the cases of a pattern.
pub fn check_cases(cases: &[Case]) -> Vec<Flaw> {
    if cases.len() > CASES_MAX {
        return vec![Flaw::new("/cases", format!("must not hold more than {CASES_MAX}"))];
    }
    let each = cases.iter().enumerate();
    let mut flaws: Vec<_> =
        each.flat_map(|(place, case)| case.check(&format!("/cases/{place}"))).collect();
    if cases.iter().map(Case::bytes).sum::<usize>() > CASES_BYTES_MAX {
        flaws.push(Flaw::new("/cases", "must not be longer than 256 KiB together"));
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn case(value: serde_json::Value) -> Case {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn each_flaw_of_a_case_names_its_field() {
        let long = "é".repeat(2_001);
        for (value, field) in [
            (json!({ "ask": "x", "expect": "match" }), ""),
            (json!({ "ask": "x", "expect": "no_match" }), ""),
            (
                json!({ "ask": "x", "expect": "match", "contains": "y", "variables": { "a": 1 } }),
                "",
            ),
            (json!({ "ask": " ", "expect": "match" }), "/cases/0/ask"),
            (json!({ "ask": long, "expect": "match" }), "/cases/0/ask"),
            (json!({ "ask": "x", "expect": "match", "contains": "" }), "/cases/0/contains"),
            (json!({ "ask": "x", "expect": "match", "contains": long }), "/cases/0/contains"),
            (json!({ "ask": "x", "expect": "no_match", "contains": "y" }), "/cases/0/contains"),
            (
                json!({ "ask": "x", "expect": "match", "variables": { "A": 1 } }),
                "/cases/0/variables",
            ),
        ] {
            let flaws = check_cases(&[case(value.clone())]);
            let found = flaws.first().map_or("", |flaw| flaw.field.as_str());
            assert_eq!((found, flaws.len()), (field, usize::from(!field.is_empty())), "{value}");
        }
        let one = case(
            json!({ "ask": "x".repeat(2_000), "expect": "match", "contains": "y".repeat(2_000) }),
        );
        assert_eq!(check_cases(&vec![one.clone(); 65]), []);
        assert_eq!(check_cases(&vec![one.clone(); 66])[0].field, "/cases");
        assert!(check_cases(&vec![one; 101])[0].message.contains("100"));
        assert!(serde_json::from_value::<Case>(json!({ "ask": "x", "expect": "maybe" })).is_err());
    }
}
