//! What a witness said of a log, as the database remembers it.

use base::args;
use base::db::{DbError, Row, Within};
use base::time::At;

use crate::publish::fault::LogError;
use crate::publish::org::{Place, int};
use crate::sql;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) witness: String,
    /// Of the newest checkpoint that it cosigned.
    pub(super) size: u64,
    pub(super) cosigned_at: Option<At>,
    pub(super) behind_since: Option<At>,
    pub(super) asked_at: At,
    pub(super) failure: Option<String>,
    pub(super) refused: Option<Refused>,
}

/// It has seen another log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) at: At,
    pub(super) size: u64,
    pub(super) why: String,
}

impl Said {
    /// Of a witness that was never asked.
    pub(super) fn nothing(witness: &str, now: At) -> Self {
        Self {
            witness: witness.to_owned(),
            size: 0,
            cosigned_at: None,
            behind_since: None,
            asked_at: now,
            failure: None,
            refused: None,
        }
    }

    fn of(row: &Row) -> Result<Self, DbError> {
        let refused = match row.opt_at("refused_at")? {
            Some(at) => {
                Some(Refused { at, size: row.count("refused_size")?, why: row.text("refused")? })
            }
            None => None,
        };
        Ok(Self {
            witness: row.text("witness")?,
            size: row.count("size")?,
            cosigned_at: row.opt_at("cosigned_at")?,
            behind_since: row.opt_at("behind_since")?,
            asked_at: row.at("asked_at")?,
            failure: row.opt_text("failure")?,
            refused,
        })
    }
}

impl Place<'_> {
    /// What this witness said of this log.
    pub(super) async fn said(&self, witness: &str) -> Result<Option<Said>, DbError> {
        let row = self.db()?.maybe(sql::WITNESS_OF, args![witness]).await?;
        row.as_ref().map(Said::of).transpose()
    }

    /// What all witnesses said of this log.
    pub(super) async fn all_said(&self) -> Result<Vec<Said>, DbError> {
        let rows = self.db()?.all(sql::WITNESSES, args![]).await?;
        rows.iter().map(Said::of).collect()
    }

    /// Keeps it. A contradiction that stands is not taken back.
    #[expect(clippy::disallowed_methods, reason = "what a witness said is no change of an org")]
    pub(super) async fn keep(&self, said: &Said) -> Result<(), LogError> {
        let db = self.log.record.databases().whole(&self.scope)?;
        let mut tx = db.begin(&Within::org(self.org().as_str())).await?;
        let refused = said.refused.as_ref();
        let args = args![
            said.witness.as_str(),
            int(said.size)?,
            said.cosigned_at,
            said.behind_since,
            said.asked_at,
            said.failure.as_deref(),
            refused.map(|refused| refused.at),
            refused.map(|refused| int(refused.size)).transpose()?,
            refused.map(|refused| refused.why.as_str())
        ];
        tx.run(sql::WITNESS_SAID, self.scope.args(args)).await?;
        tx.commit().await?;
        Ok(())
    }
}
