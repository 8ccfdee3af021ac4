//! Grants: a role given to a member, a team, a key or a service account, on the
//! whole org or on one pattern or model.

use access::{Caller, Permission, Resource};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::Checks;
use crate::rights::covers;
use crate::room::Work;
use crate::subject::{GrantId, Subject};
use crate::{Error, Identity, sql};

/// Grants that one subject has at most.
const GRANTS_MAX: usize = 100;

/// A role given to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Grant {
    /// Its id.
    #[schema(value_type = String)]
    pub id: GrantId,
    /// The id of the member, team, key or service account.
    pub subject: String,
    /// A built-in role or a custom one.
    pub role: String,
    /// On this alone; absent: on the whole org.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub resource: Option<Resource>,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// A role to be given to somebody.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// The id of the member, team, key or service account.
    pub subject: String,
    /// A built-in role or a custom one.
    pub role: String,
    /// On this alone: `{"kind": "pattern", "id": "pat_…"}` or a model by its name.
    #[schema(value_type = Option<Object>)]
    pub resource: Option<Resource>,
}

impl Grant {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        let resource = (row.opt_text("resource_kind")?, row.opt_text("resource_id")?);
        Ok(Self {
            id: row.parse("grant_id")?,
            subject: row.text("subject_id")?,
            role: row.text("role")?,
            resource: match resource {
                (Some(kind), Some(id)) => Some(Resource { kind, id }),
                (None, _) | (_, None) => None,
            },
            created_at: row.at("created_at")?,
        })
    }
}

impl Identity {
    /// A page of grants, of one subject if one is named.
    pub async fn grants(
        &self,
        caller: &Caller,
        subject: Option<&str>,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Grant>, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let (after, subject) = (after.unwrap_or_default(), subject.unwrap_or_default());
        let args = args![after, subject, i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::GRANT_PAGE, args).await?;
        let grants = rows.iter().map(Grant::of).collect::<Result<_, _>>()?;
        Ok(Page::of(grants, limit, |grant: &Grant| grant.id.to_string()))
    }

    /// Gives a role to somebody.
    pub async fn add_grant(&self, caller: &Caller, new: &NewGrant) -> Result<Grant, Error> {
        let scope = caller.require(Permission::UsersGrant)?;
        caller.recent_factor()?;
        let mut checks = Checks::default();
        let subject = new.subject.parse::<Subject>().ok();
        if subject.is_none() {
            let rule = "must be the id of a member, a team, a key or a service account";
            checks.refuse("/subject", rule);
        }
        if let Some(resource) = &new.resource {
            if !matches!(resource.kind.as_str(), "pattern" | "model") {
                checks.refuse("/resource/kind", "must be `pattern` or `model`");
            }
            checks.name("/resource/id", &resource.id);
        }
        checks.done()?;
        let subject = subject.ok_or(Error::NotFound)?;
        let at = self.now();
        let grant = Grant {
            id: GrantId::new(at),
            subject: subject.to_string(),
            role: new.role.clone(),
            resource: new.resource.clone(),
            created_at: at,
        };
        let mut work = self.begin(&scope).await?;
        work.giving(caller, "/role", &grant.role).await?;
        work.must_know(&subject).await?;
        work.add_grant(subject.kind(), &grant).await?;
        let event = Event::done("identity.grant.added", "grant", grant.id.as_str());
        let event = event.changes(json!({
            "subject": {"to": grant.subject}, "role": {"to": grant.role},
            "resource": {"to": grant.resource},
        }));
        self.commit(work, event).await?;
        Ok(grant)
    }

    /// Takes a grant back. Nobody takes what they do not have: whoever held it would be
    /// governed by those who may less.
    pub async fn remove_grant(&self, caller: &Caller, id: &GrantId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersGrant)?;
        caller.recent_factor()?;
        let mut work = self.begin(&scope).await?;
        let row = work.change.maybe(sql::GRANT_ONE, args![id.as_str()]).await?;
        let before = row.as_ref().map(Grant::of).transpose()?.ok_or(Error::NotFound)?;
        covers(caller, work.role(&before.role).await?.unwrap_or_default())?;
        work.change.run(sql::GRANT_DELETE, args![id.as_str()]).await?;
        let event = Event::done("identity.grant.removed", "grant", id.as_str());
        let event = event.changes(json!({
            "subject": {"from": before.subject}, "role": {"from": before.role},
            "resource": {"from": before.resource},
        }));
        self.commit(work, event).await?;
        Ok(())
    }
}

impl Work {
    async fn must_know(&mut self, subject: &Subject) -> Result<(), Error> {
        match subject {
            Subject::Member(id) => self.member(id).await.map(drop),
            Subject::Team(id) => self.team(id).await.map(drop),
            Subject::Service(id) => self.service(id).await.map(drop),
            Subject::Key(id) => {
                let key = self.change.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
                key.map(drop).ok_or(Error::NotFound)
            }
        }
    }

    pub(crate) async fn add_grant(&mut self, kind: &str, grant: &Grant) -> Result<(), Error> {
        let on = grant.resource.as_ref().map(|on| (on.kind.as_str(), on.id.as_str()));
        let (on_kind, on_id) = on.unwrap_or_default();
        let args = args![&grant.subject, &grant.role, on_kind, on_id];
        if self.change.maybe(sql::GRANT_SAME, args).await?.is_some() {
            return Err(Error::Exists("grant"));
        }
        if self.change.all(sql::GRANTS_OF, args![&grant.subject]).await?.len() >= GRANTS_MAX {
            return Err(Error::Conflict("this subject has 100 grants already: use a role"));
        }
        let args = args![
            grant.id.as_str(),
            kind,
            &grant.subject,
            &grant.role,
            on.map(|(kind, _)| kind),
            on.map(|(_, id)| id),
            grant.created_at,
        ];
        self.change.run(sql::GRANT_ADD, args).await?;
        Ok(())
    }
}
