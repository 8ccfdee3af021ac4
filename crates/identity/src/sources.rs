//! Whether an outside source brings the members of an org and takes them away. The room
//! that knows it is not this one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::Scope;
use base::db::DbError;

use crate::{Error, Identity};

/// Knows which orgs have a source of members outside.
pub trait Sources: Send + Sync + fmt::Debug {
    /// Whether the org that the scope is of has one.
    fn provision<'a>(&'a self, scope: &'a Scope) -> Provisioned<'a>;
}

/// What [`Sources::provision`] gives.
pub type Provisioned<'a> = Pin<Box<dyn Future<Output = Result<bool, DbError>> + Send + 'a>>;

impl Identity {
    /// Tells whom to ask about sources: the room of directories does as it opens. The first
    /// word holds.
    pub fn ask_of_sources(&self, sources: Arc<dyn Sources>) {
        drop(self.0.sources.set(sources));
    }

    /// Whether an outside source brings the members of an org: then nobody becomes one by
    /// signing in.
    pub async fn is_provisioned(&self, scope: &Scope) -> Result<bool, Error> {
        match self.0.sources.get() {
            Some(sources) => Ok(sources.provision(scope).await?),
            None => Ok(false),
        }
    }
}
