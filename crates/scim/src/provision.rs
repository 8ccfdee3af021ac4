//! Which orgs have a directory: what the sign-in asks before it makes a new member.

use access::{Databases, Scope};
use base::args;
use identity::{Provisioned, Sources};

use crate::sql;

/// The directories of all orgs.
#[derive(Debug)]
pub(crate) struct Directories(pub(crate) Databases);

impl Sources for Directories {
    fn provision<'a>(&'a self, scope: &'a Scope) -> Provisioned<'a> {
        Box::pin(async move {
            let any = self.0.of(scope)?.maybe(sql::DIRECTORY_ANY, args![]).await?;
            Ok(any.is_some())
        })
    }
}
