//! Who answers for a provider. Whoever sets one up can make it say anything, so it lets in
//! nobody who may more than they: else an admin would become an owner by a provider of their
//! own. Somebody who may more confirms the connection, and it lets in those too.

use access::{Actor, Caller, Permission, PermissionSet, Scope, TeamId};
use base::db::DbError;
use identity::Work;

use crate::connection::Known;
use crate::{Connection, ConnectionId, Error, Refused, Sso};

/// Grants of a team that are read at once: as many as a page has, and more than a team has.
const GRANTS_MAX: u32 = 200;

/// What a caller answers for by what they may. Nobody in particular answers for nothing.
pub(crate) fn by(caller: &Caller) -> PermissionSet {
    match caller.actor {
        Actor::Member(_) | Actor::Service(_) | Actor::Operator(_) => caller.access.wide(),
        Actor::Node(_) | Actor::Directory(_) | Actor::Guest(_) => PermissionSet::EMPTY,
    }
}

/// Whether somebody else is meant than before, they become something else, or more is
/// believed of what a provider says: whoever answered for it did not answer for that.
pub(crate) fn widens(before: &Known, after: &Known) -> bool {
    let follow = !before.policy.jit && after.policy.jit;
    follow || believed(before) != believed(after)
}

fn believed(Known { mapping, policy, .. }: &Known) -> impl PartialEq + '_ {
    let whom = (&mapping.email, policy.link_by_email, &policy.name_id_format);
    let what = (&mapping.groups, &mapping.role, &mapping.rules);
    let how = (policy.widened_algorithms, policy.expired_certificates, &policy.factor_contexts);
    (whom, what, how)
}

/// As stored.
pub(crate) fn to_json(set: PermissionSet) -> Result<String, DbError> {
    serde_json::to_string(&set.words()).map_err(|cause| DbError::unreadable("vouched", cause))
}

impl Sso {
    /// Whether the caller may change connections: only with a second factor of late, and with
    /// no key that is bound to models, addresses or a time.
    pub(crate) async fn may_change(&self, caller: &Caller) -> Result<Scope, Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        caller.recent_factor()?;
        self.0.identity.not_bound(caller).await?;
        Ok(scope)
    }

    /// Begins a change that gives somebody a role and a place in teams, if those who answer
    /// for the connection may all that comes with them.
    pub(crate) async fn begin_giving(
        &self,
        scope: &Scope,
        known: &Known,
        role: Option<&str>,
        teams: &[TeamId],
    ) -> Result<Work, Error> {
        let (identity, node) = (&self.0.identity, scope.caller());
        let mut roles: Vec<String> = role.map(ToOwned::to_owned).into_iter().collect();
        // Before the change begins: what holds a connection must not wait for another.
        for team in teams {
            let grants = identity.grants(node, Some(team.as_str()), None, Some(GRANTS_MAX)).await?;
            roles.extend(grants.items.into_iter().map(|grant| grant.role));
        }
        let mut work = identity.begin(scope).await?;
        for role in &roles {
            let given = work.giving(node, "/role", role).await;
            if !known.vouched.covers(given.map_err(|error| broken(error, role))?) {
                return Err(Refused::not_vouched().into());
            }
        }
        Ok(work)
    }

    /// Confirms a connection for all who may no more than the caller.
    pub async fn vouch(&self, caller: &Caller, id: &ConnectionId) -> Result<Connection, Error> {
        let scope = self.may_change(caller).await?;
        let before = self.one(&scope, id).await?;
        let vouched = before.vouched.or(by(caller));
        let after = Known { vouched, ..before.clone() };
        self.set_state(&scope, before, after, "sso.connection.vouched").await
    }
}

/// What the mapping gives is no more what it was when it was saved: a role is gone. Nobody
/// comes in with another role in its place, nor with the one that they have: it may be the
/// one that the provider takes from them.
pub(crate) fn broken(error: identity::Error, role: &str) -> Error {
    match error {
        identity::Error::Invalid(fields) if fields.iter().any(|field| field.pointer == "/role") => {
            let why = format!("the role `{role}` that it gives is none of the organization's");
            Refused::mapping(&why).into()
        }
        identity::Error::Invalid(fields) => {
            let why: Vec<_> =
                fields.iter().map(|field| format!("{}: {}", field.pointer, field.detail)).collect();
            Refused::mapping(&why.join("; ")).into()
        }
        other => other.into(),
    }
}
