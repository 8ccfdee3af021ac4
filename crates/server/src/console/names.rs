//! Names for ids: the rooms below know ids alone, and identity knows what they are called.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;

use access::Caller;
use async_trait::async_trait;
use identity::{Identity, ListKeys};
use limits::{Choice, Level};

/// Gives names, as far as the caller may know them.
#[derive(Debug, Clone)]
pub(crate) struct Known(pub(crate) Identity);

impl Known {
    async fn of(&self, caller: &Caller, ids: &[String]) -> HashMap<String, String> {
        let known = self.0.names(caller, ids).await;
        known.unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "names could not be read");
            HashMap::new()
        })
    }
}

impl audit::Names for Known {
    fn names<'a>(
        &'a self,
        caller: &'a Caller,
        ids: &'a [String],
    ) -> Pin<Box<dyn Future<Output = HashMap<String, String>> + Send + 'a>> {
        Box::pin(self.of(caller, ids))
    }
}

#[async_trait]
impl usage::Names for Known {
    async fn names(
        &self,
        caller: &Caller,
        _: usage::Dimension,
        ids: &[String],
    ) -> BTreeMap<String, String> {
        self.of(caller, ids).await.into_iter().collect()
    }
}

#[async_trait]
impl limits::Names for Known {
    async fn names(&self, caller: &Caller, ids: &[String]) -> HashMap<String, String> {
        self.of(caller, ids).await
    }

    async fn choices(&self, caller: &Caller, level: Level, max: usize) -> Vec<Choice> {
        let limit = u32::try_from(max).ok();
        let choice = |id: String, name: String| Choice { id, name };
        match level {
            Level::Org | Level::Model => Vec::new(),
            Level::Team => match self.0.teams(caller, None, limit).await {
                Ok(page) => {
                    page.items.into_iter().map(|it| choice(it.id.to_string(), it.name)).collect()
                }
                Err(_) => Vec::new(),
            },
            Level::Member => match self.0.members(caller, None, None, limit).await {
                Ok(page) => {
                    page.items.into_iter().map(|it| choice(it.id.to_string(), it.name)).collect()
                }
                Err(_) => Vec::new(),
            },
            Level::Key => {
                let all = ListKeys { owner: Some("*".to_owned()), limit, ..ListKeys::default() };
                match self.0.keys(caller, &all).await {
                    Ok(page) => page
                        .items
                        .into_iter()
                        .map(|it| choice(it.id.to_string(), it.name))
                        .collect(),
                    Err(_) => Vec::new(),
                }
            }
        }
    }
}
