//! What was wrong with a form, by field.

use axum::http::StatusCode;

use crate::problem::Problem;

/// What to say beside the fields of a form that was refused, and above it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// What is wrong with the whole, in a sentence.
    pub general: Option<String>,
    fields: Vec<(String, String)>,
}

impl Faults {
    /// Takes a refusal apart that filling in again can mend. Any other is given back:
    /// it is a page of its own.
    pub fn of(problem: impl Into<Problem>) -> Result<Self, Problem> {
        let problem = problem.into();
        let mends = matches!(
            problem.status(),
            StatusCode::BAD_REQUEST
                | StatusCode::CONFLICT
                | StatusCode::UNPROCESSABLE_ENTITY
                | StatusCode::TOO_MANY_REQUESTS
        );
        if !mends {
            return Err(problem);
        }
        let dotted = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
        let mut fields: Vec<_> = problem
            .errors_of_fields()
            .iter()
            .map(|error| (dotted(&error.pointer), error.detail.clone()))
            .collect();
        if fields.is_empty()
            && let Some(field) = problem.field()
        {
            fields.push((dotted(field), problem.detail().to_owned()));
        }
        let general = fields.is_empty().then(|| sentence(problem.detail()));
        Ok(Self { general, fields })
    }

    /// Something about the whole form.
    pub fn general(text: impl Into<String>) -> Self {
        Self { general: Some(text.into()), fields: Vec::new() }
    }

    /// Something about one field.
    pub fn field(name: &str, text: impl Into<String>) -> Self {
        Self { general: None, fields: vec![(name.to_owned(), text.into())] }
    }

    /// What is wrong with a field.
    pub fn of_field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str())
    }

    /// What is wrong with a field or with something inside of it: `triggers` also
    /// finds `triggers.0`.
    pub fn within(&self, name: &str) -> Option<&str> {
        let inside = |field: &str| {
            field == name
                || field.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.fields.iter().find(|(field, _)| inside(field)).map(|(_, text)| text.as_str())
    }

    /// Whether anything is wrong.
    pub fn any(&self) -> bool {
        self.general.is_some() || !self.fields.is_empty()
    }

    /// Every field that is wrong, with what is wrong with it.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

/// A problem's words as a sentence.
pub fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let mut text: String =
        characters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    text.push_str(characters.as_str());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FieldError;

    #[test]
    fn a_refusal_names_its_fields_and_what_no_filling_in_mends_is_given_back() {
        let error = |pointer: &str, detail: &str| FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        };
        let problem = Problem::invalid("email", "two things are wrong")
            .errors(vec![error("/email", "is no address"), error("/triggers/0", "is empty")]);
        let faults = Faults::of(problem).unwrap();
        assert_eq!(faults.of_field("email"), Some("is no address"));
        assert_eq!(faults.within("triggers"), Some("is empty"));
        assert_eq!(faults.of_field("triggers"), None);
        let whole =
            Faults::of(Problem::new(StatusCode::CONFLICT, "exists", "it is there")).unwrap();
        assert_eq!(whole.general.as_deref(), Some("It is there."));
        assert!(Faults::of(Problem::not_found()).is_err());
    }
}
