//! Whether a stored event says the same three times: in its entry, in its values and in the
//! columns by which it is found.

use access::{OrgId, Region};
use base::args;
use base::db::{DbError, Row};
use serde_json::Value;

use super::fault::{FaultKind, LogError};
use super::org::{Place, int};
use crate::append::LATE_MAX_MICROS;
use crate::describe::text;
use crate::entry::{Class, Sealed, commitment, commitments};
use crate::keys::{Found, MARK, Source, Tag};
use crate::sql;

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
        let mut values = [None, None, None];
        let [subject_of, payload_of] = &sealed.tags;
        let tags = [&Tag::new(), subject_of, payload_of];
        let classes = Class::ALL.into_iter().zip(tags).zip(commitments(&sealed.entry));
        for (((class, tag), stored), value) in classes.zip(&mut values) {
            let key = match self.key(tag).await? {
                Some(Found::Key(key)) => key,
                // Forgotten: its commitment stands, and nobody can say more.
                Some(Found::Destroyed) => continue,
                None => return Ok(Some(FaultKind::NoSuchKey(class.as_str()))),
            };
            let json = sealed.open(class, &key).ok();
            let salt = key.salt(class, &sealed.nonce);
            let agreed = json.filter(|json| commitment(class, &salt, json) == stored);
            let read = agreed.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
            match read {
                Some(read) => *value = Some(read),
                None => return Ok(Some(FaultKind::NotCommitted(class.as_str()))),
            }
        }
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

    /// A key that cannot be unwrapped is as good as none: somebody changed its row.
    async fn key(&self, tag: &Tag) -> Result<Option<Found>, DbError> {
        let (db, org): (_, &OrgId) = (self.db()?, self.org());
        let region: Region = self.scope.region();
        match self.log.record.keys.found(Source::Beside(&db, org), region, tag).await {
            Err(error) if !error.is_unreachable() && !error.is_passing() => Ok(None),
            found => found,
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
        let args = args![from, int(seq + LATE_AHEAD_MAX)?, at + LATE_MAX_MICROS];
        Ok(self.db()?.maybe(sql::SET_BY, args).await?.is_some())
    }
}
