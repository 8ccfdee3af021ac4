//! The console's pages of this room: limits, what is left of them, and where budgets go.

mod budgets;
mod chart;
mod list;
mod meter;
mod one;
mod set;
mod whose;

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, KeyId, MemberId, ServiceId, TeamId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::whose::Whose;
use crate::Limits;
use crate::choices::Choices;
use crate::core::Level;

/// What the handlers of the pages hold.
#[derive(Debug, Clone)]
struct Pages {
    limits: Limits,
    names: Arc<dyn Choices>,
}

/// The pages of this room. `names` gives names to what limits hang on.
pub fn pages(limits: Limits, names: Arc<dyn Choices>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, set::set))
        .routes(routes!(set::form))
        .routes(routes!(set::remove))
        .routes(routes!(budgets::budgets))
        .routes(routes!(one::one))
        .with_state(Pages { limits, names })
}

/// The names of what stands on one page.
#[derive(Debug, Default)]
struct Known(HashMap<String, String>);

impl Pages {
    /// Asks once for the names of everything on a page. Names of models and `*` are not
    /// asked for: they are what people call them.
    async fn known(&self, caller: &Caller, ids: impl IntoIterator<Item = String>) -> Known {
        let named = |id: &String| {
            let prefixes = [TeamId::PREFIX, MemberId::PREFIX, ServiceId::PREFIX, KeyId::PREFIX];
            prefixes.iter().any(|prefix| id.starts_with(prefix))
        };
        let mut ids: Vec<String> = ids.into_iter().filter(named).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() { Known::default() } else { Known(self.names.names(caller, &ids).await) }
    }

    /// Who or what a single subject is.
    async fn whose(&self, caller: &Caller, level: Level, subject: &str) -> Whose {
        self.known(caller, [subject.to_owned()]).await.whose(level, subject)
    }
}

impl Known {
    fn whose(&self, level: Level, subject: &str) -> Whose {
        let name = match level {
            Level::Org | Level::Model => None,
            Level::Team | Level::Member | Level::Key => self.0.get(subject).cloned(),
        };
        Whose { level, subject: subject.to_owned(), name }
    }

    /// The name of an actor; the id where nobody knows one.
    fn actor(&self, id: &str) -> String {
        self.0.get(id).map_or_else(|| id.to_owned(), Clone::clone)
    }
}
