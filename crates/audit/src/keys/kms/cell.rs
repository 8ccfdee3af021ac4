//! What a region's keys are wrapped and named with.

use std::sync::Arc;

use base::seal::Mac;
use zeroize::Zeroizing;

use super::{Kms, KmsError};

/// The keys of a region.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) kms: Arc<dyn Kms>,
    /// What wrapped before there was this KMS.
    pub(crate) former: Option<Arc<dyn Kms>>,
    /// Names holders.
    pub(crate) tags: Mac,
}

impl Cell {
    /// Opens what this KMS wrapped, or the one before it.
    pub(crate) async fn unwrap(
        &self,
        purpose: &str,
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, KmsError> {
        let both = std::iter::once(&self.kms).chain(&self.former);
        let mut knows = both.filter(|kms| kms.epoch_of(wrapped).is_some());
        knows.next().ok_or(KmsError::Foreign)?.unwrap(purpose, wrapped).await
    }
}
