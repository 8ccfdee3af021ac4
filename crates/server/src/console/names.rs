//! Names for ids: the rooms below know ids alone, and identity knows what they are called.

use std::collections::HashMap;
use std::fmt::Display;

use access::{Caller, Named, Names};
use async_trait::async_trait;
use gateway::Gateway;
use identity::{Identity, ListKeys};
use limits::{Choice, Choices, Level};

/// Gives names, as far as the caller may know them.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Identity);

impl Names for Known {
    fn names<'a>(&'a self, caller: &'a Caller, ids: &'a [String]) -> Named<'a> {
        Box::pin(async {
            let known = self.0.names(caller, ids).await;
            known.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "names could not be read");
                HashMap::new()
            })
        })
    }
}

/// What a limit can hang on.
#[derive(Debug, Clone)]
pub(super) struct Limitable {
    pub(super) known: Known,
    pub(super) gateway: Gateway,
}

impl Names for Limitable {
    fn names<'a>(&'a self, caller: &'a Caller, ids: &'a [String]) -> Named<'a> {
        self.known.names(caller, ids)
    }
}

#[async_trait]
impl Choices for Limitable {
    async fn choices(&self, caller: &Caller, level: Level, max: usize) -> Vec<Choice> {
        // Whoever may not list them types an id.
        self.every(caller, level, u32::try_from(max).ok()).await.unwrap_or_default()
    }
}

impl Limitable {
    async fn every(
        &self,
        caller: &Caller,
        level: Level,
        limit: Option<u32>,
    ) -> Result<Vec<Choice>, identity::Error> {
        let choice =
            |id: &dyn Display, name: &str| Choice { id: id.to_string(), name: name.into() };
        let identity = &self.known.0;
        Ok(match level {
            Level::Org => Vec::new(),
            Level::Team => {
                let teams = identity.teams(caller, None, limit).await?.items;
                teams.iter().map(|team| choice(&team.id, &team.name)).collect()
            }
            Level::Member => {
                let members = identity.members(caller, None, None, limit).await?.items;
                members.iter().map(|member| choice(&member.id, &member.name)).collect()
            }
            Level::Key => {
                let all = ListKeys { owner: Some("*".to_owned()), limit, ..ListKeys::default() };
                let keys = identity.keys(caller, &all).await?.items;
                keys.iter().map(|key| choice(&key.id, &key.name)).collect()
            }
            Level::Model => {
                let models = self.gateway.catalogue_view(caller).items;
                models.iter().map(|model| choice(&model.name, &model.name)).collect()
            }
        })
    }
}
