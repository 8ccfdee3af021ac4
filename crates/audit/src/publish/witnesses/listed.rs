//! Witnesses as people see them, and saying that somebody looked.

use access::{Caller, Permission, Region};
use base::args;
use base::db::Within;
use base::time::At;
use serde::Serialize;

use super::said::Said;
use crate::change::Change;
use crate::event::Event;
use crate::explore::Error;
use crate::publish::Log;
use crate::publish::directory::DIRECTORY;
use crate::publish::fault::LogError;
use crate::publish::org::Place;
use crate::sql;

/// What a witness said of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WitnessState {
    /// The name of its keys.
    pub witness: String,
    /// `record`: the log of this org; `directory`: that of the cell.
    pub log: &'static str,
    /// Entries of the newest checkpoint that it cosigned; 0: none.
    pub size: u64,
    /// When it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub cosigned_at: Option<At>,
    /// Since when there is a checkpoint that it did not cosign; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub behind_since: Option<At>,
    /// Why it did not cosign when it was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// It has seen another log than this one, and nobody has said yet that they looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contradiction: Option<Contradiction>,
}

/// A witness has seen another log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Contradiction {
    /// When it was asked.
    #[schema(value_type = String)]
    pub at: At,
    /// Entries of the checkpoint that it refused.
    pub size: u64,
    /// What it said.
    pub why: String,
}

impl Log {
    /// What the witnesses of the caller's log, and of the directory, said.
    pub async fn witnesses(&self, caller: &Caller) -> Result<Vec<WitnessState>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let own = self.place(&scope)?;
        let of_directory = self.0.directory_of(scope.region())?;
        let mut all = self.states(&own, "record").await?;
        all.extend(self.states(&of_directory, DIRECTORY).await?);
        Ok(all)
    }

    async fn states(
        &self,
        place: &Place<'_>,
        log: &'static str,
    ) -> Result<Vec<WitnessState>, LogError> {
        let mut said = place.all_said().await?;
        for known in self.0.witnesses.known.iter().filter(|it| it.watches(place.scope.region())) {
            let asked =
                if log == DIRECTORY { known.directory } else { known.orgs.contains(place.org()) };
            if asked && !said.iter().any(|said| said.witness == known.name) {
                said.push(Said::nothing(&known.name, self.0.record.clock.now()));
            }
        }
        Ok(said.into_iter().map(|said| said.told(log)).collect())
    }

    /// Says that somebody looked at a contradiction of a witness with the caller's log. It is
    /// an event; the contradiction itself stays in the record.
    pub async fn acknowledge(&self, caller: &Caller, witness: &str) -> Result<(), Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::WITNESS_ACKNOWLEDGED, args![witness]).await? == 0 {
            return Err(Error::NoContradiction);
        }
        change.commit(Event::done("audit.witness.acknowledged", "witness", witness)).await?;
        Ok(())
    }

    /// The same for the directory of a region, which is nobody's record: it is logged. For the
    /// operator at the command line.
    #[expect(clippy::disallowed_methods, reason = "the directory is of no org, so has no record")]
    pub async fn acknowledge_directory(&self, region: Region, witness: &str) -> Result<(), Error> {
        let place = self.0.directory_of(region)?;
        let db = self.0.record.databases().region(region)?;
        let mut tx = db.begin(&Within::org(place.org().as_str())).await?;
        let args = place.scope.args(args![witness]);
        if tx.run(sql::WITNESS_ACKNOWLEDGED, args).await? == 0 {
            return Err(Error::NoContradiction);
        }
        tx.commit().await?;
        tracing::warn!(%region, witness, "somebody looked at what a witness said of the directory");
        Ok(())
    }
}

impl Said {
    fn told(self, log: &'static str) -> WitnessState {
        let Self { witness, size, cosigned_at, behind_since, failure, refused, .. } = self;
        let contradiction =
            refused.map(|it| Contradiction { at: it.at, size: it.size, why: it.why });
        WitnessState { witness, log, size, cosigned_at, behind_since, failure, contradiction }
    }
}
