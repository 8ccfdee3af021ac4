//! Asking for what the ID token does not say.

use base::fetch::{Fetch, Request};
use base::secret::Secret;
use http::StatusCode;
use http::header::ACCEPT;
use serde_json::Value;

use crate::oidc::{IdToken, Refusal, json};

/// Adds what the userinfo endpoint says to the token. What the token says already stays:
/// it was signed.
pub(crate) async fn complete(
    fetch: &Fetch,
    endpoint: &str,
    access_token: &Secret,
    token: &mut IdToken,
) -> Result<(), Refusal> {
    let request = Request::get(endpoint).bearer(access_token).header(ACCEPT, "application/json");
    let answer = fetch.send(request).await.map_err(Refusal::ProviderUnreachable)?;
    if answer.status != StatusCode::OK {
        return Err(Refusal::UserinfoStatus(answer.status.as_u16()));
    }
    let said = json::object(&answer.body).map_err(|_| Refusal::UserinfoMalformed)?;
    // Else somebody's access token would bring another's claims (Core, 5.3.2).
    if said.get("sub").and_then(Value::as_str) != Some(token.subject.as_str()) {
        return Err(Refusal::UserinfoOfAnother);
    }
    for (name, value) in said {
        token.claims.entry(name).or_insert(value);
    }
    Ok(())
}
