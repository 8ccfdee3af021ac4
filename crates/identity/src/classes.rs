//! How sensitive a thing is. The rooms that know it are not this one; guardrails look at it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::{Caller, DataClass, Permission, Resource, Thing};
use base::db::DbError;

use crate::{Error, Identity};

/// Knows how sensitive patterns and models are.
pub trait Classes: Send + Sync + fmt::Debug {
    /// The class of a thing of the caller's org; none: nobody said, or there is no such thing.
    fn class_of<'a>(&'a self, caller: &'a Caller, on: &'a Resource) -> Classed<'a>;
}

/// What [`Classes::class_of`] gives.
pub type Classed<'a> =
    Pin<Box<dyn Future<Output = Result<Option<DataClass>, DbError>> + Send + 'a>>;

impl Identity {
    /// Tells whom to ask how sensitive things are: rooms that open after this one know it.
    /// The first word holds.
    pub fn ask_of_classes(&self, classes: Arc<dyn Classes>) {
        drop(self.0.classes.set(classes));
    }

    /// What a question of the caller's own is about, with its class where guardrails have a
    /// say: whom no role lets near it learns nothing of it.
    pub(crate) async fn thing<'a>(
        &self,
        caller: &Caller,
        permission: Permission,
        on: &'a Resource,
    ) -> Result<Thing<'a>, Error> {
        let thing = Thing::of(on);
        match self.0.classes.get() {
            Some(classes) if caller.access.may_on(permission, thing) => {
                Ok(thing.classed(classes.class_of(caller, on).await?))
            }
            Some(_) | None => Ok(thing),
        }
    }
}
