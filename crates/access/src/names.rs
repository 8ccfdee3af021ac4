//! What people and things are called. Most rooms keep ids alone, for they stay; this
//! socket tells a reader the names of today. The server plugs in who knows them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use crate::Caller;

/// What [`Names::names`] gives.
pub type Named<'a> = Pin<Box<dyn Future<Output = HashMap<String, String>> + Send + 'a>>;

/// Who knows names.
pub trait Names: Send + Sync + Debug {
    /// What members, teams, service accounts and keys of the caller's org are called, by
    /// their ids. An id that is left out is shown as it is.
    fn names<'a>(&'a self, caller: &'a Caller, ids: &'a [String]) -> Named<'a>;
}
