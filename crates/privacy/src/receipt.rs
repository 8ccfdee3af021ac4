//! The receipt of an erasure: what was destroyed, what stays and why, signed by the cell.

use access::{Caller, Permission, Region};
use audit::Held;
use base::db::DbError;
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, Privacy, RequestId, State};

/// The first line of what is signed: no checkpoint begins so.
pub const RECEIPT_KIND: &str = "portico-erasure/v1";

/// What was destroyed of a person, and what stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Whose person it was.
    pub org: String,
    /// Where that org's data is.
    #[schema(value_type = String)]
    pub region: Region,
    /// The erasure.
    pub request: String,
    /// Who it was, as the columns of the record have it: a keyed hash.
    pub person: String,
    /// When.
    #[schema(value_type = String)]
    pub erased_at: At,
    /// Every store of every room that could hold something of a person.
    pub stores: Vec<Held>,
    /// Keys under which values of the record stood.
    pub keys_destroyed: u64,
    /// What stays beside what the stores tell, and why.
    pub stays: Vec<String>,
    /// Days for which backups are kept, as configured.
    pub forget_days: u32,
    /// The day past which no backup that is kept so long can bring the person back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub backups_until: Option<At>,
}

impl Statement {
    pub(crate) fn to_json(&self) -> Result<String, DbError> {
        serde_json::to_string(self).map_err(|cause| DbError::unreadable("statement", cause))
    }
}

/// The receipt of an erasure. Whoever has `note` and the key from elsewhere verifies it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Receipt {
    /// The event of the erasure in the record.
    pub event: i64,
    /// What was destroyed, and what stays.
    pub statement: Statement,
    /// A C2SP `signed-note`: `portico-erasure/v1`, a line with the event, and the statement as
    /// one line of JSON.
    pub note: String,
    /// What it is verified with.
    pub vkey: String,
}

impl Privacy {
    /// The receipt of an erasure that is done: the same at any time.
    pub async fn receipt(&self, caller: &Caller, id: &RequestId) -> Result<Receipt, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        let request = self.one(&scope, id).await?;
        let (State::Erased, Some(json), Some(event)) =
            (request.state, request.statement, request.event)
        else {
            return Err(Error::NotErased);
        };
        let statement = serde_json::from_str(&json);
        let statement = statement.map_err(|cause| DbError::unreadable("statement", cause))?;
        let text = format!("event {event}\n{json}\n");
        Ok(Receipt {
            event,
            statement,
            note: self.0.log.sign_statement(&scope, RECEIPT_KIND, &text)?,
            vkey: self.0.log.statement_key(&scope)?.to_string(),
        })
    }
}
