//! Which org has proven which domain, over all regions.

use access::OrgId;
use base::args;
use base::db::Within;

use crate::directory::{Directory, Error, Home};
use crate::sql;

impl Directory {
    /// Notes that an org has proven a domain; false if another has.
    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    pub async fn put_domain(&self, domain: &str, org: &OrgId) -> Result<bool, Error> {
        let tag = self.domains.tag(domain.as_bytes());
        let mut tx = self.db.begin(&Within::node()).await?;
        let args = args![tag.as_slice(), org.as_str(), self.clock.now()];
        let put = tx.run(sql::DOMAIN_PUT, args).await?;
        tx.commit().await?;
        Ok(put > 0)
    }

    /// Notes that a domain is the org's no more. Another's stays.
    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    pub async fn release_domain(&self, domain: &str, org: &OrgId) -> Result<(), Error> {
        let tag = self.domains.tag(domain.as_bytes());
        let mut tx = self.db.begin(&Within::node()).await?;
        tx.run(sql::DOMAIN_RELEASE, args![tag.as_slice(), org.as_str()]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The org that has proven a domain. Asked anew each time: a domain can change hands.
    pub async fn by_domain(&self, domain: &str) -> Result<Option<Home>, Error> {
        let tag = self.domains.tag(domain.as_bytes());
        let row = self.db.maybe(&Within::node(), sql::BY_DOMAIN, args![tag.as_slice()]).await?;
        match row {
            Some(row) => self.home(&row.parse("org_id")?).await,
            None => Ok(None),
        }
    }
}
