//! What a provider says when somebody has left there (Back-Channel Logout 1.0).

use base::time::At;
use jiff::SignedDuration;
use serde_json::Value;

use crate::oidc::claims::Claims;
use crate::oidc::jose::Jws;
use crate::oidc::{KeySet, Refusal, Registration};

/// The event that makes a token one of logout.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old a logout token may be when it comes.
const AGE_SECS_MAX: i64 = 600;

/// Somebody's session at the provider has ended, or all of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// Who left.
    pub subject: Option<String>,
    /// Which of their sessions ended; none: all of them.
    pub sid: Option<String>,
    /// Names the token. The caller accepts it once.
    pub jti: String,
    /// When it was made.
    pub issued_at: At,
    /// The token is refused from then on, so its `jti` may be forgotten.
    pub replay_until: At,
}

/// Checks a logout token (section 2.6). Whether its `jti` was seen before is the caller's to
/// know.
pub fn verify_logout_token(
    token: &str,
    keys: &KeySet,
    on: &Registration<'_>,
    now: At,
) -> Result<LogoutToken, Refusal> {
    // The type is recommended only; without it the event tells the two kinds apart.
    let map = Jws::read(token)?.verified(&["logout+jwt", "jwt"], on.provider, keys)?;
    let claims = Claims(&map);
    let (issued_at, _) = claims.check(on, now)?;
    let lasts = AGE_SECS_MAX.saturating_add(on.skew_secs());
    if now.as_second().saturating_sub(issued_at.as_second()) > lasts {
        return Err(Refusal::TooOld);
    }
    let event = map.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(Refusal::NotALogoutToken);
    }
    // So that it cannot be an ID token as well.
    if map.contains_key("nonce") {
        return Err(Refusal::NoncePresent);
    }
    let (subject, sid) = (claims.id("sub")?, claims.id("sid")?);
    if subject.is_none() && sid.is_none() {
        return Err(Refusal::NobodyNamed);
    }
    let until = issued_at.saturating_add(SignedDuration::from_secs(lasts.saturating_add(1)));
    Ok(LogoutToken {
        subject: subject.map(str::to_owned),
        sid: sid.map(str::to_owned),
        jti: claims.required_id("jti")?.to_owned(),
        issued_at,
        replay_until: until.unwrap_or(At::MAX),
    })
}
