//! Before a node serves: can the keys in the database be opened?

use std::collections::BTreeSet;

use access::{OrgId, Region};

use super::org::page;
use super::{EpochError, Epochs, Inner};
use crate::keys::Epoch;

/// Orgs whose keys are looked at before a node serves; those of the others are looked at by
/// the first turn behind the start, which says what it finds.
const CHECKED_MAX: usize = 10_000;

impl Epochs {
    /// That the KMS of every region is there and suitable, and that the keys of all orgs, or
    /// of ten thousand where there are more, were wrapped in epochs whose secrets exist. A
    /// node that fails this must not serve.
    pub async fn check(&self) -> Result<(), EpochError> {
        for (region, _) in self.0.record.databases().iter() {
            self.0.check(region).await?;
        }
        Ok(())
    }
}

impl Inner {
    async fn check(&self, region: Region) -> Result<(), EpochError> {
        let cell = self.record.keys.cell(region)?;
        cell.kms.check().await?;
        let numbers = |epochs: Vec<Epoch>| -> BTreeSet<u64> {
            epochs.into_iter().map(|epoch| epoch.number).collect()
        };
        let living = numbers(cell.kms.epochs().await?);
        let former = match &cell.former {
            Some(former) => numbers(former.epochs().await?),
            None => BTreeSet::new(),
        };
        let db = self.record.databases().region(region)?;
        let (mut tried, mut after, mut checked) = (BTreeSet::new(), String::new(), 0);
        loop {
            let (orgs, last) = page(db, &after).await?;
            checked += orgs.len();
            for (org, key) in
                orgs.iter().flat_map(|(org, keys)| keys.iter().map(move |key| (org, key)))
            {
                let of_former = || cell.former.as_ref().and_then(|kms| kms.epoch_of(&key.wrapped));
                let (number, known) = match (cell.kms.epoch_of(&key.wrapped), of_former()) {
                    (Some(number), _) => (number, living.contains(&number)),
                    (None, Some(number)) => (number, former.contains(&number)),
                    (None, None) => {
                        return Err(EpochError::Foreign { region, org: org.to_string() });
                    }
                };
                // Number 0 is the root key itself.
                if !known && number != 0 {
                    let org = org.to_string();
                    return Err(EpochError::Forgotten { region, org, epoch: number });
                }
                // One of each suffices: it is the same secret.
                if tried.insert((cell.kms.epoch_of(&key.wrapped).is_some(), number)) {
                    let of_orgs = &self.record.keys.of_orgs;
                    let opened = of_orgs.opened(cell, org, key.epoch, &key.wrapped).await;
                    opened.map_err(|error| unopened(error, region, org, number))?;
                }
            }
            let Some(last) = last.filter(|_| checked < CHECKED_MAX) else { return Ok(()) };
            after = last;
        }
    }
}

/// A secret of this number is here, and it is another one.
fn unopened(error: base::db::DbError, region: Region, org: &OrgId, epoch: u64) -> EpochError {
    if error.is_elsewhere() || error.is_unreachable() {
        return error.into();
    }
    tracing::error!(error = &error as &dyn std::error::Error, "a key of an org cannot be opened");
    EpochError::Forgotten { region, org: org.to_string(), epoch }
}
