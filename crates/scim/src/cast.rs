//! The roles that groups give. A role that somebody gave by hand stays until the groups of
//! the member give another.

use std::collections::BTreeSet;

use access::MemberId;
use base::args;
use identity::{Member, Work};

use crate::directory::Directory;
use crate::events::Moved;
use crate::kept::UserId;
use crate::mapping::{OWNER, given};
use crate::user::present;
use crate::{Error, Scim, sql};

impl Scim {
    /// Gives a member the role of their groups, or the usual one when no group gives one
    /// any more. Says the new role, if it changed. Owners are left alone.
    pub(crate) async fn cast(
        &self,
        work: &mut Work,
        directory: &Directory,
        user: &str,
        member: &MemberId,
        before: Option<&str>,
        groups: &[String],
    ) -> Result<Option<String>, Error> {
        let wanted = given(&directory.mapping, groups);
        if wanted == before {
            return Ok(None);
        }
        let Some(known) = present(work.member(member).await)? else { return Ok(None) };
        work.change.run(sql::USER_GIVEN, args![user, wanted]).await?;
        let role = wanted.unwrap_or(&directory.role).to_owned();
        if known.role == OWNER || known.role == role {
            return Ok(None);
        }
        // Somebody gave another role by hand since: with the group only its own goes.
        if wanted.is_none() && before != Some(known.role.as_str()) {
            return Ok(None);
        }
        let told = Member { role: role.clone(), ..known };
        self.0.identity.change_as_told(work, &told).await?;
        Ok(Some(role))
    }

    /// Casts one user anew.
    pub(crate) async fn recast(
        &self,
        work: &mut Work,
        directory: &Directory,
        (user, member, before): (&str, &MemberId, Option<&str>),
        moved: &mut Moved,
    ) -> Result<(), Error> {
        let mut groups = Vec::new();
        for row in work.change.all(sql::GROUPS_OF, args![user]).await? {
            groups.push(row.text("name_key")?);
        }
        if let Some(role) = self.cast(work, directory, user, member, before, &groups).await? {
            moved.cast.push((member.to_string(), role));
        }
        Ok(())
    }

    /// Casts everybody anew who is in one of these groups, or has a role by a group.
    pub(crate) async fn cast_groups(
        &self,
        work: &mut Work,
        directory: &Directory,
        groups: &BTreeSet<String>,
        moved: &mut Moved,
    ) -> Result<(), Error> {
        let mut done: BTreeSet<String> = BTreeSet::new();
        for group in groups {
            let mut after = String::new();
            loop {
                let args = args![directory.id.as_str(), group, after.as_str()];
                let rows = work.change.all(sql::USERS_CAST, args).await?;
                for row in &rows {
                    let user: UserId = row.parse("id")?;
                    after = user.to_string();
                    if done.insert(after.clone()) {
                        let (member, before) = (row.parse("subject")?, row.opt_text("given_role")?);
                        let who = (user.as_str(), &member, before.as_deref());
                        self.recast(work, directory, who, moved).await?;
                    }
                }
                if rows.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }
}
