//! A code becomes a token.

use base::fetch::{Fetch, Request};
use base::secret::Secret;
use http::StatusCode;
use http::header::ACCEPT;
use serde_json::{Map, Value};

use crate::oidc::{Client, ClientAuthentication, Provider, Refusal, json};

/// What the token endpoint gave.
pub(crate) struct Tokens {
    pub(crate) id_token: Secret,
    pub(crate) access_token: Option<Secret>,
}

/// Redeems a code, once.
pub(crate) async fn redeem(
    fetch: &Fetch,
    (provider, client): (&Provider, &Client),
    code: &str,
    verifier: &Secret,
) -> Result<Tokens, Refusal> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &client.redirect_uri),
        ("code_verifier", verifier.reveal()),
    ];
    let url = &provider.token_endpoint;
    let request = match provider.client_authentication {
        ClientAuthentication::Basic => {
            let (id, secret) =
                (encoded(&client.client_id)?, encoded(client.client_secret.reveal())?);
            Request::form(url, &fields).basic(&id, &Secret::new(secret))
        }
        ClientAuthentication::Post => {
            fields.push(("client_id", &client.client_id));
            fields.push(("client_secret", client.client_secret.reveal()));
            Request::form(url, &fields)
        }
    };
    let request = request.header(ACCEPT, "application/json");
    let answer = fetch.send(request).await.map_err(Refusal::ProviderUnreachable)?;
    let body = json::object(&answer.body);
    if answer.status != StatusCode::OK {
        return Err(refused(answer.status, &body.unwrap_or_default()));
    }
    let body = body.map_err(|_| Refusal::TokenAnswerMalformed)?;
    let secret = |name: &str| {
        let text = body.get(name).and_then(Value::as_str);
        text.map(|text| Secret::new(text.to_owned()))
    };
    let id_token = secret("id_token").ok_or(Refusal::IdTokenMissing)?;
    Ok(Tokens { id_token, access_token: secret("access_token") })
}

/// Id and secret are encoded as in a form before they become a name and a password
/// (RFC 6749, 2.3.1).
fn encoded(text: &str) -> Result<String, Refusal> {
    let pair = serde_html_form::to_string([("", text)]).map_err(|_| Refusal::Internal)?;
    Ok(pair.trim_start_matches('=').to_owned())
}

/// Its words are left out: they may name somebody. Entra's number is worth a search.
fn refused(status: StatusCode, body: &Map<String, Value>) -> Refusal {
    let error = body.get("error").and_then(Value::as_str).unwrap_or_default();
    let codes = body.get("error_codes").and_then(Value::as_array);
    let number = codes.and_then(|codes| codes.first()).and_then(Value::as_u64);
    Refusal::token_refused(status.as_u16(), error, number)
}
