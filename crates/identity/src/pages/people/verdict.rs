//! A decision in plain words: whether, through what, what is missing, who could give it.

use access::{Access, Caller, Permission, PermissionSet, Resource, TeamId, Thing};

use super::grants;
use super::roles_offered::Roles;
use super::source::{Shown, Source, through_team};
use super::who::{Named, Names};
use super::{effective, words};
use crate::subject::Subject;
use crate::{Check, Checked, Error, Guardrails, Identity};

/// The decision, ready to be read.
pub(super) struct Verdict {
    pub(super) who: Named,
    /// It is about the viewer.
    pub(super) own: bool,
    pub(super) allowed: bool,
    pub(super) permission: &'static str,
    pub(super) what: &'static str,
    pub(super) on: Option<Resource>,
    /// What gives it.
    pub(super) source: Option<Shown>,
    /// Why not, as a sentence.
    pub(super) missing: Option<String>,
    /// Everything that was given to them.
    pub(super) looked_at: Vec<Shown>,
    /// Roles that would give it.
    pub(super) including: Vec<String>,
    /// People who could.
    pub(super) helpers: Vec<String>,
    /// The viewer could.
    pub(super) may_give: bool,
    /// Whether guardrails had their say.
    pub(super) guardrails: Guardrails,
    /// What would help, where no role does.
    pub(super) remedy: Option<&'static str>,
    pub(super) policy_version: u64,
}

/// Nobody's role gives it: in the words of a decision, about whoever asks.
const NO_ROLE: &str = "no role of the caller includes";

/// What helps where a guardrail forbids what a role gives.
const GUARDED: &str = "It forbids it in these circumstances: where from, when, or how you signed \
     in. No other role changes that.";

impl Verdict {
    /// Decides, and says it in words. An empty `subject` is the caller.
    pub(super) async fn of(
        identity: &Identity,
        caller: &Caller,
        check: &Check,
    ) -> Result<Self, Error> {
        let Checked { decision, guardrails } = decide(identity, caller, check).await?;
        let permission = check.permission.parse::<Permission>().map_err(|_| Error::NotFound)?;
        let id = check.subject.as_deref().unwrap_or(caller.actor.id());
        let sources: Vec<Source> = decision.roles.iter().map(|words| Source::of(words)).collect();
        let mut ids = effective::ids(&sources);
        ids.insert(id);
        let names = Names::look_up(identity, caller, ids).await?;
        let who = names.of(id);
        let no_role = decision.missing.as_deref().is_some_and(|text| text.starts_with(NO_ROLE));
        let missing = decision.missing.as_deref().map(|text| {
            let about = format!("no role of {} includes", who.name);
            base::page::sentence(&text.replacen(NO_ROLE, &about, 1).replace('`', ""))
        });
        let sees_people = caller.access.may(Permission::UsersRead);
        let including = if no_role && sees_people {
            let roles = Roles::read(identity, caller).await?;
            roles.names_where(|set| set.has(permission))
        } else {
            Vec::new()
        };
        let may = |permission| caller.access.may(permission);
        Ok(Self {
            own: id == caller.actor.id(),
            allowed: decision.allowed,
            permission: permission.as_str(),
            what: words::what(permission),
            on: decision.resource,
            source: decision.granted_by.map(|words| Source::of(&words).shown(&names)),
            missing,
            looked_at: sources.into_iter().map(|source| source.shown(&names)).collect(),
            including,
            helpers: identity.helpers_for(caller, permission).await?,
            may_give: no_role && may(Permission::UsersGrant) && may(permission),
            remedy: match decision.missing.as_deref().filter(|_| !no_role) {
                Some(_) if !decision.policies.is_empty() => Some(GUARDED),
                missing => missing.map(remedy),
            },
            guardrails,
            policy_version: decision.policy_version,
            who,
        })
    }
}

/// What helps somebody who has the role and still may not, or whose key may not.
fn remedy(missing: &str) -> &'static str {
    if missing.starts_with("the invitation") {
        "They can from the moment they accept the invitation: no other role is needed."
    } else if missing.starts_with("the member is suspended") {
        "Making the member active again changes that: no other role is needed."
    } else if missing.starts_with("the key's own") {
        "Its owner may more. A key is never widened: another one has to be made."
    } else {
        "A key that ended stays so: another one has to be made."
    }
}

/// As `POST /api/access/check` decides; and, beyond it, what being in a team gives.
async fn decide(identity: &Identity, caller: &Caller, check: &Check) -> Result<Checked, Error> {
    let team = check.subject.as_ref().and_then(|subject| match subject.parse() {
        Ok(Subject::Team(id)) => Some(id),
        Ok(Subject::Member(_) | Subject::Key(_) | Subject::Service(_)) | Err(_) => None,
    });
    match (team, check.permission.parse::<Permission>()) {
        (Some(team), Ok(permission)) => {
            let access = team_access(identity, caller, &team).await?;
            let guarded = identity.own(caller).await?.is_guarded();
            Ok(Checked {
                decision: access.decide(permission, check.resource.as_ref().map(Thing::of)),
                guardrails: if guarded { Guardrails::NotJudged } else { Guardrails::None },
            })
        }
        (Some(_) | None, _) => identity.check_access(caller, check).await,
    }
}

/// What a team gives to everybody in it.
async fn team_access(identity: &Identity, caller: &Caller, id: &TeamId) -> Result<Access, Error> {
    caller.require(Permission::UsersRead)?;
    let org = identity.own(caller).await?;
    org.team_name(id).ok_or(Error::NotFound)?;
    let roles = Roles::read(identity, caller).await?;
    let given = grants::of(identity, caller, id.as_str()).await?;
    let given = given.into_iter().map(|given| access::Grant {
        permissions: roles.permits(&given.grant.role).unwrap_or(PermissionSet::EMPTY),
        role: given.grant.role,
        on: given.grant.resource,
        through: through_team(id),
    });
    Ok(Access::compile(given.collect(), None, org.version))
}
