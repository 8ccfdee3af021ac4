//! What every token of a provider must say.

use base::time::At;
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::oidc::{Refusal, Registration};

/// Bytes of a subject, a session or an id of a token at most (`OpenID` Connect Core, 2).
const ID_BYTES_MAX: usize = 255;
/// Audiences of a token at most.
const AUDIENCES_MAX: usize = 16;

/// The claims of a token whose signature holds.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    /// A text that names somebody or something, if it is there.
    pub(crate) fn id(self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if !id.is_empty() && id.len() <= ID_BYTES_MAX => Ok(Some(id)),
            Some(_) => Err(Refusal::ClaimMalformed(name)),
        }
    }

    pub(crate) fn required_id(self, name: &'static str) -> Result<&'a str, Refusal> {
        self.id(name)?.ok_or(Refusal::ClaimMissing(name))
    }

    /// An instant, if it is there. It may have fractions (RFC 7519, 2).
    pub(crate) fn instant(self, name: &'static str) -> Result<Option<At>, Refusal> {
        let malformed = || Refusal::ClaimMalformed(name);
        let secs = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(secs), _) => secs,
                (None, Some(secs)) => {
                    SignedDuration::try_from_secs_f64(secs).map_err(|_| malformed())?.as_secs()
                }
                (None, None) => return Err(malformed()),
            },
            Some(_) => return Err(malformed()),
        };
        At::from_second(secs).map(Some).map_err(|_| malformed())
    }

    pub(crate) fn required_instant(self, name: &'static str) -> Result<At, Refusal> {
        self.instant(name)?.ok_or(Refusal::ClaimMissing(name))
    }

    /// The token is of this provider, for us and for nobody else, and of now. Gives when it
    /// was issued and when it ends.
    pub(crate) fn check(self, on: &Registration<'_>, now: At) -> Result<(At, At), Refusal> {
        match self.0.get("iss") {
            Some(Value::String(issuer)) if on.provider.is_called(issuer) => {}
            Some(_) => return Err(Refusal::IssuerWrong),
            None => return Err(Refusal::ClaimMissing("iss")),
        }
        self.check_audience(&on.client.client_id)?;
        let skew = on.skew_secs();
        let now = now.as_second();
        let (issued, ends) = (self.required_instant("iat")?, self.required_instant("exp")?);
        if ends.as_second().saturating_add(skew) <= now {
            return Err(Refusal::Expired);
        }
        if issued.as_second() > now.saturating_add(skew) {
            return Err(Refusal::IssuedInFuture);
        }
        if let Some(begins) = self.instant("nbf")?
            && begins.as_second() > now.saturating_add(skew)
        {
            return Err(Refusal::NotYetValid);
        }
        Ok((issued, ends))
    }

    fn check_audience(self, client_id: &str) -> Result<(), Refusal> {
        let ours = match self.0.get("aud") {
            None => return Err(Refusal::ClaimMissing("aud")),
            Some(Value::String(one)) => one == client_id,
            Some(Value::Array(many)) if many.len() <= AUDIENCES_MAX => {
                let shared = many.len() > 1;
                // A token for several must say for whom it was made.
                if shared && !self.0.contains_key("azp") {
                    return Err(Refusal::AuthorizedPartyWrong);
                }
                many.iter().all(Value::is_string) && many.iter().any(|one| one == client_id)
            }
            Some(_) => false,
        };
        if !ours {
            return Err(Refusal::AudienceWrong);
        }
        match self.0.get("azp") {
            None => Ok(()),
            Some(party) if party == client_id => Ok(()),
            Some(_) => Err(Refusal::AuthorizedPartyWrong),
        }
    }
}
