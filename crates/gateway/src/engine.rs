//! The socket of the embedded engine: a provider that lives in this process.

use std::future::Future;
use std::pin::Pin;

use access::{Caller, DataClass};
use base::problem::Problem;
use serde_json::{Map, Value};

/// What a caller asks the engine.
#[derive(Debug)]
pub struct Question<'a> {
    /// The model that was named: `patterns` or `pattern/<slug>`.
    pub model: &'a str,
    /// The text of the last message of the user.
    pub text: &'a str,
    /// Values for the variables of a template, as the caller sent them.
    pub variables: &'a Map<String, Value>,
}

/// Which pattern answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// The pattern's id.
    pub id: String,
    /// Its short name.
    pub slug: String,
    /// Its version.
    pub version: u64,
    /// How well it matched, in thousandths; 1,000 when it was named.
    pub score_thousandths: u32,
    /// How sensitive it is; none: nobody said.
    pub data_class: Option<DataClass>,
}

/// What the engine says.
#[derive(Debug, Clone)]
pub enum Answered {
    /// An approved answer: it needs no provider.
    Text {
        /// Which pattern.
        by: Answerer,
        /// The answer.
        text: String,
    },
    /// A rendered template: a model answers it.
    Ask {
        /// Which pattern.
        by: Answerer,
        /// The model it names, if it names one.
        model: Option<String>,
        /// `messages`, and settings such as `temperature`, as in a chat completion.
        request: Map<String, Value>,
    },
    /// No pattern matches well enough.
    Nothing {
        /// What to say, honestly.
        text: String,
    },
}

/// What an engine does later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// The embedded engine. Implemented by `patterns`.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Whether this name is the engine's.
    fn owns(&self, model: &str) -> bool;

    /// Answers, or says what a model is to be asked. Checks the caller's permission.
    fn answer<'a>(&'a self, caller: &'a Caller, question: Question<'a>) -> Later<'a, Answered>;

    /// The names that this caller may use.
    fn models<'a>(&'a self, caller: &'a Caller) -> Later<'a, Vec<String>>;
}
