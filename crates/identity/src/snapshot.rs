//! Everything about one org that a request needs, compiled: no database is asked.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use access::{
    Access, Guard, KeyId, Life, MemberId, Permission, PermissionSet, Role, ShownSession, Standing,
    TeamId,
};
use base::time::At;
use ipnet::IpNet;

use crate::grant::Grant;
use crate::member::MemberState;
use crate::org::Org;
use crate::rules::Rules;
use crate::subject::Owner;

/// What the tables say.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) org: Org,
    pub(crate) version: u64,
    pub(crate) rules: Rules,
    pub(crate) holders: Vec<RawHolder>,
    pub(crate) teams: Vec<(TeamId, MemberId)>,
    pub(crate) team_names: HashMap<TeamId, String>,
    pub(crate) roles: HashMap<String, PermissionSet>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) keys: Vec<RawKey>,
    pub(crate) guard: Option<Arc<dyn Guard>>,
}

/// A member or service account.
#[derive(Debug)]
pub(crate) struct RawHolder {
    pub(crate) owner: Owner,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) role: String,
    pub(crate) state: MemberState,
    /// Has a passkey or an authenticator app.
    pub(crate) factor: bool,
    /// Gets in when identity providers fail.
    pub(crate) break_glass: bool,
}

#[derive(Debug)]
pub(crate) struct RawKey {
    pub(crate) id: KeyId,
    pub(crate) owner: Owner,
    pub(crate) name: String,
    pub(crate) tag: [u8; 32],
    pub(crate) roles: Option<Vec<String>>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) addresses: Option<Vec<IpNet>>,
    pub(crate) replaces: Option<KeyId>,
    pub(crate) expires_at: Option<At>,
    pub(crate) revoked_at: Option<At>,
}

/// One org at one version.
#[derive(Debug)]
pub(crate) struct OrgSnapshot {
    pub(crate) org: Org,
    pub(crate) version: u64,
    pub(crate) rules: Rules,
    team_names: HashMap<TeamId, String>,
    /// Of who is in each team, in whatever order.
    team_marks: HashMap<TeamId, u64>,
    pub(crate) holders: HashMap<Owner, Arc<Holder>>,
    pub(crate) keys: HashMap<[u8; 32], Arc<KeyEntry>>,
    tags: HashMap<KeyId, [u8; 32]>,
    /// When the next key expires, in microseconds; see [`crate::lives`].
    pub(crate) next_expiry: AtomicI64,
    /// What narrows everybody here.
    guard: Option<Arc<dyn Guard>>,
}

/// A member or service account, and what it may do.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) name: String,
    /// In lower case; a service account has none.
    pub(crate) email: Option<String>,
    pub(crate) state: MemberState,
    /// Has a passkey or an authenticator app.
    pub(crate) factor: bool,
    /// Gets in when identity providers fail.
    pub(crate) break_glass: bool,
    pub(crate) teams: Arc<[TeamId]>,
    pub(crate) access: Arc<Access>,
    /// Every permission, be it on the whole org or on one thing only.
    pub(crate) reach: PermissionSet,
    /// That, and what was given to their keys: whoever gets in as them gets at these.
    pub(crate) power: PermissionSet,
    grants: Vec<access::Grant>,
    /// Ends when the member may not act any more: their sessions hang on it.
    pub(crate) life: Life,
}

/// A key, ready to be recognised.
#[derive(Debug)]
pub(crate) struct KeyEntry {
    pub(crate) id: KeyId,
    pub(crate) name: String,
    pub(crate) tag: [u8; 32],
    pub(crate) owner: Owner,
    /// The state of the owner; absent when there is no such owner any more.
    pub(crate) owner_state: Option<MemberState>,
    pub(crate) teams: Arc<[TeamId]>,
    pub(crate) access: Arc<Access>,
    pub(crate) reach: PermissionSet,
    pub(crate) models: Option<Arc<[String]>>,
    pub(crate) addresses: Option<Vec<IpNet>>,
    pub(crate) expires_at: Option<At>,
    pub(crate) revoked_at: Option<At>,
    /// Less than its owner may: such a key cannot make others, nor end them.
    pub(crate) narrow: bool,
    /// It was made to end; a key that ends because another replaces it was not.
    pub(crate) expiring: bool,
    /// Limited in a way that nobody inherits whom it lets in: such a key gives nothing.
    pub(crate) bound: bool,
    /// Ends when the key does.
    pub(crate) life: Life,
    /// The second in which its use was last noted.
    pub(crate) noted_secs: AtomicI64,
}

impl OrgSnapshot {
    pub(crate) fn key(&self, tag: &[u8; 32]) -> Option<&Arc<KeyEntry>> {
        self.keys.get(tag)
    }

    pub(crate) fn key_of_id(&self, id: &KeyId) -> Option<&Arc<KeyEntry>> {
        self.tags.get(id).and_then(|tag| self.keys.get(tag))
    }

    pub(crate) fn holder(&self, owner: &Owner) -> Option<&Arc<Holder>> {
        self.holders.get(owner)
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = (&Owner, &Arc<Holder>)> {
        self.holders.iter()
    }

    pub(crate) fn team_name(&self, id: &TeamId) -> Option<&String> {
        self.team_names.get(id)
    }

    pub(crate) fn team_mark(&self, id: &TeamId) -> u64 {
        self.team_marks.get(id).copied().unwrap_or_default()
    }

    /// Whether guardrails narrow what roles give here.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guard.is_some()
    }

    pub(crate) fn compile(raw: Raw) -> Self {
        let rights = Rights::of(raw.grants, raw.roles, raw.version);
        let mut teams_of: HashMap<MemberId, Vec<TeamId>> = HashMap::new();
        let mut team_marks: HashMap<TeamId, u64> = HashMap::new();
        for (team, member) in raw.teams {
            let of_team = team_marks.entry(team.clone()).or_default();
            *of_team = of_team.wrapping_add(mark(&member));
            teams_of.entry(member).or_default().push(team);
        }
        let mut on_keys: HashMap<Owner, PermissionSet> = HashMap::new();
        for key in raw.keys.iter().filter(|key| key.revoked_at.is_none()) {
            let given: Vec<_> = rights.given(key.id.as_str(), "").collect();
            if !given.is_empty() {
                let all = on_keys.entry(key.owner.clone()).or_default();
                *all = all.or(reach(&given, None));
            }
        }
        let mut holders = HashMap::new();
        for raw in raw.holders {
            let teams = match &raw.owner {
                Owner::Member(id) => teams_of.remove(id).unwrap_or_default(),
                Owner::Service(_) => Vec::new(),
            };
            let keys = on_keys.get(&raw.owner).copied().unwrap_or_default();
            holders.insert(raw.owner.clone(), Arc::new(rights.holder(raw, teams, keys)));
        }
        let endless = raw.keys.iter().filter(|key| key.expires_at.is_none());
        let replaced: HashSet<KeyId> = endless.filter_map(|key| key.replaces.clone()).collect();
        let mut keys = HashMap::new();
        let mut tags = HashMap::new();
        for key in raw.keys {
            let holder = holders.get(&key.owner).map(Arc::as_ref);
            tags.insert(key.id.clone(), key.tag);
            let expiring = key.expires_at.is_some() && !replaced.contains(&key.id);
            keys.insert(key.tag, Arc::new(rights.key(key, holder, expiring)));
        }
        Self {
            org: raw.org,
            version: raw.version,
            rules: raw.rules,
            team_names: raw.team_names,
            team_marks,
            holders,
            keys,
            tags,
            next_expiry: AtomicI64::new(i64::MIN),
            guard: raw.guard,
        }
    }

    /// How somebody of this org stands here.
    pub(crate) fn standing(&self, at: At, session: Option<ShownSession>, life: &Life) -> Standing {
        Standing {
            at: Some(at),
            session,
            guard: self.guard.clone(),
            life: life.clone(),
            unrecorded: self.rules.unrecorded(),
        }
    }
}

/// A number for something; of equal things the same one.
pub(crate) fn mark(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Roles and grants, to compile from.
struct Rights {
    roles: HashMap<String, PermissionSet>,
    grants: HashMap<String, Vec<Grant>>,
    /// What a bound key may at most when it names no roles of its own.
    no_governing: PermissionSet,
    version: u64,
}

impl Rights {
    fn of(grants: Vec<Grant>, roles: HashMap<String, PermissionSet>, version: u64) -> Self {
        let mut by_subject: HashMap<String, Vec<Grant>> = HashMap::new();
        for grant in grants {
            by_subject.entry(grant.subject.clone()).or_default().push(grant);
        }
        Self { roles, grants: by_subject, no_governing: no_governing(), version }
    }

    /// An unknown role gives nothing.
    fn permissions(&self, role: &str) -> PermissionSet {
        match Role::named(role) {
            Some(role) => role.permissions().unwrap_or_default(),
            None => self.roles.get(role).copied().unwrap_or_default(),
        }
    }

    fn given<'a>(
        &'a self,
        subject: &str,
        through: &'a str,
    ) -> impl Iterator<Item = access::Grant> + 'a {
        let grants = self.grants.get(subject).map(Vec::as_slice).unwrap_or_default();
        grants.iter().map(move |grant| access::Grant {
            role: grant.role.clone(),
            permissions: self.permissions(&grant.role),
            on: grant.resource.clone(),
            through: through.to_owned(),
        })
    }

    fn holder(&self, raw: RawHolder, teams: Vec<TeamId>, on_keys: PermissionSet) -> Holder {
        let through = match raw.owner {
            Owner::Member(_) => "member",
            Owner::Service(_) => "service account",
        };
        let own = access::Grant {
            permissions: self.permissions(&raw.role),
            role: raw.role,
            on: None,
            through: through.to_owned(),
        };
        let mut grants = vec![own];
        grants.extend(self.given(raw.owner.as_str(), through));
        for team in &teams {
            grants.extend(self.given(team.as_str(), &format!("team {team}")));
        }
        let access = Arc::new(Access::compile(grants.clone(), None, self.version));
        Holder {
            name: raw.name,
            email: raw.email,
            state: raw.state,
            factor: raw.factor,
            break_glass: raw.break_glass,
            teams: teams.into(),
            access,
            reach: reach(&grants, None),
            power: reach(&grants, None).or(on_keys),
            grants,
            life: Life::default(),
        }
    }

    fn key(&self, key: RawKey, holder: Option<&Holder>, expiring: bool) -> KeyEntry {
        let bound = key.models.is_some() || key.addresses.is_some() || expiring;
        let named = key.roles.as_ref().map(|roles| {
            roles.iter().fold(PermissionSet::EMPTY, |cap, role| cap.or(self.permissions(role)))
        });
        let cap = named.or(bound.then_some(self.no_governing));
        let mut grants = holder.map(|holder| holder.grants.clone()).unwrap_or_default();
        grants.extend(self.given(key.id.as_str(), &format!("key {}", key.id)));
        let narrow = bound || named.is_some();
        KeyEntry {
            reach: reach(&grants, cap),
            access: Arc::new(Access::compile(grants, cap, self.version)),
            owner_state: holder.map(|holder| holder.state),
            teams: holder.map(|holder| holder.teams.clone()).unwrap_or_default(),
            models: key.models.map(Into::into),
            id: key.id,
            name: key.name,
            tag: key.tag,
            owner: key.owner,
            addresses: key.addresses,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            narrow,
            expiring,
            bound,
            life: Life::default(),
            noted_secs: AtomicI64::new(i64::MIN),
        }
    }
}

/// Everything but people and settings. Whoever narrows a key by models, addresses or
/// time means a key to work with: it must not let others in who are not so narrowed.
fn no_governing() -> PermissionSet {
    let names = Permission::ALL.iter().map(|permission| permission.as_str());
    let names = names.filter(|name| !name.starts_with("users:") && !name.starts_with("settings:"));
    PermissionSet::exactly(names).unwrap_or_default()
}

fn reach(grants: &[access::Grant], cap: Option<PermissionSet>) -> PermissionSet {
    grants
        .iter()
        .fold(PermissionSet::EMPTY, |set, grant| set.or(grant.permissions))
        .and(cap.unwrap_or(PermissionSet::ALL))
}
