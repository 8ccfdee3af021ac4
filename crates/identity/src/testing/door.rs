//! What the server does in front of every route.

use access::Origin;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::Identity;

/// Routes that nobody has to be known for.
const PUBLIC: [(&str, &str); 9] = [
    ("POST", "/api/session"),
    ("POST", "/api/invitations/accept"),
    ("POST", "/api/password/reset"),
    ("POST", "/api/session/passkey"),
    ("POST", "/api/session/passkey/begin"),
    ("", "/sign-in"),
    ("", "/join"),
    ("", "/reset"),
    ("", "/setup"),
];

/// Identifies whoever asks. The address that they ask from stands in `x-test-ip`.
pub(super) async fn door(
    State(identity): State<Identity>,
    mut request: Request,
    next: Next,
) -> Response {
    let ip = request.headers().get("x-test-ip").and_then(|ip| ip.to_str().ok()?.parse().ok());
    let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
    let user_agent = agent.map(str::to_owned);
    let origin = Origin { ip, user_agent, request_id: "req_1".to_owned(), trace_parent: None };
    if is_public(request.method().as_str(), request.uri().path()) {
        request.extensions_mut().insert(origin);
        return next.run(request).await;
    }
    match identity.identify(request.method(), request.headers(), origin).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => match refused.confined_to(request.uri().path()) {
            Some(confined) => {
                request.extensions_mut().insert(confined);
                next.run(request).await
            }
            None => refused.problem.into_response(),
        },
    }
}

fn is_public(method: &str, path: &str) -> bool {
    // Where an identity provider sends browsers: `/sso/HANDLE/…`.
    let provider = path.strip_prefix("/sso/").is_some_and(|rest| rest.contains('/'));
    let named = |(of, known): &(&str, &str)| *known == path && (of.is_empty() || *of == method);
    path == "/sso" || provider || PUBLIC.iter().any(named)
}
