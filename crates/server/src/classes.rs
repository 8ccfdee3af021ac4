//! How sensitive things are: identity explains decisions, and the rooms above it know.

use access::{Caller, Resource};
use gateway::Gateway;
use identity::Classed;
use patterns::Patterns;

/// Asks the room whose thing it is.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    pub(crate) patterns: Patterns,
    pub(crate) gateway: Gateway,
}

impl identity::Classes for Classes {
    fn class_of<'a>(&'a self, caller: &'a Caller, on: &'a Resource) -> Classed<'a> {
        Box::pin(async move {
            match on.kind.as_str() {
                "pattern" => self.patterns.class_of(caller, &on.id).await,
                "model" => Ok(self.gateway.class_of(caller, &on.id)),
                _ => Ok(None),
            }
        })
    }
}
