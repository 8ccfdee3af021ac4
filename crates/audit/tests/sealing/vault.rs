//! A transit engine as its documentation describes it: real sealing, versions of a key, and
//! the rules of `config` and `trim`. Whatever else it does, it was told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base::seal::RootKey;
use base::tasks::Tasks;
use base::testing::StillClock;
use base::time::Clock as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Sealed,
    Silent,
    Garbage,
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    versions: BTreeMap<u64, (i64, RootKey)>,
    pub(crate) min_decryption: u64,
    min_encryption: u64,
    pub(crate) min_available: u64,
    /// Fields of the key that are not as they are made.
    pub(crate) odd: Vec<(&'static str, Value)>,
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) key: Key,
    pub(crate) token: String,
    pub(crate) mood: Mood,
    /// What was asked, as `encrypt`, `keys`, `keys/rotate`.
    pub(crate) asked: Vec<String>,
    pub(crate) namespaces: Vec<String>,
    /// Whether `trim` is allowed by the policy of the token.
    pub(crate) may_trim: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Vault {
    pub(crate) address: String,
    clock: StillClock,
    said: Arc<Mutex<Said>>,
}

impl Key {
    fn new(now: i64) -> Self {
        let first = RootKey::fresh().expect("randomness");
        Self {
            versions: BTreeMap::from([(1, (now, first))]),
            min_decryption: 1,
            min_encryption: 0,
            min_available: 0,
            odd: Vec::new(),
        }
    }

    pub(crate) fn latest(&self) -> u64 {
        *self.versions.last_key_value().expect("a version").0
    }

    /// Versions whose bytes exist.
    pub(crate) fn existing(&self) -> Vec<u64> {
        self.versions.keys().copied().collect()
    }

    fn state(&self) -> Value {
        let open = self.versions.range(self.min_decryption..);
        let keys: BTreeMap<String, i64> = open.map(|(n, (at, _))| (n.to_string(), *at)).collect();
        let mut state = json!({
            "name": "portico-eu", "type": "aes256-gcm96", "derived": false, "exportable": false,
            "allow_plaintext_backup": false, "latest_version": self.latest(), "keys": keys,
            "min_decryption_version": self.min_decryption,
            "min_encryption_version": self.min_encryption,
            "min_available_version": self.min_available, "supports_encryption": true,
        });
        for (field, value) in &self.odd {
            state[*field] = value.clone();
        }
        json!({ "data": state })
    }

    fn encrypt(&self, body: &Value) -> Result<Value, &'static str> {
        let (version, (_, key)) = self.versions.last_key_value().expect("a version");
        let plain = BASE64_STANDARD.decode(body["plaintext"].as_str().expect("base64"));
        let plain = plain.map_err(|_| "failed to base64-decode plaintext")?;
        let sealed = key.sealer("vault").expect("a key").seal(aad(body), &plain).expect("seals");
        let ciphertext = format!("vault:v{version}:{}", BASE64_STANDARD.encode(sealed));
        Ok(json!({ "data": { "ciphertext": ciphertext, "key_version": version } }))
    }

    fn decrypt(&self, body: &Value) -> Result<Value, &'static str> {
        let text = body["ciphertext"].as_str().expect("text");
        let text = text.strip_prefix("vault:v").ok_or("invalid ciphertext: no prefix")?;
        let (version, sealed) = text.split_once(':').ok_or("invalid ciphertext")?;
        let version: u64 = version.parse().map_err(|_| "invalid ciphertext: bad version")?;
        if version < self.min_decryption {
            return Err("ciphertext or signature version is disallowed by policy (too old)");
        }
        let (_, key) =
            self.versions.get(&version).ok_or("invalid ciphertext: version is too new")?;
        let sealed = BASE64_STANDARD.decode(sealed).map_err(|_| "invalid ciphertext")?;
        let plain = key.sealer("vault").expect("a key").open(aad(body), &sealed);
        let plain = plain.map_err(|_| "cipher: message authentication failed")?;
        Ok(json!({ "data": { "plaintext": BASE64_STANDARD.encode(plain) } }))
    }

    fn config(&mut self, body: &Value) -> Result<(), &'static str> {
        let of = |name: &str, now: u64| body.get(name).and_then(Value::as_u64).unwrap_or(now);
        let decryption = of("min_decryption_version", self.min_decryption);
        let encryption = of("min_encryption_version", self.min_encryption);
        if decryption > self.latest() || encryption > self.latest() {
            return Err("cannot set min version above the latest");
        }
        if encryption > 0 && encryption < decryption {
            return Err("min encryption version must be greater than or equal to min decryption");
        }
        if decryption < self.min_available {
            return Err("min decryption version should not be less than min available version");
        }
        (self.min_decryption, self.min_encryption) = (decryption, encryption);
        Ok(())
    }

    fn trim(&mut self, body: &Value) -> Result<(), &'static str> {
        let to = body["min_available_version"].as_u64().ok_or("missing min_available_version")?;
        if to < self.min_available || to == 0 {
            return Err("minimum available version cannot be decremented");
        }
        if self.min_encryption == 0 || self.min_decryption == 0 {
            return Err("cannot be set when minimum encryption version is not set");
        }
        if to > self.min_encryption || to > self.min_decryption {
            return Err("cannot be greater than minimum encryption or decryption version");
        }
        self.min_available = to;
        self.versions.retain(|version, _| *version >= to);
        Ok(())
    }
}

impl Vault {
    pub(crate) async fn listening(clock: &StillClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let said = Said {
            key: Key::new(clock.now().as_second()),
            token: "hvs.first".to_owned(),
            mood: Mood::Well,
            asked: Vec::new(),
            namespaces: Vec::new(),
            may_trim: true,
        };
        let vault = Self { address, clock: clock.clone(), said: Arc::new(Mutex::new(said)) };
        let router = Router::new().fallback(answer).with_state(vault.clone());
        Tasks::new().spawn(async move { drop(axum::serve(listener, router).await) });
        vault
    }

    pub(crate) fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nobody panicked")
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.said().mood = mood;
    }

    /// How often it was asked this.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.said().asked.iter().filter(|asked| *asked == what).count()
    }
}

/// What is authenticated beside the plaintext.
fn aad(body: &Value) -> &str {
    body["associated_data"].as_str().unwrap_or_default()
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, axum::Json(json!({ "errors": [why] }))).into_response()
}

async fn answer(
    State(vault): State<Vault>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if vault.said().mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let mut said = vault.said();
    said.namespaces.push(header("x-vault-namespace").to_owned());
    match said.mood {
        Mood::Sealed => return refuse(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed"),
        Mood::Garbage => return (StatusCode::OK, "<html>a proxy's page</html>").into_response(),
        Mood::Well | Mood::Silent => {}
    }
    if header("authorization") != format!("Bearer {}", said.token) {
        return refuse(StatusCode::FORBIDDEN, "permission denied");
    }
    let Some(path) = uri.path().strip_prefix("/v1/transit/") else {
        return refuse(StatusCode::NOT_FOUND, "no handler for route");
    };
    let parts: Vec<&str> = path.split('/').collect();
    let (verb, of) = match parts[..] {
        [verb, "portico-eu"] => (verb.to_owned(), method),
        ["keys", "portico-eu", verb] => (format!("keys/{verb}"), method),
        _ => return refuse(StatusCode::NOT_FOUND, ""),
    };
    said.asked.push(verb.clone());
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let now = vault.clock.now().as_second();
    let done = match (of, verb.as_str()) {
        (Method::GET, "keys") => Ok(said.key.state()),
        (Method::POST, "encrypt") => said.key.encrypt(&body),
        (Method::POST, "decrypt") => said.key.decrypt(&body),
        (Method::POST, "keys/rotate") => {
            let next = said.key.latest() + 1;
            said.key.versions.insert(next, (now, RootKey::fresh().expect("randomness")));
            Ok(said.key.state())
        }
        (Method::POST, "keys/config") => match said.key.config(&body) {
            // Some versions of it answer with nothing.
            Ok(()) => return StatusCode::NO_CONTENT.into_response(),
            Err(why) => Err(why),
        },
        (Method::POST, "keys/trim") if !said.may_trim => {
            return refuse(StatusCode::FORBIDDEN, "permission denied");
        }
        (Method::POST, "keys/trim") => said.key.trim(&body).map(|()| said.key.state()),
        _ => return refuse(StatusCode::METHOD_NOT_ALLOWED, "unsupported operation"),
    };
    match done {
        Ok(done) => axum::Json(done).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}
