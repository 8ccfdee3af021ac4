//! A passkey that is shown: checked against what is stored, used up in a change.

use access::{MemberId, Scope};
use audit::Change;
use base::args;
use base::time::At;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey as Credential, PublicKeyCredential,
    RequestChallengeResponse, WebauthnError,
};

use super::ceremony::Over;
use crate::subject::PasskeyId;
use crate::{Error, Identity, sql};

/// A passkey that was shown rightly.
#[derive(Debug)]
pub(crate) struct Assertion {
    pub(super) id: PasskeyId,
    counters: (i64, i64),
    credential: String,
    over: Over,
}

/// Why a passkey was not accepted: for the record, and told to nobody else.
pub(super) type Wrong = &'static str;

impl Assertion {
    /// Ends the ceremony, and keeps the counter: it never goes back, and of two uses at
    /// once one is refused.
    pub(crate) async fn write(&self, change: &mut Change, now: At) -> Result<(), Error> {
        self.over.write(change, now).await?;
        let (before, after) = self.counters;
        let args = args![self.id.as_str(), before, after, &self.credential, now];
        if change.run(sql::PASSKEY_USED, args).await? == 1 { Ok(()) } else { Err(Error::Passkey) }
    }
}

/// What the browser hands to its authenticator. `allowed`, when given, are the only
/// credentials that will do.
pub(super) fn options(
    asked: RequestChallengeResponse,
    allowed: Option<Vec<String>>,
) -> Result<Value, Error> {
    let broken = |cause| Error::Machine(std::io::Error::other(cause));
    let mut options = serde_json::to_value(asked.public_key).map_err(broken)?;
    if let (Some(allowed), Some(options)) = (allowed, options.as_object_mut()) {
        let one = |id| json!({"type": "public-key", "id": id});
        options.insert("allowCredentials".into(), allowed.into_iter().map(one).collect());
    }
    Ok(options)
}

/// What an authenticator answered.
pub(super) fn answer(response: &Value) -> Result<PublicKeyCredential, Error> {
    serde_json::from_value(response.clone()).map_err(|_| Error::Passkey)
}

impl Identity {
    /// Checks what an authenticator answered, for this member.
    pub(super) async fn check(
        &self,
        scope: &Scope,
        member: &MemberId,
        shown: &PublicKeyCredential,
        (state, over): (DiscoverableAuthentication, Over),
    ) -> Result<Result<Assertion, Wrong>, Error> {
        let webauthn = self.0.relying_party.get()?;
        let id = URL_SAFE_NO_PAD.encode(shown.get_credential_id());
        let db = self.0.databases.of(scope)?;
        let Some(row) = db.maybe(sql::PASSKEY_BY_CREDENTIAL, args![&id]).await? else {
            return Ok(Err("unknown_passkey"));
        };
        if row.parse::<MemberId>("member_id")? != *member {
            return Ok(Err("passkey_of_another"));
        }
        let mut credential: Credential = row.json("credential")?;
        let checked = webauthn.finish_discoverable_authentication_v2(shown, state, &credential);
        let result = match checked {
            Ok(result) => result,
            Err(WebauthnError::CredentialPossibleCompromise) => return Ok(Err("counter_back")),
            Err(WebauthnError::InvalidRPOrigin) => return Ok(Err("wrong_origin")),
            Err(WebauthnError::UserNotVerified) => return Ok(Err("not_verified")),
            Err(WebauthnError::MismatchedChallenge) => return Ok(Err("wrong_challenge")),
            Err(_) => return Ok(Err("wrong_passkey")),
        };
        credential.update_credential(&result);
        let broken = |cause| Error::Machine(std::io::Error::other(cause));
        Ok(Ok(Assertion {
            id: row.parse("passkey_id")?,
            counters: (row.int("counter")?, result.counter().into()),
            credential: serde_json::to_string(&credential).map_err(broken)?,
            over,
        }))
    }
}
