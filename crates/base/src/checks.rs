//! Rules about single fields, collected so that an answer names every wrong one.

use crate::problem::FieldError;

/// The fields that are wrong.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

/// Some fields are wrong; a room makes its own error of it.
#[derive(Debug)]
pub struct Invalid(pub Vec<FieldError>);

impl Checks {
    /// Notes a wrong field. `pointer` is a JSON pointer (RFC 6901) into the body.
    pub fn refuse(&mut self, pointer: &str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.to_owned(), detail: detail.into() });
    }

    /// What people call something: 1 to 120 characters, trimmed.
    pub fn name(&mut self, pointer: &str, name: &str) -> String {
        let name = name.trim();
        let length = name.chars().count();
        if length == 0 || length > 120 || name.chars().any(char::is_control) {
            self.refuse(pointer, "must have 1 to 120 characters");
        }
        name.to_owned()
    }

    /// An error if any field was wrong.
    pub fn done(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid(self.0)) }
    }
}
