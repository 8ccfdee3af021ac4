//! Everything that gives somebody access in an org, at one moment: what an access review
//! decides about.

use std::collections::{HashMap, HashSet};

use access::{Caller, KeyId, MemberId, OrgDb, Permission, PermissionSet, Role, ServiceId, TeamId};
use base::db::{DbError, Statement};
use base::time::At;
use serde_json::{Value, json};

use crate::grant::Grant;
use crate::seen::Used;
use crate::snapshot::{OrgSnapshot, Raw};
use crate::subject::{GrantId, Owner};
use crate::{Error, Identity, load, sql};

/// What kind of thing gives the access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A member, by their role.
    Member(MemberId),
    /// A service account, by its role.
    Service(ServiceId),
    /// A role given beside that.
    Grant(GrantId),
    /// Being in a team to which something is given.
    Membership(TeamId, MemberId),
    /// A key.
    Key(KeyId),
}

/// One thing that gives access.
#[derive(Debug, Clone)]
pub struct Holding {
    /// Which.
    pub holds: Holds,
    /// Whose: the id of a member, a service account or a team.
    pub about: String,
    /// The role that it gives, if it gives one.
    pub role: Option<String>,
    /// Whether it gives more than every member has.
    pub elevated: bool,
    /// When it was last used, as far as that is known.
    pub last_used_at: Option<At>,
    /// What else is known of it; ids, and no names of people.
    pub facts: Value,
}

/// When things were made and last used.
#[derive(Debug, Default)]
struct Times {
    made: HashMap<String, At>,
    used: HashMap<String, At>,
}

impl Identity {
    /// Everything that gives somebody access in the caller's org, as of one moment.
    pub async fn inventory(&self, caller: &Caller) -> Result<Vec<Holding>, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let (databases, guards) = (&self.0.databases, self.0.guards.as_ref());
        let now = self.now();
        let raw = load::raw(databases, guards, scope.org(), scope.region(), now).await?;
        let raw = raw.ok_or(Error::NotFound)?;
        let times = self.times(&databases.of(&scope)?).await?;
        Ok(holdings(raw, &times, now))
    }

    /// Whether a role of this name can be given.
    pub async fn knows_role(&self, caller: &Caller, name: &str) -> Result<bool, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        if Role::named(name).is_some() {
            return Ok(true);
        }
        let row = self.0.databases.of(&scope)?.maybe(sql::ROLE_ONE, vec![name.into()]).await?;
        Ok(row.is_some())
    }

    async fn times(&self, db: &OrgDb<'_>) -> Result<Times, DbError> {
        let mut times = Times::default();
        for (statement, id) in
            [(sql::MEMBERS_SINCE, "member_id"), (sql::SERVICES_SINCE, "service_id")]
        {
            for row in load::behind(db, statement, id, None).await? {
                times.made.insert(row.text(id)?, row.at("created_at")?);
            }
        }
        for row in load::behind(db, sql::SIGN_INS, "member_id", None).await? {
            times.used.insert(row.text("member_id")?, row.at("last_at")?);
        }
        let keys: Statement = sql::KEY_USES;
        for row in load::behind(db, keys, "key_id", None).await? {
            let id: KeyId = row.parse("key_id")?;
            times.made.insert(id.to_string(), row.at("created_at")?);
            let used = self.0.seen.latest(&Used::Key(id.clone()), row.opt_at("last_used_at")?);
            times.used.extend(used.map(|at| (id.to_string(), at)));
        }
        Ok(times)
    }
}

fn holdings(mut raw: Raw, times: &Times, now: At) -> Vec<Holding> {
    let (grants, teams) = (raw.grants.clone(), raw.teams.clone());
    let roles = std::mem::take(&mut raw.roles);
    let owners: Vec<_> =
        raw.holders.iter().map(|one| (one.owner.clone(), one.role.clone())).collect();
    let keys: Vec<KeyId> = raw.keys.iter().map(|key| key.id.clone()).collect();
    raw.roles.clone_from(&roles);
    let org = OrgSnapshot::compile(raw);
    let permits = |role: &str| match Role::named(role) {
        Some(role) => role.permissions().unwrap_or_default(),
        None => roles.get(role).copied().unwrap_or_default(),
    };
    let mut all: Vec<Holding> = Vec::new();
    all.extend(owners.iter().filter_map(|(owner, role)| own(&org, owner, role, times)));
    let mut by_team: HashMap<&str, PermissionSet> = HashMap::new();
    for grant in &grants {
        let gives = permits(&grant.role);
        let team = by_team.entry(&grant.subject).or_default();
        *team = team.or(gives);
        all.push(given(grant, gives, &org));
    }
    let of_teams: HashSet<&str> = grants.iter().map(|grant| grant.subject.as_str()).collect();
    for (team, member) in teams.iter().filter(|(team, _)| of_teams.contains(team.as_str())) {
        let gives = by_team.get(team.as_str()).copied().unwrap_or_default();
        all.push(Holding {
            holds: Holds::Membership(team.clone(), member.clone()),
            about: member.to_string(),
            role: None,
            elevated: is_elevated(gives),
            last_used_at: None,
            facts: json!({ "team": team, "permissions": names(gives) }),
        });
    }
    all.extend(keys.iter().filter_map(|id| key(&org, id, times, now)));
    // What somebody holds stands together, themselves in front.
    all.sort_by(|a, b| (&a.about, a.holds.rank()).cmp(&(&b.about, b.holds.rank())));
    all
}

fn own(org: &OrgSnapshot, owner: &Owner, role: &str, times: &Times) -> Option<Holding> {
    let holder = org.holder(owner)?;
    let id = owner.as_str();
    Some(Holding {
        holds: match owner {
            Owner::Member(id) => Holds::Member(id.clone()),
            Owner::Service(id) => Holds::Service(id.clone()),
        },
        about: id.to_owned(),
        role: Some(role.to_owned()),
        elevated: is_elevated(holder.reach),
        last_used_at: times.used.get(id).copied(),
        facts: json!({
            "state": holder.state, "teams": holder.teams, "permissions": names(holder.reach),
            "created_at": times.made.get(id),
        }),
    })
}

/// A grant to a key is about whom the key belongs to.
fn given(grant: &Grant, gives: PermissionSet, org: &OrgSnapshot) -> Holding {
    let key = grant.subject.parse::<KeyId>().ok().and_then(|id| org.key_of_id(&id).cloned());
    let about = key.map_or_else(|| grant.subject.clone(), |key| key.owner.to_string());
    Holding {
        holds: Holds::Grant(grant.id.clone()),
        about,
        role: Some(grant.role.clone()),
        elevated: is_elevated(gives),
        last_used_at: None,
        facts: json!({
            "subject": grant.subject, "resource": grant.resource, "permissions": names(gives),
            "created_at": grant.created_at,
        }),
    }
}

fn key(org: &OrgSnapshot, id: &KeyId, times: &Times, now: At) -> Option<Holding> {
    let key = org.key_of_id(id)?;
    if key.revoked_at.is_some() || key.expires_at.is_some_and(|expires| expires <= now) {
        return None;
    }
    Some(Holding {
        holds: Holds::Key(id.clone()),
        about: key.owner.to_string(),
        role: None,
        elevated: is_elevated(key.reach),
        last_used_at: times.used.get(id.as_str()).copied(),
        facts: json!({
            "permissions": names(key.reach), "models": key.models,
            "narrowed_to_addresses": key.addresses.is_some(), "expires_at": key.expires_at,
            "created_at": times.made.get(id.as_str()),
        }),
    })
}

impl Holds {
    /// `member`, `service`, `grant`, `membership` or `key`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Member(_) => "member",
            Self::Service(_) => "service",
            Self::Grant(_) => "grant",
            Self::Membership(..) => "membership",
            Self::Key(_) => "key",
        }
    }

    /// The id, as it is stored; that of a membership is the team's.
    pub fn id(&self) -> &str {
        match self {
            Self::Member(id) => id.as_str(),
            Self::Service(id) => id.as_str(),
            Self::Grant(id) => id.as_str(),
            Self::Membership(team, _) => team.as_str(),
            Self::Key(id) => id.as_str(),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Member(_) | Self::Service(_) => 0,
            Self::Grant(_) => 1,
            Self::Membership(..) => 2,
            Self::Key(_) => 3,
        }
    }
}

/// More than the role that every member has.
fn is_elevated(set: PermissionSet) -> bool {
    !Role::Member.permissions().unwrap_or_default().covers(set)
}

fn names(set: PermissionSet) -> Vec<&'static str> {
    set.iter().map(Permission::as_str).collect()
}
