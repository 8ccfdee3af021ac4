//! What a member has of second factors.

use access::{
    Actor, Caller, FACTOR_RECENT_SECS, MemberId, Method, NeedsFactor, Scope, ShownSession,
};
use base::args;
use base::db::{DbError, Row};
use base::time::At;
use serde::Serialize;

use super::due::is_confined;
use crate::me::member;
use crate::room::Work;
use crate::subject::{Owner, PasskeyId};
use crate::{Error, Identity, sql};

/// A passkey, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Passkey {
    /// Its id.
    #[schema(value_type = String)]
    pub id: PasskeyId,
    /// What its member calls it.
    pub name: String,
    /// Since when it is known here.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was last shown.
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<At>,
}

/// An authenticator app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct App {
    /// Since when it is known here.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When a code of it was last used.
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<At>,
}

/// The second factors of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Factors {
    /// Their passkeys.
    pub passkeys: Vec<Passkey>,
    /// Their authenticator app.
    pub app: Option<App>,
    /// How many recovery codes can still be used.
    pub recovery_codes_left: u64,
    /// Whether the org requires a second factor.
    pub required: bool,
    /// Why there are no passkeys here; absent: there are.
    pub no_passkeys: Option<&'static str>,
}

impl Factors {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.passkeys.is_empty() && self.app.is_none()
    }
}

impl Passkey {
    pub(super) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("passkey_id")?,
            name: row.text("name")?,
            created_at: row.at("created_at")?,
            last_used_at: row.opt_at("last_used_at")?,
        })
    }
}

/// How many there are, as of a change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) passkeys: u64,
    pub(super) apps: u64,
}

/// The member whose own session this is. Factors are shown and changed in one alone: a
/// key that somebody found must not become a way to sign in.
pub(crate) fn own_session(caller: &Caller) -> Result<(&MemberId, &ShownSession), Error> {
    let id = member(caller)?;
    let own = caller.standing.session.as_ref();
    own.filter(|own| own.method != Method::Support).map(|own| (id, own)).ok_or(Error::SessionOnly)
}

/// A second factor was shown, or none is due.
pub(super) fn not_confined(caller: &Caller) -> Result<(), Error> {
    let needs = NeedsFactor { max_age_secs: FACTOR_RECENT_SECS };
    if is_confined(caller) { Err(needs.into()) } else { Ok(()) }
}

impl Identity {
    /// The caller's own second factors. Whoever has yet to show one does not see them.
    pub async fn factors(&self, caller: &Caller) -> Result<Factors, Error> {
        let factors = self.factors_of(caller).await?;
        if !factors.is_empty() {
            not_confined(caller)?;
        }
        Ok(factors)
    }

    /// The same for the page that asks for one.
    pub(crate) async fn factors_of(&self, caller: &Caller) -> Result<Factors, Error> {
        let id = member(caller)?;
        let org = self.own(caller).await?;
        let scope = caller.itself();
        let db = self.0.databases.of(&scope)?;
        let passkeys = db.all(sql::PASSKEYS_OF, args![id.as_str()]).await?;
        let app = db.maybe(sql::AUTHENTICATOR_ONE, args![id.as_str()]).await?;
        let app = app.map(|row| {
            let (created_at, last_used_at) = (row.at("created_at")?, row.opt_at("last_used_at")?);
            Ok::<_, DbError>(App { created_at, last_used_at })
        });
        let left = db.maybe(sql::RECOVERY_LEFT, args![id.as_str()]).await?;
        Ok(Factors {
            passkeys: passkeys.iter().map(Passkey::of).collect::<Result<_, _>>()?,
            app: app.transpose()?,
            recovery_codes_left: left.map_or(Ok(0), |row| row.count("codes"))?,
            required: org.rules.require_factors(),
            no_passkeys: self.0.relying_party.why_not(),
        })
    }

    /// Whether a member has a passkey or an authenticator app.
    pub async fn has_factor(&self, scope: &Scope, id: &MemberId) -> Result<bool, Error> {
        let org = self.own(scope.caller()).await?;
        Ok(org.holder(&Owner::Member(id.clone())).is_some_and(|holder| holder.factor))
    }

    /// Whoever has a second factor shows it before they add another; the first is set
    /// with what let them in.
    pub(super) async fn may_add(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        if self.has_factor(&caller.itself(), id).await? {
            caller.recent_factor()?;
        }
        Ok(())
    }
}

impl Work {
    pub(super) async fn held(&mut self, id: &MemberId) -> Result<Held, Error> {
        let row = self.change.maybe(sql::FACTORS_HELD, args![id.as_str()]).await?;
        let row = row.ok_or(Error::NotFound)?;
        Ok(Held { passkeys: row.count("passkeys")?, apps: row.count("apps")? })
    }

    /// A factor is about to be added in this session, where it was shown just now: asks
    /// as of this change what was asked before, and notes both.
    pub(super) async fn add_factor(
        &mut self,
        caller: &Caller,
        id: &MemberId,
        now: At,
    ) -> Result<Held, Error> {
        let held = self.held(id).await?;
        if held.passkeys + held.apps > 0 {
            caller.recent_factor()?;
        }
        self.change.run(sql::MEMBER_FACTOR, args![id.as_str(), now]).await?;
        let (_, session) = own_session(caller)?;
        let args = args![id.as_str(), &session.id, now];
        if self.change.run(sql::SESSION_FACTOR, args).await? == 0 {
            return Err(Error::SessionOnly);
        }
        Ok(held)
    }

    /// A factor was removed: nobody removes their own last one where the org requires
    /// it, and nobody the last passkey that opens the org when its identity provider fails.
    pub(super) async fn removed_factor(
        &mut self,
        caller: &Caller,
        id: &MemberId,
    ) -> Result<(), Error> {
        let held = self.held(id).await?;
        if held.passkeys + held.apps == 0 {
            let own = caller.actor == Actor::Member(id.clone());
            if own && self.rules().await?.require_factors() {
                return Err(Error::LastFactor);
            }
            self.change.run(sql::MEMBER_FACTOR, args![id.as_str(), None::<At>]).await?;
            self.change.run(sql::RECOVERY_DROP, args![id.as_str()]).await?;
        }
        if held.passkeys == 0 {
            self.leave_break_glass(id).await?;
        }
        Ok(())
    }
}
