//! What a provider says of somebody who signed in.

use base::secret::Secret;
use base::time::At;
use serde_json::{Map, Value};

use crate::oidc::claims::Claims;
use crate::oidc::jose::Jws;
use crate::oidc::{KeySet, Refusal, Registration};

/// How old an ID token may be when it comes: it is fetched, never kept.
const AGE_SECS_MAX: i64 = 600;
/// Texts of one claim that are given out at most: groups, above all.
const VALUES_MAX: usize = 2_048;

/// Somebody signed in at the provider.
#[derive(Debug, Clone)]
pub struct IdToken {
    /// The provider.
    pub issuer: String,
    /// Who it is, there: unique and never given to another.
    pub subject: String,
    /// The session there, which a logout may name.
    pub sid: Option<String>,
    /// When they proved who they are.
    pub auth_time: Option<At>,
    /// When the token was made.
    pub issued_at: At,
    /// When it ends.
    pub expires_at: At,
    /// Everything that was said, also by the userinfo endpoint where it was needed.
    pub claims: Map<String, Value>,
    /// The token itself: a hint for leaving.
    pub token: Secret,
}

/// What our own request must find again in the token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The nonce that went out.
    pub nonce: &'a str,
    /// How long ago they may have proved who they are, if that was asked for.
    pub max_age_secs: Option<u32>,
}

/// Checks an ID token (`OpenID` Connect Core 1.0, 3.1.3.7).
pub fn verify_id_token(
    token: &str,
    keys: &KeySet,
    on: &Registration<'_>,
    expected: &Expected<'_>,
    now: At,
) -> Result<IdToken, Refusal> {
    let map = Jws::read(token)?.verified(&["jwt"], on.provider, keys)?;
    let claims = Claims(&map);
    let (issued_at, expires_at) = claims.check(on, now)?;
    let skew = on.skew_secs();
    let old = now.as_second().saturating_sub(issued_at.as_second());
    if old > AGE_SECS_MAX.saturating_add(skew) {
        return Err(Refusal::TooOld);
    }
    // A logout token is signed by the same keys for the same audience.
    if map.contains_key("events") {
        return Err(Refusal::WrongType);
    }
    match map.get("nonce") {
        None => return Err(Refusal::ClaimMissing("nonce")),
        Some(Value::String(nonce))
            if base::seal::equal(nonce.as_bytes(), expected.nonce.as_bytes()) => {}
        Some(_) => return Err(Refusal::NonceWrong),
    }
    let auth_time = claims.instant("auth_time")?;
    if let Some(max) = expected.max_age_secs {
        let proved = auth_time.ok_or(Refusal::ClaimMissing("auth_time"))?.as_second();
        if now.as_second().saturating_sub(proved) > i64::from(max).saturating_add(skew) {
            return Err(Refusal::AuthenticatedTooLongAgo);
        }
    }
    Ok(IdToken {
        issuer: on.provider.issuer.clone(),
        subject: claims.required_id("sub")?.to_owned(),
        sid: claims.id("sid")?.map(str::to_owned),
        auth_time,
        issued_at,
        expires_at,
        token: Secret::new(token.to_owned()),
        claims: map,
    })
}

impl IdToken {
    /// The texts of a claim: one, several, or none. A name is looked for as it is
    /// (`https://example.com/roles`) and then as a path (`realm_access.roles`).
    pub fn values(&self, name: &str) -> Vec<String> {
        let whole = self.claims.get(name);
        let found = whole.or_else(|| {
            let mut steps = name.split('.');
            let first = self.claims.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.get(step))
        });
        match found {
            Some(Value::Array(items)) => {
                items.iter().filter_map(as_text).take(VALUES_MAX).collect()
            }
            Some(one) => as_text(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Whether the provider left the claim out because it is too long for a token, as Entra
    /// does with the groups of whoever is in more than two hundred. Then its absence says
    /// nothing.
    pub fn left_out(&self, name: &str) -> bool {
        let elsewhere = self.claims.get("_claim_names");
        elsewhere.and_then(|elsewhere| elsewhere.get(name)).is_some()
            || (name == "groups" && self.claims.contains_key("hasgroups"))
    }

    pub(crate) fn lacks(&self, name: &str) -> bool {
        self.values(name).is_empty()
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
