//! What a session still has to show before it may anything.

use access::{Actor, Caller, Identified, Life, Method, Origin, ShownSession};
use base::problem::Problem;
use base::time::At;
use http::StatusCode;

use crate::Refused;
use crate::rules::Rules;
use crate::snapshot::{Holder, OrgSnapshot};
use crate::subject::Owner;

/// Where somebody may be who has yet to show a second factor, or to set one: these
/// paths and what lies under them.
const OPEN_TO_THE_CONFINED: [&str; 6] = [
    "/account/confirm",
    "/account/factors",
    "/api/factors",
    "/api/session",
    "/sign-out",
    "/sso/out",
];

/// How a session was begun, and what was shown in it since.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) at: At,
    pub(crate) factor_at: Option<At>,
}

impl Begun {
    /// The session, as decisions need it. A sign-in by an identity provider is a second
    /// factor, unless the org wants one of its own beside it.
    fn shown(self, rules: &Rules, holder: &Holder) -> ShownSession {
        let by_provider = matches!(self.method, Method::Saml | Method::Oidc);
        let counts = by_provider && !rules.ask_sso_too();
        let factor_at = self.factor_at.or(counts.then_some(self.at));
        let factor_due = holder.factor || rules.require_factors();
        ShownSession {
            id: self.id,
            method: self.method,
            factor_at,
            factor_due,
            confined: factor_due && factor_at.is_none(),
        }
    }
}

impl OrgSnapshot {
    /// The member whose session it is. Whoever is confined may nothing.
    pub(crate) fn in_session(
        &self,
        holder: &Holder,
        actor: Actor,
        begun: Begun,
        life: &Life,
        (at, origin): (At, Origin),
    ) -> Caller {
        let shown = begun.shown(&self.rules, holder);
        let (teams, access) = if shown.confined {
            Default::default()
        } else {
            (holder.teams.clone(), holder.access.clone())
        };
        Caller::identified(Identified {
            org: self.org.id.clone(),
            region: self.org.region,
            actor,
            key: None,
            teams,
            access,
            models: None,
            origin,
            standing: self.standing(at, Some(shown), life),
        })
    }

    /// Whether a session that was begun so still lets this member in: where single
    /// sign-on is enforced, passwords and passkeys are for those behind the glass.
    pub(crate) fn lets_in(&self, holder: &Holder, method: Method) -> bool {
        match method {
            Method::Password | Method::Passkey => !self.rules.enforce_sso() || holder.break_glass,
            Method::Saml | Method::Oidc | Method::Support => true,
        }
    }
}

/// Whether this session may do nothing yet but show a second factor, or set one.
pub(crate) fn is_confined(caller: &Caller) -> bool {
    caller.standing.session.as_ref().is_some_and(|session| session.confined)
}

/// What a confined session waits for: `required`, a second factor that there is; or
/// `set_up`, one that is to be set.
pub(crate) fn awaited(org: &OrgSnapshot, caller: &Caller) -> &'static str {
    let own = Owner::of(&caller.actor).and_then(|owner| org.holder(&owner));
    if own.is_some_and(|own| own.factor) { "required" } else { "set_up" }
}

/// What somebody is told who has yet to show a second factor.
pub(crate) fn factor_required() -> Problem {
    let detail = "show your second factor first, or set one: this session may do nothing else yet";
    Problem::new(StatusCode::FORBIDDEN, "factor_required", detail)
}

impl Refused {
    /// The caller, if they are refused for nothing but a second factor that they have
    /// yet to show, and this is where it is shown or set. They may nothing else.
    pub fn confined_to(&self, path: &str) -> Option<Caller> {
        let who = self.who.as_ref().filter(|who| is_confined(who))?;
        let open = OPEN_TO_THE_CONFINED.iter().any(|open| {
            path.strip_prefix(open).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        open.then(|| who.clone())
    }
}
