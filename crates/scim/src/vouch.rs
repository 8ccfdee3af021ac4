//! Who answers for a directory. Whoever holds its token makes it say anything, so it governs
//! nobody who may more than whoever made the token: else an admin would suspend, demote and
//! write to those who may more by a directory of their own. Whom its own roles made what
//! they are, it governs in any case.

use access::{Actor, Caller, PermissionSet};
use base::db::{DbError, Row};
use identity::{Member, Roster, Work};
use serde_json::json;

use crate::directory::Directory;
use crate::enter::Entered;
use crate::{Error, Scim};

/// What a caller answers for by what they may. Nobody in particular answers for nothing.
pub(crate) fn by(caller: &Caller) -> PermissionSet {
    match caller.actor {
        Actor::Member(_) | Actor::Service(_) | Actor::Operator(_) => caller.access.wide(),
        Actor::Node(_) | Actor::Directory(_) | Actor::Guest(_) => PermissionSet::EMPTY,
    }
}

/// As stored.
pub(crate) fn written(set: PermissionSet) -> String {
    json!(set.words()).to_string()
}

/// What is stored.
pub(crate) fn read(row: &Row) -> Result<PermissionSet, DbError> {
    Ok(PermissionSet::of_words(row.json::<Vec<String>>("vouched")?))
}

/// What a directory gives, who answers for it, and what members had just before a change.
#[derive(Debug)]
pub(crate) struct Vouched<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) by: PermissionSet,
    pub(crate) roster: Roster,
}

impl Scim {
    /// Who answers for what a directory changes now: to be asked before the change begins.
    pub(crate) async fn vouched<'a>(&self, by: &'a Entered) -> Result<Vouched<'a>, Error> {
        let roster = self.0.identity.roster(&by.caller).await?;
        Ok(Vouched { directory: &by.directory, by: by.vouched, roster })
    }
}

impl Vouched<'_> {
    /// Refuses to change a member who may more.
    pub(crate) async fn governs(&self, work: &mut Work, member: &Member) -> Result<(), Error> {
        let role = work.role(&member.role).await?.unwrap_or_default();
        let reach = self.roster.reach_of(&member.id).or(role);
        let mut may = self.by;
        for role in self.directory.roles() {
            if may.covers(reach) {
                break;
            }
            may = may.or(work.role(role).await?.unwrap_or_default());
        }
        if may.covers(reach) { Ok(()) } else { Err(Error::NotVouched) }
    }
}
