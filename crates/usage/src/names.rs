//! What people call members, teams and keys. This room knows ids; whoever knows names
//! plugs in here.

use std::collections::BTreeMap;

use access::Caller;
use async_trait::async_trait;

use crate::filter::Dimension;

/// Gives names to ids.
#[async_trait]
pub trait Names: Send + Sync + std::fmt::Debug {
    /// The names of these members (or service accounts), teams or keys, as far as the caller
    /// may know them. What is missing is shown as its id. Never asked for models.
    async fn names(
        &self,
        caller: &Caller,
        kind: Dimension,
        ids: &[String],
    ) -> BTreeMap<String, String>;
}

/// Nobody has a name: ids are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nameless;

#[async_trait]
impl Names for Nameless {
    async fn names(&self, _: &Caller, _: Dimension, _: &[String]) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}
