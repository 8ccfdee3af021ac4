//! Showing a second factor in a session: after the password, and again before what is
//! sensitive.

use access::{Caller, MemberId, Method, ShownSession};
use audit::{Change, Event, Outcome};
use base::args;
use base::secret::Secret;
use base::time::At;
use serde::Deserialize;
use serde_json::{Value, json};
use webauthn_rs::prelude::DiscoverableAuthentication;

use super::Ceremony;
use super::assertion::{answer, options};
use super::ceremony::For;
use super::held::own_session;
use super::letters::Notice;
use crate::address::Place;
use crate::lockout::Lockout;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// A second factor: a code, or a passkey with the ceremony that it was shown in.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowFactor {
    /// A code of the authenticator app, or a recovery code.
    #[serde(default)]
    pub code: Option<Secret>,
    /// What the beginning gave.
    #[serde(default)]
    pub ceremony: Option<String>,
    /// What `navigator.credentials.get` gave, as JSON.
    #[serde(default)]
    pub response: Option<Value>,
}

/// What was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A passkey.
    Passkey,
    /// A code of an authenticator app.
    App,
    /// A recovery code.
    RecoveryCode,
}

impl Way {
    /// As recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::App => "app",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// A code is about to be compared, and was counted before it is.
#[derive(Debug)]
pub(super) struct Guess<'a> {
    lockout: &'a Lockout,
    member: String,
    place: Place,
}

impl Guess<'_> {
    /// The codes of a member, from everywhere together: six digits are few.
    fn codes(member: &str) -> String {
        format!("{member}/code")
    }

    /// It was no guess: what was counted counts no more.
    pub(super) fn was_right(self) {
        self.lockout.clear(&self.member, self.place);
        self.lockout.clear(&Self::codes(&self.member), Place::Unknown);
    }
}

impl Identity {
    /// Counts a code among the failed sign-ins of its member, until it is right.
    pub(super) fn guess(&self, caller: &Caller, id: &MemberId) -> Result<Guess<'_>, Error> {
        let (lockout, member, now) = (&self.0.lockout, id.to_string(), self.now());
        let place = Place::of(caller.origin.ip);
        lockout.attempt(&member, place, now)?;
        lockout.attempt(&Guess::codes(&member), Place::Unknown, now)?;
        Ok(Guess { lockout, member, place })
    }

    /// Begins to show a passkey in the caller's own session.
    pub async fn begin_showing(&self, caller: &Caller) -> Result<Ceremony, Error> {
        let (id, session) = own_session(caller)?;
        let webauthn = self.0.relying_party.get()?;
        let scope = caller.itself();
        let db = self.0.databases.of(&scope)?;
        let known = db.all(sql::PASSKEYS_OF, args![id.as_str()]).await?;
        if known.is_empty() {
            return Err(Error::Conflict("you have no passkey"));
        }
        let known = known.iter().map(|row| row.text("credential_id")).collect::<Result<_, _>>()?;
        let begun = webauthn.start_discoverable_authentication();
        let (asked, state) = begun.map_err(|_| Error::Passkey)?;
        let what = For::Show(caller, &session.id);
        let ceremony = self.begin_ceremony(caller.region, what, state)?;
        Ok(Ceremony { ceremony, options: options(asked, Some(known))? })
    }

    /// Shows a second factor in the caller's own session. From then on the session may
    /// what its member may; and for a while, what is sensitive.
    pub async fn show_factor(&self, caller: &Caller, shown: &ShowFactor) -> Result<(), Error> {
        let (id, session) = own_session(caller)?;
        let way = match (&shown.code, &shown.ceremony, &shown.response) {
            (Some(code), None, None) => self.show_code(caller, id, session, code).await?,
            (None, Some(ceremony), Some(response)) => {
                self.show_passkey(caller, id, session, (ceremony, response)).await?
            }
            _ => return Err(Error::Conflict("show a code, or a passkey with its ceremony")),
        };
        if way == Way::RecoveryCode {
            self.tell(caller, id, Notice::Recovered).await;
        }
        Ok(())
    }

    async fn show_code(
        &self,
        caller: &Caller,
        id: &MemberId,
        session: &ShownSession,
        code: &Secret,
    ) -> Result<Way, Error> {
        let org = self.own(caller).await?;
        let glass = org.holder(&Owner::Member(id.clone())).is_some_and(|own| own.break_glass);
        if org.rules.enforce_sso() && glass && session.confined {
            return Err(Error::Conflict(
                "while single sign-on is enforced this is opened with a passkey, not with a code",
            ));
        }
        let guess = self.guess(caller, id)?;
        let now = self.now();
        let app = self.app_step(caller, id, code).await?;
        let tag = self.recovery_tag(caller, id, code)?;
        let mut change = self.change(caller).await?;
        let (way, used) = match (app, tag) {
            (Some(step), _) => {
                let args = args![id.as_str(), step, now];
                (Way::App, change.run(sql::AUTHENTICATOR_USED, args).await?)
            }
            (None, Some(tag)) => {
                let args = args![id.as_str(), tag.as_slice(), now];
                (Way::RecoveryCode, change.run(sql::RECOVERY_USE, args).await?)
            }
            (None, None) => (Way::App, 0),
        };
        if used == 0 {
            drop(change);
            let why = if app.is_some() { "code_used" } else { "wrong_code" };
            self.refused_factor(caller, id, why).await?;
            return Err(Error::WrongCode);
        }
        guess.was_right();
        shown_in(change, id, session, (way, now)).await?;
        Ok(way)
    }

    async fn show_passkey(
        &self,
        caller: &Caller,
        id: &MemberId,
        session: &ShownSession,
        (ceremony, response): (&str, &Value),
    ) -> Result<Way, Error> {
        let open = self.open_ceremony(For::Show(caller, &session.id), ceremony)?;
        let (state, over): (DiscoverableAuthentication, _) = open.over();
        let answer = answer(response)?;
        let assertion = match self.check(&caller.itself(), id, &answer, (state, over)).await? {
            Ok(assertion) => assertion,
            Err(why) => {
                self.refused_factor(caller, id, why).await?;
                return Err(Error::Passkey);
            }
        };
        let enforced = self.own(caller).await?.rules.enforce_sso();
        if enforced && session.confined && session.method == Method::Password {
            // Before it opens anything: who gets in past the provider stands in the record.
            self.alarm(caller, id).await?;
        }
        let now = self.now();
        let mut change = self.change(caller).await?;
        assertion.write(&mut change, now).await?;
        shown_in(change, id, session, (Way::Passkey, now)).await?;
        self.0.lockout.clear(id.as_str(), Place::of(caller.origin.ip));
        Ok(Way::Passkey)
    }

    async fn change(&self, caller: &Caller) -> Result<Change, Error> {
        Ok(Change::begin(&self.0.record, &caller.itself()).await?)
    }

    async fn refused_factor(
        &self,
        caller: &Caller,
        id: &MemberId,
        why: &'static str,
    ) -> Result<(), Error> {
        let event = Event::done("identity.factor.refused", "member", id.as_str());
        let event = event.outcome(Outcome::Denied).reason(json!({"code": why}));
        self.0.record.note(caller, &event).await?;
        Ok(())
    }
}

/// Notes in the session that a factor was shown, with the event.
async fn shown_in(
    mut change: Change,
    id: &MemberId,
    session: &ShownSession,
    (way, now): (Way, At),
) -> Result<(), Error> {
    let args = args![id.as_str(), &session.id, now];
    if change.run(sql::SESSION_FACTOR, args).await? == 0 {
        return Err(Error::SessionOnly);
    }
    let event = Event::done("identity.factor.shown", "session", &session.id);
    change.commit(event.reason(json!({"kind": way.as_str()}))).await?;
    Ok(())
}
