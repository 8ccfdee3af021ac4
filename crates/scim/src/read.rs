//! Reading resources: with what they refer to, if it is wanted.

use std::collections::HashMap;

use access::{MemberId, TeamId};
use base::args;
use identity::Roster;

use crate::document::Document;
use crate::enter::Entered;
use crate::join::twenty;
use crate::kept::{Kept, text};
use crate::render::{self, OfUser};
use crate::schema::Resource;
use crate::shown::Shown;
use crate::sql::IDS_AT_ONCE;
use crate::{Error, Scim, sql, tag};

impl Scim {
    /// One resource.
    pub(crate) async fn one(
        &self,
        by: &Entered,
        resource: Resource,
        id: &str,
    ) -> Result<Kept, Error> {
        let scope = by.scope()?;
        let statement = match resource {
            Resource::User => sql::USER_ONE,
            Resource::Group => sql::GROUP_ONE,
        };
        let args = args![by.directory.id.as_str(), id];
        let row = self.0.databases.of(&scope)?.maybe(statement, args).await?;
        Ok(self.0.seals.kept(&scope, &row.ok_or(Error::NotFound)?)?)
    }

    /// A resource as the directory wants to see it, and its version.
    pub(crate) async fn view(
        &self,
        by: &Entered,
        resource: Resource,
        kept: Kept,
        shown: &Shown,
    ) -> Result<(Document, String), Error> {
        let roster = self.0.identity.roster(&by.caller).await?;
        let version = tag::of(resource, &kept, &roster);
        let mut all = self.views_in(by, resource, &[kept], shown, &roster).await?;
        Ok((all.pop().ok_or(Error::NotFound)?, version))
    }

    /// Several resources, in their order. A page with very many members ends early: the
    /// directory reads on from where it ends.
    pub(crate) async fn views(
        &self,
        by: &Entered,
        resource: Resource,
        kept: Vec<Kept>,
        shown: &Shown,
    ) -> Result<Vec<Document>, Error> {
        let roster = self.0.identity.roster(&by.caller).await?;
        self.views_in(by, resource, &kept, shown, &roster).await
    }

    async fn views_in(
        &self,
        by: &Entered,
        resource: Resource,
        kept: &[Kept],
        shown: &Shown,
        roster: &Roster,
    ) -> Result<Vec<Document>, Error> {
        let documents = match resource {
            Resource::User => {
                let mut groups = HashMap::new();
                if shown.shows(Resource::User, "groups") {
                    groups = self.groups_of(by, kept).await?;
                }
                let own = |kept: &Kept| groups.get(&kept.id).map(Vec::as_slice).unwrap_or_default();
                kept.iter().map(|kept| render::user(kept, roster, own(kept), &by.base)).collect()
            }
            Resource::Group => self.groups(by, kept, shown, roster).await?,
        };
        let whole = |document| shown.of(resource, document);
        Ok(documents.into_iter().map(whole).collect())
    }

    async fn groups(
        &self,
        by: &Entered,
        kept: &[Kept],
        shown: &Shown,
        roster: &Roster,
    ) -> Result<Vec<Document>, Error> {
        let (mut documents, mut members) = (Vec::new(), 0);
        for kept in kept {
            let mut users = Vec::new();
            if shown.shows(Resource::Group, "members") {
                users = self.users_of(by, kept, roster).await?;
            }
            members += users.len();
            if members > MEMBERS_ON_A_PAGE && !documents.is_empty() {
                break;
            }
            documents.push(render::group(kept, &users, roster, &by.base));
        }
        Ok(documents)
    }

    /// The users in a group: whom the directory put there, and who still is.
    pub(crate) async fn users_of(
        &self,
        by: &Entered,
        group: &Kept,
        roster: &Roster,
    ) -> Result<Vec<String>, Error> {
        let scope = by.scope()?;
        let Ok(team) = group.subject.parse::<TeamId>() else { return Ok(Vec::new()) };
        let rows = self.0.databases.of(&scope)?.all(sql::MEMBERS_OF, args![&group.id]).await?;
        let mut users = Vec::with_capacity(rows.len());
        for row in rows {
            let member: MemberId = row.parse("member_id")?;
            if roster.is_in(&member, &team) {
                users.push(row.text("user_id")?);
            }
        }
        Ok(users)
    }

    /// The groups of users.
    pub(crate) async fn groups_of(
        &self,
        by: &Entered,
        users: &[Kept],
    ) -> Result<HashMap<String, Vec<OfUser>>, Error> {
        let scope = by.scope()?;
        let db = self.0.databases.of(&scope)?;
        let ids: Vec<&String> = users.iter().map(|user| &user.id).collect();
        let mut groups: HashMap<String, Vec<OfUser>> = HashMap::new();
        for some in ids.chunks(IDS_AT_ONCE) {
            for row in db.all(sql::GROUPS_OF_USERS, twenty(some)).await? {
                let group = row.text("group_id")?;
                let document = self.0.seals.open(&scope, &group, &row)?;
                let name = text(&document, "displayName").unwrap_or_default().to_owned();
                let of_user = OfUser { group, team: row.parse("team_id")?, name };
                groups.entry(row.text("user_id")?).or_default().push(of_user);
            }
        }
        Ok(groups)
    }
}

/// Members that the groups of one page have together at most, unless one alone has more.
const MEMBERS_ON_A_PAGE: usize = 20_000;
