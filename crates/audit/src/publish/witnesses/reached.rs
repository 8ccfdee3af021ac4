//! How much of a record every witness has seen.

use base::args;

use crate::publish::fault::LogError;
use crate::publish::org::Place;
use crate::sql;

impl Place<'_> {
    /// Events that are in a checkpoint that every witness of this log cosigned, itself or by
    /// the directory that lists it; all of them where nobody is named.
    pub(in crate::publish) async fn witnessed(&self) -> Result<u64, LogError> {
        let region = self.scope.region();
        let mut least = u64::MAX;
        for known in self.log.witnesses.known.iter().filter(|known| known.watches(region)) {
            if known.orgs.contains(self.org()) {
                let said = self.said(&known.name).await?;
                least = least.min(said.map_or(0, |said| said.size));
            }
            if known.directory {
                let said = self.log.directory_of(region)?.said(&known.name).await?;
                let epochs = said.map_or(0, |said| said.size);
                let listed = match self.db()?.maybe(sql::SLOT_OF, args![]).await? {
                    Some(row) if row.count("epoch")? < epochs => row.count("size")?,
                    _ => 0,
                };
                least = least.min(listed);
            }
        }
        Ok(least)
    }
}
