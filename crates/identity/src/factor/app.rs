//! An authenticator app: a secret that it and we know, and codes for each half minute.

use access::{Caller, MemberId};
use audit::Event;
use base::args;
use base::secret::Secret;
use base::{db::DbError, seal};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use totp_rs::{Algorithm, Builder, Totp};

use super::ceremony::For;
use super::held::own_session;
use super::letters::Notice;
use crate::org::exists;
use crate::{Error, Identity, sql};

/// What the app is told to show beside the account.
const ISSUER: &str = "Portico";
/// Seconds that a code is shown.
const STEP_SECS: u64 = 30;
/// Codes of so many steps before and after are right too: clocks differ.
const SKEW_STEPS: u16 = 1;
/// Bytes of the secret: what RFC 4226 recommends, and what apps expect.
const SECRET_LEN: usize = 20;

/// What an app is set up with, shown once.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AppSetUp {
    /// To be given back with the first code.
    pub ceremony: String,
    /// To be typed where no picture can be taken: base32.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = String)]
    pub secret: Secret,
    /// What the QR code says.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = String)]
    pub url: Secret,
}

/// The first code of an app.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmApp {
    /// What the beginning gave.
    pub ceremony: String,
    /// Six digits.
    pub code: Secret,
}

fn reveal<S: serde::Serializer>(secret: &Secret, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(secret.reveal())
}

fn totp(secret: &[u8], account: &str) -> Result<Totp, Error> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW_STEPS)
        .with_step_duration(STEP_SECS)
        .with_secret(secret)
        .with_account_name(account.replace(':', " "))
        .with_issuer(Some(ISSUER))
        .build()
        .map_err(|cause| Error::Machine(std::io::Error::other(cause.to_string())))
}

/// The step that a code is right for, as it is typed: with spaces or without.
fn step_of(secret: &[u8], code: &Secret, now_secs: i64) -> Result<Option<i64>, Error> {
    let code: String = code.reveal().chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let step = totp(secret, ISSUER)?.check(&code, u64::try_from(now_secs).unwrap_or_default());
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn purpose(caller: &Caller, member: &MemberId) -> String {
    format!("{}/{member}/authenticator", caller.org)
}

impl Identity {
    /// Begins to add an authenticator app. Nothing is kept until its first code is right.
    pub async fn begin_app(&self, caller: &Caller) -> Result<AppSetUp, Error> {
        let (id, _) = own_session(caller)?;
        self.may_add(caller, id).await?;
        let secret = seal::random::<SECRET_LEN>()?;
        let state = URL_SAFE_NO_PAD.encode(secret);
        let ceremony = self.begin_ceremony(caller.region, For::App(caller, id), state)?;
        self.app_set_up(caller, &secret, ceremony).await
    }

    /// What is shown again of a set-up that is under way: its first code was wrong.
    pub(crate) async fn app_under_way(
        &self,
        caller: &Caller,
        ceremony: &str,
    ) -> Result<AppSetUp, Error> {
        let (id, _) = own_session(caller)?;
        let open = self.open_ceremony::<String>(For::App(caller, id), ceremony)?;
        let secret = URL_SAFE_NO_PAD.decode(open.state).map_err(|_| Error::Ceremony)?;
        self.app_set_up(caller, &secret, ceremony.to_owned()).await
    }

    async fn app_set_up(
        &self,
        caller: &Caller,
        secret: &[u8],
        ceremony: String,
    ) -> Result<AppSetUp, Error> {
        let viewer = self.viewer(caller).await?;
        let account = viewer.email.as_deref().unwrap_or(&viewer.name);
        let totp = totp(secret, &format!("{account} ({})", viewer.org_slug))?;
        let url = totp.to_url();
        let url = url.map_err(|cause| Error::Machine(std::io::Error::other(cause.to_string())))?;
        let secret = Secret::new(totp.secret().to_base32());
        Ok(AppSetUp { ceremony, secret, url: Secret::new(url) })
    }

    /// Adds the app, now that its first code is right.
    pub async fn add_app(&self, caller: &Caller, confirm: &ConfirmApp) -> Result<(), Error> {
        let (id, _) = own_session(caller)?;
        let open = self.open_ceremony(For::App(caller, id), &confirm.ceremony)?;
        let (state, over): (String, _) = open.over();
        let secret = URL_SAFE_NO_PAD.decode(state).map_err(|_| Error::Ceremony)?;
        let at = self.now();
        let guard = self.guess(caller, id)?;
        let Some(step) = step_of(&secret, &confirm.code, at.as_second())? else {
            return Err(Error::WrongCode);
        };
        guard.was_right();
        let macs = self.macs_of(caller).ok_or(Error::WrongRegion(caller.region))?;
        let sealed = macs.factor.seal(&purpose(caller, id), &secret);
        let sealed = sealed.map_err(|cause| DbError::unreadable("secret", cause))?;
        let mut work = self.begin(&caller.itself()).await?;
        work.add_factor(caller, id, at).await?;
        over.write(&mut work.change, at).await?;
        let args = args![id.as_str(), sealed.as_slice(), step, at];
        let added = work.change.run(sql::AUTHENTICATOR_ADD, args).await;
        added.map_err(|error| exists(error, "authenticator app"))?;
        let event = Event::done("identity.factor.added", "member", id.as_str());
        self.commit(work, event.changes(json!({"kind": {"to": "app"}}))).await?;
        self.tell(caller, id, Notice::Added("an authenticator app")).await;
        Ok(())
    }

    /// Removes the caller's own authenticator app.
    pub async fn remove_app(&self, caller: &Caller) -> Result<(), Error> {
        let (id, _) = own_session(caller)?;
        caller.recent_factor()?;
        let mut work = self.begin(&caller.itself()).await?;
        if work.change.run(sql::AUTHENTICATOR_DROP, args![id.as_str()]).await? == 0 {
            return Err(Error::NotFound);
        }
        work.removed_factor(caller, id).await?;
        let event = Event::done("identity.factor.removed", "member", id.as_str());
        self.commit(work, event.changes(json!({"kind": {"from": "app"}}))).await?;
        self.tell(caller, id, Notice::Removed("an authenticator app")).await;
        Ok(())
    }

    /// The step that a code of the member's app is right for; none: it is wrong.
    pub(super) async fn app_step(
        &self,
        caller: &Caller,
        id: &MemberId,
        code: &Secret,
    ) -> Result<Option<i64>, Error> {
        let scope = caller.itself();
        let db = self.0.databases.of(&scope)?;
        let row = db.maybe(sql::AUTHENTICATOR_ONE, args![id.as_str()]).await?;
        let Some(row) = row else { return Ok(None) };
        let macs = self.macs_of(caller).ok_or(Error::WrongRegion(caller.region))?;
        let secret = macs.factor.open(&purpose(caller, id), &row.bytes("secret")?);
        let secret = secret.map_err(|cause| DbError::unreadable("secret", cause))?;
        step_of(&secret, code, self.now().as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 6238, appendix B, in six digits.
    #[test]
    fn codes_are_those_of_the_standard_one_step_early_or_late() {
        let secret = b"12345678901234567890";
        for (secs, code) in
            [(1_111_111_109, "081 804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let code = Secret::new(code.to_owned());
            let right = |at: i64| step_of(secret, &code, at).unwrap();
            assert_eq!(right(secs), Some(secs / 30));
            assert_eq!((right(secs - 30), right(secs + 30)), (Some(secs / 30), Some(secs / 30)));
            assert_eq!((right(secs - 60), right(secs + 60)), (None, None));
        }
        for nonsense in ["", "28708", "2870823", "28708２", "abcdef"] {
            assert_eq!(step_of(secret, &Secret::new(nonsense.to_owned()), 59).unwrap(), None);
        }
    }
}
