//! An `OpenID` provider that a test makes, on this machine.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base::tasks::Tasks;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The client that it knows.
pub(crate) const CLIENT: &str = "portico";

#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) issuer: String,
    said: Arc<Mutex<Said>>,
    key: Arc<EcdsaKeyPair>,
}

/// What it says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What it gives for a code.
    pub(crate) id_token: String,
    /// What is at `/metadata`, for providers of the other kind.
    pub(crate) metadata: String,
    /// Everything is answered with 503.
    pub(crate) down: bool,
}

impl Op {
    pub(crate) async fn listening() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let op = Self { issuer, said: Arc::default(), key: Arc::new(key) };
        let router = Router::new().fallback(answer).with_state(op.clone());
        Tasks::new().spawn(async move { drop(axum::serve(listener, router).await) });
        op
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nobody panicked")
    }

    fn keys(&self) -> Value {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
            "x": encoded(x), "y": encoded(y),
        }] })
    }

    fn description(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/auth"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"),
            "end_session_endpoint": at("/leave"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "backchannel_logout_supported": true,
        })
    }

    /// A signed token.
    pub(crate) fn token(&self, typ: &str, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": typ });
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("signed");
        format!("{signed}.{}", encoded(signature))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

async fn answer(State(op): State<Op>, uri: Uri) -> Response {
    let said = op.said();
    if said.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match uri.path() {
        "/.well-known/openid-configuration" => op.description().to_string().into_response(),
        "/keys" => op.keys().to_string().into_response(),
        "/token" => json!({
            "id_token": said.id_token, "access_token": "access", "token_type": "Bearer",
        })
        .to_string()
        .into_response(),
        "/metadata" => said.metadata.clone().into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
