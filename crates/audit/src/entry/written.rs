//! An event as a journal holds it, until it is written into the record.

use access::{KeyId, OrgId, Region, TeamId};
use base::db::DbError;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::draft::{NONCE_LEN, Named, canonical};
use super::{Class, Draft};
use crate::event::CallFacts;
use crate::keys::Holder;
use crate::rider::{Passed, Payer};

/// The field that says through which journal an event came.
const JOURNAL: &str = "journal";
/// What becomes of an outcome that comes behind another one.
const REPORTED: &str = "gateway.call.reported";

/// Everything of a draft that cannot be told from the rest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    region: Region,
    at: At,
    action: String,
    user: String,
    resource_type: String,
    resource: String,
    outcome: String,
    nonce: [u8; NONCE_LEN],
    core: String,
    subject: String,
    payload: String,
}

/// What a ledger needs of an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charged {
    actor_kind: String,
    call: Option<CallFacts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct By {
    user_id: String,
    key_id: Option<KeyId>,
    #[serde(default)]
    team_ids: Vec<TeamId>,
}

fn unreadable(cause: impl std::error::Error + Send + Sync + 'static) -> DbError {
    DbError::unreadable("journal", cause)
}

impl Draft {
    /// To be sealed: it says everything that the event says.
    pub(crate) fn written(&self) -> Result<Vec<u8>, DbError> {
        let text = |json: &[u8]| String::from_utf8(json.to_vec()).map_err(unreadable);
        let written = Written {
            region: self.region,
            at: self.at,
            action: self.action.clone().into_owned(),
            user: self.user.id.clone(),
            resource_type: self.resource_type.clone().into_owned(),
            resource: self.resource.id.clone(),
            outcome: self.outcome.clone().into_owned(),
            nonce: self.nonce,
            core: text(&self.core)?,
            subject: text(&self.subject)?,
            payload: text(&self.payload)?,
        };
        serde_json::to_vec(&written).map_err(unreadable)
    }

    /// What [`Draft::written`] gave.
    pub(crate) fn of_written(org: &OrgId, bytes: &[u8]) -> Result<Self, DbError> {
        let it: Written = serde_json::from_slice(bytes).map_err(unreadable)?;
        let (user, resource) = (Named::new(&it.user), Named::new(&it.resource));
        let payload_of = Holder::of_payload(&it.resource_type, &it.resource, &user.holder);
        Ok(Self {
            org: org.clone(),
            region: it.region,
            at: it.at,
            action: it.action.into(),
            user,
            resource_type: it.resource_type.into(),
            resource,
            outcome: it.outcome.into(),
            nonce: it.nonce,
            core: it.core.into_bytes(),
            subject: it.subject.into_bytes(),
            payload: it.payload.into_bytes(),
            payload_of,
        })
    }

    /// Says for ever through which journal it came, and as which entry.
    pub(crate) fn came_through(&mut self, entry: String) -> Result<(), DbError> {
        self.say(JOURNAL, entry)
    }

    /// The call has an end already: this is told beside it, and charged to nobody.
    pub(crate) fn only_reports(&mut self) -> Result<(), DbError> {
        self.action = REPORTED.into();
        self.say("action", REPORTED.to_owned())
    }

    fn say(&mut self, field: &str, text: String) -> Result<(), DbError> {
        let mut core: Map<String, Value> =
            serde_json::from_slice(&self.core).map_err(unreadable)?;
        core.insert(field.to_owned(), text.into());
        self.core = canonical(&core)?;
        Ok(())
    }

    /// What a ledger takes of it, if it is the end of a call.
    pub(crate) fn passed(&self) -> Result<Option<Passed>, DbError> {
        let core: Charged = serde_json::from_slice(self.json(Class::Core)).map_err(unreadable)?;
        let Some(call) = core.call else { return Ok(None) };
        let by: By = serde_json::from_slice(self.json(Class::Subject)).map_err(unreadable)?;
        let is_member = matches!(core.actor_kind.as_str(), "member" | "service_account");
        let payer = Payer {
            org: self.org.clone(),
            member: is_member.then_some(by.user_id),
            key: by.key_id,
            teams: by.team_ids.into(),
        };
        Ok(Some(Passed { payer, call }))
    }
}
