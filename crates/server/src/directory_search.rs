//! Finding an org by its short name, for sign-in: identity asks, the directory knows.

use identity::{FindOrg, Found};
use regions::Directory;

/// The directory, as identity's socket wants it.
#[derive(Debug)]
pub(crate) struct DirectorySearch(pub(crate) Directory);

impl FindOrg for DirectorySearch {
    fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let home = match name.parse() {
                Ok(org) => self.0.home(&org).await?,
                Err(_) => self.0.by_slug(name).await?,
            };
            Ok(home.map(|home| (home.org, home.region)))
        })
    }
}
