//! Finding an org by its short name or the domain of an address, for sign-in: rooms ask,
//! the directory knows.

use access::{OrgId, Region};
use base::problem::Problem;
use identity::{FindOrg, Found};
use regions::Directory;

/// The directory, as the sockets of identity and domains want it.
#[derive(Debug, Clone)]
pub(crate) struct DirectorySearch(pub(crate) Directory);

impl FindOrg for DirectorySearch {
    fn find<'a>(&'a self, name: &'a str) -> Found<'a> {
        Box::pin(async move {
            let home = match (name.parse(), name.parse::<domains::DomainName>()) {
                (Ok(org), _) => self.0.home(&org).await?,
                (Err(_), Ok(domain)) => self.0.by_domain(&domain.to_string()).await?,
                (Err(_), Err(_)) => self.0.by_slug(name).await?,
            };
            Ok(home.map(|home| (home.org, home.region)))
        })
    }
}

#[async_trait::async_trait]
impl domains::Registry for DirectorySearch {
    async fn put(&self, domain: &str, org: &OrgId, _: Region) -> Result<bool, Problem> {
        Ok(self.0.put_domain(domain, org).await?)
    }

    async fn release(&self, domain: &str, org: &OrgId) -> Result<(), Problem> {
        Ok(self.0.release_domain(domain, org).await?)
    }
}
