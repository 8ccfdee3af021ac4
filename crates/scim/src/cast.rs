//! The roles that groups give. A role that somebody gave by hand stays until the groups of
//! the member give another. A role that was deleted since it was mapped gives nothing, nor
//! does a later group in its place: that could give more.

use std::collections::BTreeSet;

use access::MemberId;
use base::args;
use identity::{Member, Work};

use crate::events::Moved;
use crate::kept::UserId;
use crate::mapping::{OWNER, given};
use crate::user::present;
use crate::vouch::Vouched;
use crate::{Error, Scim, sql};

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Cast {
    /// The new role, if it changed.
    pub(crate) role: Option<String>,
    /// A role that the groups should give, and that is none any more.
    pub(crate) gone: Option<String>,
}

impl Scim {
    /// Gives a member the role of their groups, or the usual one when no group gives one
    /// any more. Owners are left alone.
    pub(crate) async fn cast(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        user: &str,
        member: &MemberId,
        before: Option<&str>,
        groups: &[String],
    ) -> Result<Cast, Error> {
        let mut wanted = given(&vouched.directory.mapping, groups);
        let mut cast = Cast::default();
        if wanted == before {
            return Ok(cast);
        }
        if let Some(role) = wanted
            && !work.has_role(role).await?
        {
            (cast.gone, wanted) = (Some(role.to_owned()), None);
        }
        let Some(known) = present(work.member(member).await)? else { return Ok(cast) };
        if wanted == before {
            return Ok(cast);
        }
        work.change.run(sql::USER_GIVEN, args![user, wanted]).await?;
        let role = wanted.unwrap_or(&vouched.directory.role).to_owned();
        if known.role == OWNER || known.role == role {
            return Ok(cast);
        }
        // Somebody gave another role by hand since: with the group only its own goes.
        if wanted.is_none() && before != Some(known.role.as_str()) {
            return Ok(cast);
        }
        vouched.governs(work, &known).await?;
        let told = Member { role: role.clone(), ..known };
        self.0.identity.change_as_told(work, &told).await?;
        Ok(Cast { role: Some(role), ..cast })
    }

    /// Casts one user anew.
    pub(crate) async fn recast(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        (user, member, before): (&str, &MemberId, Option<&str>),
        moved: &mut Moved,
    ) -> Result<(), Error> {
        let mut groups = Vec::new();
        for row in work.change.all(sql::GROUPS_OF, args![user]).await? {
            groups.push(row.text("name_key")?);
        }
        let cast = self.cast(work, vouched, user, member, before, &groups).await?;
        moved.cast.extend(cast.role.map(|role| (member.to_string(), role)));
        moved.gone.extend(cast.gone);
        Ok(())
    }

    /// Casts everybody anew who is in one of these groups, or has a role by a group.
    pub(crate) async fn cast_groups(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        groups: &BTreeSet<String>,
        moved: &mut Moved,
    ) -> Result<(), Error> {
        let mut done: BTreeSet<String> = BTreeSet::new();
        for group in groups {
            let mut after = String::new();
            loop {
                let args = args![vouched.directory.id.as_str(), group, after.as_str()];
                let rows = work.change.all(sql::USERS_CAST, args).await?;
                for row in &rows {
                    let user: UserId = row.parse("id")?;
                    after = user.to_string();
                    if done.insert(after.clone()) {
                        let (member, before) = (row.parse("subject")?, row.opt_text("given_role")?);
                        let who = (user.as_str(), &member, before.as_deref());
                        self.recast(work, vouched, who, moved).await?;
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
