//! From the token of a request to the directory that asks.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use access::{Caller, Origin, Permission, PermissionSet, Region, Scope};
use audit::{Event, Outcome};
use axum::http::{HeaderMap, header};
use base::args;
use base::db::DbError;
use base::seal;
use base::time::At;
use identity::Work;
use identity::key::DirectoryToken;
use serde_json::json;

use crate::directory::Directory;
use crate::kept::TokenId;
use crate::{Error, Scim, sql, vouch};

/// How often an unknown token of one org, and a directory that asks too much, are
/// recorded at most: nobody fills a record by being refused.
const NOTE_EVERY_SECS: i64 = 60;
/// Orgs and directories that are remembered for it.
const NOTED_MAX: usize = 1_000;

const GIVES_OTHERWISE: &str = "what this directory gives was changed in the console while the request was under way: send it again";

/// A directory that showed a good token.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    pub(crate) caller: Caller,
    pub(crate) directory: Directory,
    pub(crate) token: TokenId,
    /// What whoever made the token might: see [`crate::vouch`].
    pub(crate) vouched: PermissionSet,
    /// What addresses begin with: `https://portico.example/scim/v2`.
    pub(crate) base: String,
}

impl Entered {
    /// The proof for what a directory does. Its caller is let in by this room alone.
    pub(crate) fn scope(&self) -> Result<Scope, Error> {
        Ok(self.caller.require(Permission::UsersConnections)?)
    }
}

/// Nobody that may come in.
#[derive(Debug)]
pub(crate) enum Stranger {
    /// Whatever was wrong with the token.
    Refused,
    /// The token is of a region that is not served here.
    Elsewhere(Region),
    Db(DbError),
}

/// When what comes in floods was last recorded, by the id of the org or directory.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<HashMap<String, At>>);

impl Noted {
    pub(crate) fn is_due(&self, id: &str, at: At) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |then: &At| at.as_second().saturating_sub(then.as_second()) < NOTE_EVERY_SECS;
        if noted.get(id).is_some_and(recent) {
            return false;
        }
        if noted.len() >= NOTED_MAX {
            noted.retain(|_, then| recent(then));
        }
        if noted.len() < NOTED_MAX {
            noted.insert(id.to_owned(), at);
            return true;
        }
        false
    }
}

impl Scim {
    /// Who asks. A text that cannot be a token is refused without a lookup; what it is
    /// made of is hashed before anything is looked up, so an unknown org takes as long as
    /// a known one.
    pub(crate) async fn enter(
        &self,
        headers: &HeaderMap,
        base: String,
        origin: Origin,
    ) -> Result<Entered, Stranger> {
        let shown = bearer(headers).and_then(|text| DirectoryToken::parse(text).ok());
        let shown = shown.ok_or(Stranger::Refused)?;
        let Some(mac) =
            self.0.macs.get(&shown.region).filter(|_| self.0.databases.serves(shown.region))
        else {
            return Err(Stranger::Elsewhere(shown.region));
        };
        let tag = mac.tag(shown.hashed());
        let scope = Caller::node(shown.org.clone(), shown.region, "scim").itself();
        let db = self.0.databases.of(&scope).map_err(Stranger::Db)?;
        let row = db.maybe(sql::TOKEN_BY_TAG, args![tag.as_slice()]).await.map_err(Stranger::Db)?;
        let Some(row) = row else {
            let any = db.maybe(sql::DIRECTORY_ANY, args![]).await.map_err(Stranger::Db)?;
            if any.is_some() && self.0.noted.is_due(shown.org.as_str(), self.now()) {
                let directory = Caller::directory(shown.org, shown.region, "unknown", origin);
                self.refused(&directory, "unknown", "unknown_token");
            }
            return Err(Stranger::Refused);
        };
        let read = || {
            let tag = row.bytes("tag")?;
            let (token, ended_at) = (row.parse("token_id")?, row.opt_at("ended_at")?);
            Ok((tag, token, ended_at, vouch::read(&row)?, Directory::of(&row)?))
        };
        let (stored, token, ended_at, vouched, directory) = read().map_err(Stranger::Db)?;
        let id = directory.id.as_str();
        let caller = Caller::directory(shown.org, shown.region, id, origin);
        if ended_at.is_some() || !seal::equal(&stored, &tag) {
            self.refused(&caller, id, "ended_token");
            return Err(Stranger::Refused);
        }
        Ok(Entered { caller, directory, token, vouched, base })
    }

    /// Begins a change by a directory that may make it now: since its request began, or the
    /// bulk that this is a part of, its token may have ended, and what it gives may have
    /// become something else. Neither happens between here and the end of the change.
    pub(crate) async fn begin_as(&self, by: &Entered) -> Result<Work, Error> {
        let mut work = self.0.identity.begin(&by.scope()?).await?;
        let id = by.directory.id.as_str();
        work.change.run(sql::DIRECTORY_HOLD, args![id]).await?;
        let row = work.change.maybe(sql::TOKEN_LIVING, args![id, by.token.as_str()]).await?;
        let row = row.ok_or(Error::Ended)?;
        let now = Directory::of(&row)?;
        let gives = (&now.role, &now.mapping, vouch::read(&row)?);
        if gives != (&by.directory.role, &by.directory.mapping, by.vouched) {
            return Err(Error::Conflict(GIVES_OTHERWISE));
        }
        Ok(work)
    }

    /// Records whose token was refused. The answer does not wait for it.
    fn refused(&self, who: &Caller, id: &str, code: &str) {
        let event = Event::done("identity.credentials.refused", "directory", id);
        let event = event.outcome(Outcome::Denied).reason(json!({ "code": code }));
        drop(self.0.record.note(who, &event));
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use identity::testing::Plan;
    use serde_json::Value;

    use super::*;
    use crate::DirectoryPatch;
    use crate::amend::Amend;
    use crate::crowd::room;
    use crate::reply::Reply;

    /// The status of everything that a directory can change.
    async fn tries(scim: &Scim, by: &Entered, user: &str) -> Vec<u16> {
        let new = json!({ "userName": "bob@crowd.example" });
        let bulk = json!({ "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "1", "data": new },
        ] });
        let bulk = scim.bulk(by, &bulk).await.unwrap();
        let status = |error: Error| Reply::from(error).status.as_u16();
        let off = json!({ "userName": "ada@crowd.example", "active": false });
        let off = Amend::Replace(&off);
        vec![
            bulk["Operations"][0]["status"].as_str().map(|text| text.parse().unwrap()).unwrap(),
            status(scim.add_user(by, &new).await.unwrap_err()),
            status(scim.add_group(by, &json!({ "displayName": "All" })).await.unwrap_err()),
            status(scim.amend_user(by, user, &off, None).await.unwrap_err()),
            status(scim.amend_user(by, user, &off, Some("*")).await.unwrap_err()),
            status(scim.remove_user(by, user, None).await.unwrap_err()),
        ]
    }

    #[tokio::test]
    async fn a_request_under_way_changes_nothing_once_its_token_ended_or_its_directory_changed() {
        for house in Plan::of(sql::MIGRATIONS).houses().await {
            let (scim, by) = room(&house).await;
            let operator = Caller::operator(by.caller.org.clone(), by.caller.region, "test");
            let told = async || {
                let users = house.recorded(&operator, "scim.user.*").await.len();
                users + house.recorded(&operator, "scim.group.*").await.len()
            };
            let ada = json!({ "userName": "ada@crowd.example" });
            let ada = scim.add_user(&by, &ada).await.unwrap().id;
            let role = Some("org:viewer".to_owned());
            let patch = DirectoryPatch { role, ..DirectoryPatch::default() };
            let id = by.directory.id.clone();
            let directory = scim.change_directory(&operator, &id, &patch).await.unwrap();
            let before = told().await;
            assert_eq!(tries(&scim, &by, &ada).await, [409; 6]);
            assert_eq!(told().await, before);
            let by = Entered { directory, ..by };
            let said: Value = json!({ "userName": "ada@crowd.example", "title": "Countess" });
            scim.amend_user(&by, &ada, &Amend::Replace(&said), Some("*")).await.unwrap();
            scim.end_token(&operator, &id, &by.token).await.unwrap();
            let before = told().await;
            assert_eq!(tries(&scim, &by, &ada).await, [401; 6]);
            assert_eq!(told().await, before);
        }
    }
}
