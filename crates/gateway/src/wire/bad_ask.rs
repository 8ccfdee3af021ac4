//! Why a request body is refused before anything is spent on it.

#[cfg(test)]
use super::openai_error::OpenAiError;

/// A request body that cannot be served as it stands; answered with 400 in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BadAsk {
    pub(crate) message: String,
    /// The field at fault, as a path: `messages[2].role`.
    pub(crate) param: Option<String>,
    pub(crate) code: Option<&'static str>,
}

impl BadAsk {
    /// Something is wrong with this field; `what` completes the sentence that its name begins.
    pub(crate) fn field(param: impl Into<String>, what: &str, code: &'static str) -> Self {
        let param = param.into();
        Self { message: format!("`{param}` {what}"), param: Some(param), code: Some(code) }
    }

    /// The field holds a value of the wrong JSON type.
    pub(crate) fn wrong_type(param: impl Into<String>, wanted: &str) -> Self {
        Self::field(param, &format!("must be {wanted}"), "invalid_type")
    }

    /// The field holds a value outside what is allowed.
    pub(crate) fn bad_value(param: impl Into<String>, what: &str) -> Self {
        Self::field(param, what, "invalid_value")
    }

    /// The field is needed and absent.
    pub(crate) fn missing(param: impl Into<String>) -> Self {
        Self::field(param, "is required", "missing_required_parameter")
    }

    /// The field would change the answer, and this model's provider has nothing like it.
    pub(crate) fn unsupported(param: impl Into<String>) -> Self {
        Self::field(param, "is not supported by this model", "unsupported_parameter")
    }

    /// The field makes a call dearer, or has somebody else process it, and the operator does not
    /// allow it.
    pub(crate) fn not_allowed(param: &str) -> Self {
        let what = "changes what a call costs or who processes it, and is not allowed here";
        Self::field(param, what, "unsupported_parameter")
    }

    /// The body as a whole is not a request.
    pub(crate) fn body(message: impl Into<String>, code: &'static str) -> Self {
        Self { message: message.into(), param: None, code: Some(code) }
    }

    /// The error object that answers it.
    #[cfg(test)]
    pub(crate) fn as_openai(&self) -> OpenAiError<'_> {
        OpenAiError {
            message: &self.message,
            kind: "invalid_request_error",
            param: self.param.as_deref(),
            code: self.code,
        }
    }
}
