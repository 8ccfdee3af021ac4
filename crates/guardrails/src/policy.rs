//! One policy: read, and held to the rules of this room.

use cedar_policy::ffi::{DetailedError, Severity as CedarSeverity};
use cedar_policy::{CedarSchemaError, Effect, Policy, PolicyId, PolicySet};
use cedar_policy::{ValidationMode, Validator};
use serde::Serialize;

use crate::{bounds, schema};

/// What is said about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// How to mend it, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It cannot be kept like this.
    Error,
    /// It can be kept, and probably does not do what was meant.
    Warning,
}

/// What a look at a policy gave.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The policy, if nothing forbids keeping it.
    pub(crate) policy: Option<Policy>,
    pub(crate) findings: Vec<Finding>,
}

/// Knows what policies can speak of.
#[derive(Debug)]
pub(crate) struct Rulebook(Validator);

impl Finding {
    fn error(message: impl Into<String>, text: &str, at: usize) -> Self {
        let (line, column) = place(text, at);
        let message = message.into();
        Self { severity: Severity::Error, message, line, column, help: None }
    }

    fn of(told: DetailedError, severity: Severity, text: &str) -> Self {
        let at = told.source_locations.first().map_or(0, |label| label.loc.start);
        let label = told.source_locations.into_iter().next().and_then(|label| label.label);
        let message = match label {
            Some(label) => format!("{}: {label}", told.message),
            None => told.message,
        };
        // Which policy it is, everybody knows: there is one.
        let message = message
            .split_once("`, ")
            .filter(|(before, _)| before.starts_with("for policy `"))
            .map_or_else(|| message.clone(), |(_, what)| what.to_owned());
        let (line, column) = place(text, at);
        Self { severity, message, line, column, help: told.help }
    }
}

/// Line and character of a byte of the text, from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Reads one policy that forbids. What it speaks of is not looked at: a policy that was
/// valid when it was kept stays readable.
pub(crate) fn read(id: &str, text: &str) -> Result<Policy, Vec<Finding>> {
    if let Some((what, at)) = bounds::exceeded(text) {
        return Err(vec![Finding::error(what, text, at)]);
    }
    let policy = Policy::parse(Some(PolicyId::new(id)), text).map_err(|errors| {
        let finding = |error| Finding::of(DetailedError::from(error), Severity::Error, text);
        errors.iter().map(finding).collect::<Vec<_>>()
    })?;
    match policy.effect() {
        Effect::Forbid => Ok(policy),
        Effect::Permit => {
            let at = text.find("permit").unwrap_or_default();
            let message = "roles permit, guardrails forbid: begin with `forbid`";
            Err(vec![Finding::error(message, text, at)])
        }
    }
}

impl Rulebook {
    pub(crate) fn open() -> Result<Self, Box<CedarSchemaError>> {
        Ok(Self(Validator::new(schema::read()?)))
    }

    /// Reads a policy and looks whether it speaks of what there is, in types that fit.
    pub(crate) fn check(&self, id: &str, text: &str) -> Checked {
        let policy = match read(id, text) {
            Ok(policy) => policy,
            Err(findings) => return Checked { policy: None, findings },
        };
        let mut set = PolicySet::new();
        if let Err(error) = set.add(policy.clone()) {
            let findings = vec![Finding::error(error.to_string(), text, 0)];
            return Checked { policy: None, findings };
        }
        let result = self.0.validate(&set, ValidationMode::Strict);
        let errors = result.validation_errors().map(|error| (DetailedError::from(error), true));
        let warnings = result.validation_warnings().map(|told| (DetailedError::from(told), false));
        let mut findings: Vec<Finding> = Vec::new();
        for (told, is_error) in errors.chain(warnings) {
            let worse = is_error || told.severity == Some(CedarSeverity::Error);
            let severity = if worse { Severity::Error } else { Severity::Warning };
            let finding = Finding::of(told, severity, text);
            // The same is said once for each kind of actor and resource.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        findings.truncate(bounds::FINDINGS_MAX);
        let passed = findings.iter().all(|finding| finding.severity == Severity::Warning);
        Checked { policy: passed.then_some(policy), findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        Rulebook::open().unwrap().check("grl_1", text).findings
    }

    #[test]
    fn a_policy_that_permits_is_refused_in_words() {
        let found = findings("// Everybody.\npermit (principal, action, resource);");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("roles permit, guardrails forbid"), "{found:?}");
        assert_eq!((found[0].line, found[0].column), (2, 1));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_column() {
        for (text, line, column, word) in [
            ("forbid (principal, action, resource) when {\n  context.ipp == 1 };", 2, 3, "ipp"),
            (
                "forbid (principal,\n action == Action::\"users:fly\", resource);",
                2,
                12,
                "users:fly",
            ),
            ("forbid (principal, action, resource) when { context.hour == \"9\" };", 1, 45, ""),
            (
                "forbid (principal, action, resource) when { context.ip == ip(\"::1\") };",
                1,
                45,
                "ip",
            ),
            ("forbid (principal, action, resource)\nwhen {", 2, 7, ""),
            ("forbid (principal == User::\"x\", action, resource);", 1, 22, "User"),
        ] {
            let found = findings(text);
            let first = found.first().unwrap_or_else(|| panic!("{text} passes"));
            assert_eq!((first.line, first.column), (line, column), "{text}: {found:?}");
            assert_eq!(first.severity, Severity::Error);
            assert!(first.message.contains(word), "{found:?}");
        }
    }

    #[test]
    fn one_policy_stands_in_one_guardrail() {
        let one = "forbid (principal, action, resource);";
        assert!(findings(one).is_empty(), "{:?}", findings(one));
        for text in [
            "",
            "// nothing",
            &format!("{one}\n{one}"),
            "forbid (principal == ?principal, action, resource);",
        ] {
            assert!(findings(text).iter().any(|f| f.severity == Severity::Error), "{text}");
        }
    }

    #[test]
    fn what_is_within_the_bounds_exhausts_nobody() {
        let rulebook = Rulebook::open().unwrap();
        for (what, end) in [
            ("true||", "true"),
            ("true&&", "true"),
            ("1+", "1 == 1"),
            ("1-", "1 == 1"),
            ("1*", "1 == 1"),
            ("context.", "hour == 1"),
            ("1==", "1"),
            ("!", "true"),
            ("-", "1 == 1"),
            ("!(", "true"),
            ("[", "1"),
            ("if true then true else ", "true"),
            ("if ", "true"),
            ("{a:", "1"),
            ("\"a\" like \"", "\""),
            ("context has ip && ", "true"),
        ] {
            // As many of it as may stand there.
            let text = |count| {
                format!(
                    "forbid (principal, action, resource) when {{ {}{end} }};",
                    what.repeat(count)
                )
            };
            let most =
                (1..1000).take_while(|count| bounds::exceeded(&text(*count)).is_none()).last();
            let text = text(most.unwrap());
            drop(rulebook.check("grl_1", &text));
            let closed = text.replace(" };", &format!("{} }};", ")]}".repeat(16)));
            drop(rulebook.check("grl_1", &closed));
        }
    }

    #[test]
    fn a_policy_that_never_holds_is_kept_with_a_warning() {
        let text = "forbid (principal, action, resource) when { false };";
        let checked = Rulebook::open().unwrap().check("grl_1", text);
        assert!(checked.policy.is_some());
        assert_eq!(checked.findings[0].severity, Severity::Warning, "{:?}", checked.findings);
    }
}
