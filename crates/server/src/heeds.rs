//! What other nodes changed, told to the rooms that remember something of an org. A room
//! that is not here remembers nothing, or asks the database each time: see decision 32.

use std::sync::Arc;

use access::{OrgId, Region};
use async_trait::async_trait;
use audit::Record;
use identity::Identity;
use nodes::Heed;
use patterns::Patterns;
use usage::Ahead;

/// Who may what: snapshots of orgs with their guardrails, and what runs on credentials.
#[derive(Debug)]
pub(crate) struct Credentials(pub(crate) Identity);

#[async_trait]
impl Heed for Credentials {
    /// Many rooms change it: whatever raises the version of an org.
    fn rooms(&self) -> &'static [&'static str] {
        &[]
    }

    async fn changed(&self, org: &OrgId, region: Region) {
        self.0.heed(org, region).await;
    }

    async fn doubt(&self, region: Region) {
        self.0.doubt(region);
    }
}

/// What an org approved to be said.
#[derive(Debug)]
pub(crate) struct Taught(pub(crate) Patterns);

#[async_trait]
impl Heed for Taught {
    fn rooms(&self) -> &'static [&'static str] {
        &["patterns"]
    }

    async fn changed(&self, org: &OrgId, region: Region) {
        self.0.heed(org, region).await;
    }

    async fn doubt(&self, region: Region) {
        self.0.doubt(region);
    }
}

/// Records that grew, to be published and folded.
#[derive(Debug)]
pub(crate) struct Grown(pub(crate) Record);

#[async_trait]
impl Heed for Grown {
    /// Every change is an event.
    fn rooms(&self) -> &'static [&'static str] {
        &[]
    }

    async fn changed(&self, org: &OrgId, _: Region) {
        self.0.grew(org);
    }

    /// All records are looked at once a minute, whoever is heard.
    async fn doubt(&self, _: Region) {}
}

/// The keys of whoever was erased, and what usage has added up of them.
#[derive(Debug)]
pub(crate) struct Forgotten(pub(crate) Record, pub(crate) Arc<Ahead>);

#[async_trait]
impl Heed for Forgotten {
    fn rooms(&self) -> &'static [&'static str] {
        &["privacy"]
    }

    async fn changed(&self, org: &OrgId, _: Region) {
        if let Err(error) = self.0.catch_up_on_forgetting().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(org.id = %org, error, "destroyed keys are looked for again in a second");
        }
        // Behind the keys: what is told from now on is nobody's.
        self.1.heed(org);
    }

    /// Keys are remembered for a minute, whoever is heard; what is added up, until it is folded.
    async fn doubt(&self, _: Region) {
        self.1.doubt();
    }
}
