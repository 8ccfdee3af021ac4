//! What people call the things that limits hang on: other rooms know.

use std::collections::HashMap;
use std::fmt::Debug;

use access::Caller;
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

/// Gives names to ids. Implemented by the server, which sees every room; where it knows
/// nothing, the id stands.
#[async_trait]
pub trait Names: Send + Sync + Debug {
    /// The names of those ids of the caller's org that are known: of teams, members, service
    /// accounts and keys. Asked only for what stands on a page that the caller may see.
    async fn names(&self, caller: &Caller, ids: &[String]) -> HashMap<String, String>;

    /// Some of what a limit of this level can hang on, by name, at most `max`: to choose
    /// from while an id is typed. What the caller may not list is left out.
    async fn choices(&self, caller: &Caller, level: Level, max: usize) -> Vec<Choice>;
}
