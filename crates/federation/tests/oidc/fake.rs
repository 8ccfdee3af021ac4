//! A provider that says what a test wants it to say.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use base::fetch::{Fetch, FetchConfig};
use base::secret::Secret;
use base::tasks::Tasks;
use base::time::At;
use federation::oidc::{
    Client, IdToken, Pending, Provider, Refusal, Registration, RelyingParty, Returned, Wish, begin,
};
use serde_json::{Value, json};

use crate::signer::Signer;

/// Tells now; tests move it by adding.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn at(secs: i64) -> At {
    At::from_second(secs).expect("an instant")
}

/// What it says, and what it was asked.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) discovery: Value,
    pub(crate) keys: Value,
    pub(crate) tokens: Value,
    pub(crate) token_status: u16,
    pub(crate) userinfo: Value,
    /// Everything is answered with 503.
    pub(crate) down: bool,
    /// How often each path was asked.
    pub(crate) asked: Vec<String>,
    pub(crate) authorization: String,
    pub(crate) form: String,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) issuer: String,
    said: Arc<Mutex<Said>>,
    pub(crate) party: RelyingParty,
}

impl Fake {
    /// Listens, and publishes the key of `signer`.
    pub(crate) async fn listening(signer: &Signer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let said = Said { token_status: 200, ..Said::default() };
        let config =
            FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
        let party = RelyingParty::new(Fetch::new(config).expect("a client"));
        let fake = Self { issuer, said: Arc::new(Mutex::new(said)), party };
        fake.said().discovery = fake.description();
        fake.said().keys = json!({ "keys": [signer.jwk()] });
        let router = Router::new().fallback(answer).with_state(fake.clone());
        Tasks::new().spawn(async move { drop(axum::serve(listener, router).await) });
        fake
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nobody panicked")
    }

    pub(crate) fn description(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/auth"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"),
            "userinfo_endpoint": at("/me"),
            "end_session_endpoint": at("/leave?a=b"),
            "response_types_supported": ["code", "id_token"],
            "id_token_signing_alg_values_supported": [
                "none", "HS256", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
                "ES256", "ES384", "ES512", "EdDSA"
            ],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "backchannel_logout_supported": true,
        })
    }

    pub(crate) async fn provider(&self) -> Provider {
        self.party.discover(&self.issuer).await.expect("described")
    }

    /// How often a path was asked.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.said().asked.iter().filter(|asked| *asked == path).count()
    }

    /// A sign-in that has begun with it.
    pub(crate) async fn begun(&self) -> Begun {
        let provider = self.provider().await;
        let client = client();
        let started = begin(&provider, &client, &Wish::default()).expect("begun");
        Begun { fake: self.clone(), provider, client, pending: started.pending, url: started.url }
    }
}

pub(crate) fn client() -> Client {
    Client {
        client_id: "portico & co".to_owned(),
        client_secret: Secret::new("s3cret:+/%é".to_owned()),
        redirect_uri: "https://portico.example.com/back".to_owned(),
    }
}

/// A browser that is away at the provider.
pub(crate) struct Begun {
    pub(crate) fake: Fake,
    pub(crate) provider: Provider,
    pub(crate) client: Client,
    pub(crate) pending: Pending,
    pub(crate) url: String,
}

impl Begun {
    pub(crate) fn on<'a>(&'a self, wanted: &'a [String]) -> Registration<'a> {
        let (provider, client) = (&self.provider, &self.client);
        Registration { provider, client, clock_skew_secs: 60, claims_wanted: wanted }
    }

    /// Claims that are accepted.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.fake.issuer,
            "sub": "user-1",
            "aud": self.client.client_id,
            "iat": NOW,
            "exp": NOW + 300,
            "nonce": self.pending.nonce.reveal(),
            "sid": "session-1",
            "email": "ada@example.com",
        })
    }

    pub(crate) fn returned(&self) -> Returned {
        Returned {
            state: Some(self.pending.state.reveal().to_owned()),
            code: Some("the code".to_owned()),
            ..Returned::default()
        }
    }

    /// It comes back, and the provider gives this token for the code.
    pub(crate) async fn ends_with(&self, token: &str) -> Result<IdToken, Refusal> {
        self.fake.said().tokens =
            json!({ "id_token": token, "access_token": "access", "token_type": "Bearer" });
        let party = &self.fake.party;
        party.finish(&self.on(&[]), &self.pending, &self.returned(), at(NOW)).await
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let authorization = authorization.unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    let mut said = fake.said();
    said.asked.push(path.clone());
    if said.down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (status, value) = match path.as_str() {
        "/keys" => (200, said.keys.clone()),
        "/token" => {
            said.form = String::from_utf8(body.to_vec()).expect("text");
            said.authorization = authorization;
            (said.token_status, said.tokens.clone())
        }
        "/me" => {
            said.authorization = authorization;
            (200, said.userinfo.clone())
        }
        _ if path.ends_with("/.well-known/openid-configuration") => (200, said.discovery.clone()),
        _ => (404, Value::Null),
    };
    (StatusCode::from_u16(status).expect("a status"), value.to_string()).into_response()
}
