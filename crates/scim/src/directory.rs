//! Directories of an org: made, changed and removed by who may connect them.

use std::collections::BTreeSet;

use access::{Caller, Permission, Scope};
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::time::At;
use identity::Work;
use serde::{Deserialize, Serialize};

use crate::events::Moved;
use crate::kept::{DirectoryId, key};
use crate::mapping::{Mapped, checked, never_owner};
use crate::token::Issued;
use crate::vouch::Vouched;
use crate::{Error, Scim, events, sql, vouch};

/// Directories of one org at most.
const DIRECTORIES_MAX: u64 = 10;
/// Characters of a name at most.
const NAME_CHARS_MAX: usize = 120;

/// A directory: an outside source of members and teams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Directory {
    /// Its id.
    #[schema(value_type = String)]
    pub id: DirectoryId,
    /// What people call it.
    pub name: String,
    /// The role that a member who arrives has.
    pub role: String,
    /// The roles that groups give; whoever is in several has that of the first.
    pub mapping: Vec<Mapped>,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it last asked for something, to the minute.
    #[schema(value_type = Option<String>)]
    pub seen_at: Option<At>,
}

/// A directory to be made.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDirectory {
    /// What people call it.
    pub name: String,
    /// The role that a member who arrives has; `org:member` if not given.
    #[serde(default)]
    pub role: Option<String>,
    /// The roles that groups give.
    #[serde(default)]
    pub mapping: Vec<Mapped>,
}

/// What can be changed of a directory.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DirectoryPatch {
    /// What people call it.
    pub name: Option<String>,
    /// The role that a member who arrives has.
    pub role: Option<String>,
    /// The roles that groups give; holds at once for everybody in them.
    pub mapping: Option<Vec<Mapped>>,
}

impl Directory {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("directory_id")?,
            name: row.text("name")?,
            role: row.text("role")?,
            mapping: row.json("mapping")?,
            created_at: row.at("created_at")?,
            seen_at: row.opt_at("seen_at")?,
        })
    }

    /// The roles that it gives.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        let mapped = self.mapping.iter().map(|mapped| mapped.role.as_str());
        std::iter::once(self.role.as_str()).chain(mapped)
    }

    fn mapping_text(&self) -> String {
        serde_json::json!(self.mapping).to_string()
    }
}

impl Scim {
    /// A page of directories.
    pub async fn directories(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Directory>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let args = args![after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::DIRECTORY_LIST, args).await?;
        let list = rows.iter().map(Directory::of).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(list, limit, |directory: &Directory| directory.id.to_string()))
    }

    /// One directory.
    pub async fn directory(&self, caller: &Caller, id: &DirectoryId) -> Result<Directory, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        let db = self.0.databases.of(&scope)?;
        let row = db.maybe(sql::DIRECTORY_ONE, args![id.as_str()]).await?;
        row.as_ref().map(Directory::of).transpose()?.ok_or(Error::NotFound)
    }

    /// The roles that a directory should give, and that are none any more.
    pub(crate) async fn roles_gone(
        &self,
        caller: &Caller,
        directory: &Directory,
    ) -> Result<Vec<String>, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        Ok(self.0.identity.missing_roles(&scope, &directory.roles().collect()).await?)
    }

    /// Makes a directory with its first token, which is shown this once.
    pub async fn add_directory(
        &self,
        caller: &Caller,
        new: &NewDirectory,
    ) -> Result<(Directory, Issued), Error> {
        let scope = may_connect(caller)?;
        let at = self.now();
        let directory = Directory {
            id: DirectoryId::new(at),
            name: name(&new.name)?,
            role: new.role.clone().unwrap_or_else(|| "org:member".to_owned()),
            mapping: checked(&new.mapping)?,
            created_at: at,
            seen_at: None,
        };
        let mut work = self.0.identity.begin(&scope).await?;
        let count = work.change.maybe(sql::DIRECTORY_COUNT, args![]).await?;
        if count.map(|row| row.count("n")).transpose()?.unwrap_or_default() >= DIRECTORIES_MAX {
            return Err(Error::Conflict("an org has at most 10 directories"));
        }
        gives(caller, &mut work, &directory).await?;
        let args = args![
            directory.id.as_str(),
            &directory.name,
            &directory.role,
            directory.mapping_text(),
            at
        ];
        work.change.run(sql::DIRECTORY_ADD, args).await.map_err(taken)?;
        let issued = self.issue(&mut work.change, &scope, &directory.id).await?;
        self.0.identity.commit(work, events::directory_added(&directory)).await?;
        Ok((directory, issued))
    }

    /// Changes a directory. Roles that a changed mapping gives hold at once.
    pub async fn change_directory(
        &self,
        caller: &Caller,
        id: &DirectoryId,
        patch: &DirectoryPatch,
    ) -> Result<Directory, Error> {
        let scope = may_connect(caller)?;
        let name = patch.name.as_deref().map(name).transpose()?;
        let mapping = patch.mapping.as_deref().map(checked).transpose()?;
        let (org, region, origin) = (scope.org().clone(), scope.region(), caller.origin.clone());
        let acting = Caller::directory(org, region, id.as_str(), origin);
        let roster = self.0.identity.roster(&acting).await?;
        let mut work = self.0.identity.begin(&scope).await?;
        let before = known(&mut work, id).await?;
        let after = Directory {
            name: name.unwrap_or_else(|| before.name.clone()),
            role: patch.role.clone().unwrap_or_else(|| before.role.clone()),
            mapping: mapping.unwrap_or_else(|| before.mapping.clone()),
            ..before.clone()
        };
        if (&after.role, &after.mapping) != (&before.role, &before.mapping) {
            gives(caller, &mut work, &after).await?;
            answers(caller, &mut work, id).await?;
        }
        let args = args![id.as_str(), &after.name, &after.role, after.mapping_text()];
        work.change.run(sql::DIRECTORY_CHANGE, args).await.map_err(taken)?;
        let mut moved = Moved::default();
        if after.mapping != before.mapping {
            let both = before.mapping.iter().chain(&after.mapping);
            let groups: BTreeSet<String> = both.map(|mapped| key(&mapped.group)).collect();
            let vouched = Vouched { directory: &after, by: vouch::by(caller), roster };
            self.cast_groups(&mut work, &vouched, &groups, &mut moved).await?;
        }
        let event = events::directory_changed(&before, &after, &moved);
        self.0.identity.commit(work, event).await?;
        Ok(after)
    }

    /// Removes a directory and its tokens. Its members and teams stay; from now on they
    /// are the org's own.
    pub async fn remove_directory(&self, caller: &Caller, id: &DirectoryId) -> Result<(), Error> {
        let scope = may_connect(caller)?;
        let mut work = self.0.identity.begin(&scope).await?;
        let directory = known(&mut work, id).await?;
        for statement in [
            sql::DIRECTORY_MEMBERS_DELETE,
            sql::DIRECTORY_GROUPS_DELETE,
            sql::DIRECTORY_USERS_DELETE,
            sql::DIRECTORY_TOKENS_DELETE,
            sql::DIRECTORY_REQUESTS_DELETE,
            sql::DIRECTORY_DELETE,
        ] {
            work.change.run(statement, args![id.as_str()]).await?;
        }
        self.0.identity.commit(work, events::directory_removed(&directory)).await?;
        Ok(())
    }
}

/// Whoever connects a directory lets it bring people, and confirms with a second factor.
pub(crate) fn may_connect(caller: &Caller) -> Result<Scope, Error> {
    let scope = caller.require(Permission::UsersConnections)?;
    caller.require(Permission::UsersCreate)?;
    caller.recent_factor()?;
    Ok(scope)
}

/// A directory, as of a change.
async fn known(work: &mut Work, id: &DirectoryId) -> Result<Directory, Error> {
    let row = work.change.maybe(sql::DIRECTORY_ONE, args![id.as_str()]).await?;
    row.as_ref().map(Directory::of).transpose()?.ok_or(Error::NotFound)
}

/// Whoever lets a directory give roles, or holds its token, must have what it gives, and
/// give it themselves.
pub(crate) async fn gives(
    caller: &Caller,
    work: &mut Work,
    directory: &Directory,
) -> Result<(), Error> {
    never_owner("/role", &directory.role)?;
    work.giving(caller, "/role", &directory.role).await?;
    if !directory.mapping.is_empty() {
        caller.require(Permission::UsersGrant)?;
    }
    for (place, mapped) in directory.mapping.iter().enumerate() {
        work.giving(caller, &format!("/mapping/{place}/role"), &mapped.role).await?;
    }
    Ok(())
}

/// Whoever changes what a directory gives answers for what it does with it: by its tokens it
/// governs nobody who may more than they.
async fn answers(caller: &Caller, work: &mut Work, id: &DirectoryId) -> Result<(), Error> {
    for row in work.change.all(sql::TOKENS_VOUCHED, args![id.as_str()]).await? {
        let vouched = vouch::written(vouch::read(&row)?.and(vouch::by(caller)));
        work.change.run(sql::TOKEN_VOUCH, args![row.text("token_id")?, vouched]).await?;
    }
    Ok(())
}

fn name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS_MAX || name.contains(char::is_control) {
        return Err(Error::field("/name", "must have 1 to 120 characters"));
    }
    Ok(name.to_owned())
}

fn taken(error: DbError) -> Error {
    if error.is_conflict() {
        Error::Conflict("there is already a directory of this name")
    } else {
        Error::Db(error)
    }
}
