//! Putting users into the team behind a group, and taking them out.

use std::collections::{BTreeMap, BTreeSet};

use access::{MemberId, TeamId};
use base::args;
use base::db::Value;
use identity::{Error as Refused, Work};

use crate::events::Moved;
use crate::mapping::maps;
use crate::sql::IDS_AT_ONCE;
use crate::vouch::Vouched;
use crate::{Error, Scim, sql};

/// A user who joins or leaves.
#[derive(Debug, Clone)]
struct Mover {
    member: MemberId,
    given_role: Option<String>,
}

/// A group, while its members change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    pub(crate) id: &'a str,
    pub(crate) team: &'a TeamId,
    /// In lower case.
    pub(crate) name: &'a str,
}

impl Scim {
    /// Whom the directory has put into a group.
    pub(crate) async fn in_group(
        &self,
        work: &mut Work,
        group: &str,
    ) -> Result<BTreeSet<String>, Error> {
        let rows = work.change.all(sql::MEMBERS_OF, args![group]).await?;
        Ok(rows.iter().map(|row| row.text("user_id")).collect::<Result<_, _>>()?)
    }

    /// Makes the users of a group those that the directory says.
    pub(crate) async fn move_members(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        group: Group<'_>,
        (before, after): (&BTreeSet<String>, &BTreeSet<String>),
        moved: &mut Moved,
    ) -> Result<(), Error> {
        let joins: Vec<&String> = after.difference(before).collect();
        let leaves: Vec<&String> = before.difference(after).collect();
        let joining = self.movers(work, vouched, &joins).await?;
        if joining.len() < joins.len() {
            let detail = "`members` names somebody who is no user of this directory";
            return Err(Error::Value(detail.to_owned()));
        }
        let leaving = self.movers(work, vouched, &leaves).await?;
        let rows = joining.keys().map(|id| args![group.id, id]).collect();
        work.change.many(&sql::MEMBERS_ADD, rows).await?;
        for (id, mover) in &joining {
            match self.0.identity.join_team(work, group.team, &mover.member).await {
                Ok(()) => moved.joined.push(mover.member.to_string()),
                // The org removed them by hand: they join when they are brought back.
                Err(Refused::NotFound) => tracing::debug!(user.id = %id, "nobody to join"),
                Err(error) => return Err(error.into()),
            }
        }
        for (id, mover) in &leaving {
            work.change.run(sql::MEMBER_DELETE, args![group.id, id]).await?;
            work.leave_team(group.team, &mover.member).await?;
            moved.left.push(mover.member.to_string());
        }
        if maps(&vouched.directory.mapping, group.name) {
            for (id, mover) in joining.iter().chain(&leaving) {
                let who = (id.as_str(), &mover.member, mover.given_role.as_deref());
                self.recast(work, vouched, who, moved).await?;
            }
        }
        Ok(())
    }

    /// The users of the directory among these.
    async fn movers(
        &self,
        work: &mut Work,
        vouched: &Vouched<'_>,
        ids: &[&String],
    ) -> Result<BTreeMap<String, Mover>, Error> {
        let mut movers = BTreeMap::new();
        for some in ids.chunks(IDS_AT_ONCE) {
            for row in work.change.all(sql::USERS_OF_IDS, twenty(some)).await? {
                if row.text("directory_id")? == vouched.directory.id.as_str() {
                    let (member, given_role) =
                        (row.parse("member_id")?, row.opt_text("given_role")?);
                    movers.insert(row.text("user_id")?, Mover { member, given_role });
                }
            }
        }
        Ok(movers)
    }
}

/// Up to twenty ids as twenty arguments.
pub(crate) fn twenty<T: AsRef<str>>(ids: &[T]) -> Vec<Value> {
    let last = ids.last();
    let padded = ids.iter().chain(std::iter::repeat_n(last, IDS_AT_ONCE).flatten());
    padded.take(IDS_AT_ONCE).map(|id| Value::from(id.as_ref())).collect()
}
