//! Whether a stored event says the same three times: in its entry, in its values and in the
//! columns by which it is found.

use base::args;
use base::db::{DbError, Row};
use serde_json::Value;

use super::fault::{FaultKind, LogError};
use super::opening::Shown;
use super::org::{Place, int};
use crate::describe::text;
use crate::entry::Sealed;
use crate::heads::LATE_MAX_MICROS;
use crate::keys::{MARK, Tag};
use crate::sql;
use crate::tiers::Positions;

/// How many events back the one is looked for that made a late event stand where it stands.
const LATE_BEHIND_MAX: u64 = 65_536;
/// And how many ahead: it may have come in the same group.
const LATE_AHEAD_MAX: u64 = 512;

impl Place<'_> {
    /// What is wrong with a row, if anything is.
    pub(super) async fn fault_of(
        &self,
        row: &Row,
        sealed: &Sealed,
    ) -> Result<Option<FaultKind>, LogError> {
        let seq = row.count("seq")?;
        if sealed.lost {
            return self.fault_of_lost(row, sealed).await;
        }
        let shown = match self.shown(seq, sealed).await {
            Ok(shown) => shown,
            Err(LogError::Fault(fault)) => return Ok(Some(fault.kind)),
            Err(
                error @ (LogError::Store(_)
                | LogError::Db(_)
                | LogError::Unsigned
                | LogError::Moved
                | LogError::Unpacked(_)),
            ) => return Err(error),
        };
        let [subject_of, payload_of] = &sealed.tags;
        let values = shown.each_ref().map(|shown| shown.as_ref().map(Shown::value));
        let [core, subject, payload] = values;
        let Some(core) = core else { return Ok(None) };
        for column in ["action", "resource_type", "outcome"] {
            let field = if column == "resource_type" { "resourceType" } else { column };
            if row.text(column)? != text(&core, field) {
                return Ok(Some(FaultKind::Column(column)));
            }
        }
        let user = subject.as_ref().map(|subject| text(subject, "userId"));
        if !self.names(&row.text("user_id")?, user, subject_of)? {
            return Ok(Some(FaultKind::Column("user_id")));
        }
        let plain = core.get("resourceId").and_then(Value::as_str);
        let resource = plain.or_else(|| Some(text(payload.as_ref()?, "resourceId")));
        if !self.names(&row.text("resource_id")?, resource, payload_of)? {
            return Ok(Some(FaultKind::Column("resource_id")));
        }
        if self.stands_in_time(row, &core).await? {
            Ok(None)
        } else {
            Ok(Some(FaultKind::Column("at")))
        }
    }

    /// Whether a column names this id; of somebody who was forgotten it names the key.
    fn names(&self, column: &str, id: Option<&str>, tag: &Tag) -> Result<bool, DbError> {
        match id {
            Some(id) => {
                let keys = &self.log.record.keys;
                Ok(column == keys.stored(self.scope.region(), self.org(), id)?)
            }
            None => Ok(column.strip_prefix(MARK) == Some(tag.as_str())),
        }
    }

    /// An event is found under the instant at which it happened; one that came late under an
    /// instant that another event sets (see `append`).
    async fn stands_in_time(&self, row: &Row, core: &Value) -> Result<bool, LogError> {
        let happened = text(core, "timestamp").parse::<base::time::At>();
        let Ok(happened) = happened.map(base::time::At::as_microsecond) else { return Ok(false) };
        let at = row.int("at")?;
        if at <= happened {
            return Ok(at == happened);
        }
        let seq = row.count("seq")?;
        let from = int(seq.saturating_sub(LATE_BEHIND_MAX))?;
        let (before, at) = (int(seq + LATE_AHEAD_MAX)?, at + LATE_MAX_MICROS);
        let asked = (sql::SET_BY, args![from, before, at]);
        let positions = Positions { at: (at, at), ..Positions::all(from, before) }.at_most(1);
        let (db, record) = (self.db()?, &self.log.record);
        let found = record.rows_that((&db, &self.scope), asked, positions, &|_| true).await?;
        Ok(!found.is_empty())
    }
}
