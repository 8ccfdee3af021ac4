//! Where models are reached.

mod breaker;
mod client;
mod metrics;
mod slots;
mod trial;
mod vitals;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use access::Region;
use base::secret::Secret;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use self::breaker::Breaker;
pub(crate) use self::breaker::Health;
pub(crate) use self::client::{Client, Failed, Sent};
pub(crate) use self::metrics::register;
pub(crate) use self::slots::{NoSlot, Slot, Slots};
pub(crate) use self::trial::Trial;
pub(crate) use self::vitals::{Enter, Judge, Vitals};
use crate::catalogue::{CeilingName, Does, EndpointConfig, Extra, Secrets, Speaks};

/// Calls that wait for a slot, unless the operator says otherwise.
const WAITING_MAX: u32 = 256;
/// How long they wait, unless the operator says otherwise.
const WAIT_MAX_MS: u64 = 10_000;

/// One endpoint, with its connections and its health.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) provider: Arc<str>,
    pub(crate) region: Region,
    pub(crate) speaks: Speaks,
    pub(crate) ceiling_name: CeilingName,
    pub(crate) first_token_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) breaker: Breaker,
    /// Tries under way.
    pub(crate) load: AtomicU32,
    pub(crate) slots: Slots,
    pub(crate) client: Client,
    config: EndpointConfig,
    key: Option<Secret>,
}

impl Endpoint {
    /// Compiles an endpoint, or says which key is wrong, and how.
    pub(crate) fn compile(
        name: &str,
        config: &EndpointConfig,
        secrets: &dyn Secrets,
    ) -> Result<Self, (&'static str, String)> {
        let key = match (&config.key_env, &config.key_file) {
            (Some(_), Some(_)) => {
                return Err(("key_env", "give `key_env` or `key_file`, not both".to_owned()));
            }
            (Some(env), None) if !env.starts_with("PORTICO_") => {
                return Err(("key_env", format!("`{env}` must begin with `PORTICO_`")));
            }
            (Some(env), None) => Some(secrets.env(env).map_err(|fault| ("key_env", fault))?),
            (None, Some(file)) => Some(secrets.file(file).map_err(|fault| ("key_file", fault))?),
            (None, None) => None,
        };
        let timeouts = [
            ("connect_timeout_ms", config.connect_timeout_ms),
            ("first_token_timeout_ms", config.first_token_timeout_ms),
            ("idle_timeout_ms", config.idle_timeout_ms),
            ("breaker_open_ms", config.breaker_open_ms),
        ];
        for (key, ms) in timeouts {
            if !(1..=3_600_000).contains(&ms) {
                return Err((key, "must be 1 to 3600000 (one hour)".to_owned()));
            }
        }
        let slots = slots(config)?;
        let base: Uri = config
            .base_url
            .trim_end_matches('/')
            .parse()
            .map_err(|error| ("base_url", format!("not a URL: {error}")))?;
        if !matches!(base.scheme_str(), Some("http" | "https")) || base.host().is_none() {
            return Err(("base_url", "must begin with `https://` or `http://`".to_owned()));
        }
        let connect_timeout = Duration::from_millis(config.connect_timeout_ms);
        let headers = auth_headers(config.speaks, key.as_ref())
            .map_err(|_| ("key_env", "the key cannot stand in a header".to_owned()))?;
        let client =
            Client::new(&base, headers, connect_timeout).map_err(|fault| ("base_url", fault))?;
        Ok(Self {
            name: name.to_owned(),
            provider: config.provider.as_deref().unwrap_or(name).into(),
            region: config.region,
            speaks: config.speaks,
            ceiling_name: config.ceiling_name,
            first_token_timeout: Duration::from_millis(config.first_token_timeout_ms),
            idle_timeout: Duration::from_millis(config.idle_timeout_ms),
            breaker: Breaker::new(
                config.breaker_failures,
                config.breaker_open_ms.try_into().unwrap_or(i64::MAX),
            ),
            load: AtomicU32::new(0),
            slots,
            client,
            config: config.clone(),
            key,
        })
    }

    /// Whether nothing about it has changed.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let key = |endpoint: &Self| endpoint.key.as_ref().map(|key| key.reveal().to_owned());
        let config = |endpoint: &Self| serde_json::to_string(&endpoint.config).ok();
        config(self) == config(other) && key(self) == key(other)
    }

    /// Whether its operator allows this.
    pub(crate) fn allows(&self, extra: Extra) -> bool {
        self.config.allowed_fields.contains(&extra)
    }

    /// Where a call of this kind goes, behind the base URL.
    pub(crate) fn path(&self, does: Does) -> PathAndQuery {
        PathAndQuery::from_static(match (self.speaks, does) {
            (Speaks::Openai, Does::Chat) => "/chat/completions",
            (Speaks::Openai, Does::Embeddings) => "/embeddings",
            (Speaks::Anthropic, _) => "/messages",
        })
    }
}

fn slots(config: &EndpointConfig) -> Result<Slots, (&'static str, String)> {
    if config.concurrency_max.is_some_and(|max| !(1..=100_000).contains(&max)) {
        return Err(("concurrency_max", "must be 1 to 100000".to_owned()));
    }
    if config.queue_max.is_some_and(|max| max > 10_000) {
        return Err(("queue_max", "must be 0 (nobody waits) to 10000".to_owned()));
    }
    if config.queue_wait_max_ms.is_some_and(|ms| !(1..=600_000).contains(&ms)) {
        return Err(("queue_wait_max_ms", "must be 1 to 600000 (ten minutes)".to_owned()));
    }
    if config.concurrency_max.is_none() {
        let idle = [
            ("queue_max", config.queue_max.is_some()),
            ("queue_wait_max_ms", config.queue_wait_max_ms.is_some()),
        ];
        if let Some((key, _)) = idle.into_iter().find(|(_, given)| *given) {
            return Err((key, "says nothing without `concurrency_max`".to_owned()));
        }
    }
    let waiting_max = usize::try_from(config.queue_max.unwrap_or(WAITING_MAX)).unwrap_or(0);
    let wait_max = Duration::from_millis(config.queue_wait_max_ms.unwrap_or(WAIT_MAX_MS));
    Ok(Slots::new(config.concurrency_max, waiting_max, wait_max))
}

fn auth_headers(
    speaks: Speaks,
    key: Option<&Secret>,
) -> Result<http::HeaderMap, http::header::InvalidHeaderValue> {
    let mut headers = http::HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        HeaderValue::from_str(value).map(|mut value| {
            value.set_sensitive(true);
            headers.insert(name, value);
        })
    };
    match (speaks, key) {
        (Speaks::Openai, Some(key)) => put("authorization", &format!("Bearer {}", key.reveal()))?,
        (Speaks::Openai, None) => {}
        (Speaks::Anthropic, key) => {
            if let Some(key) = key {
                put("x-api-key", key.reveal())?;
            }
            put("anthropic-version", "2023-06-01")?;
        }
    }
    Ok(headers)
}
