//! What limits can hang on: other rooms know.

use access::{Caller, Names};
use async_trait::async_trait;

use crate::core::Level;

/// Something that a limit can hang on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The id, or the name of a model.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Who knows what there is. Implemented by the server, which sees every room.
#[async_trait]
pub trait Choices: Names {
    /// Some of what a limit of this level can hang on, by name, at most `max`: to choose
    /// from while an id is typed. What the caller may not list is left out.
    async fn choices(&self, caller: &Caller, level: Level, max: usize) -> Vec<Choice>;
}
