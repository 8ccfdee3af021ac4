//! What the operator writes about endpoints and models.

use std::collections::BTreeMap;

use access::{DataClass, Region};
use base::money::NanoCents;
use serde::{Deserialize, Serialize};

use crate::wire::ask::IMAGE_TOKENS;

pub use crate::wire::ask::extra::Extra;
pub use crate::wire::ceiling::CeilingName;

/// `[gateway]`: where models are reached, and what callers may name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where models are reached, by a name of the operator's choice.
    pub endpoints: BTreeMap<String, EndpointConfig>,
    /// The model of patterns whose template names none.
    pub default_model: Option<String>,
    /// What callers name in `model`.
    pub models: BTreeMap<String, ModelConfig>,
}

/// The language an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaks {
    /// `OpenAI`'s chat completions and embeddings; bodies pass through untouched.
    Openai,
    /// Anthropic's Messages; translated both ways.
    Anthropic,
}

/// One place where models are reached.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// `openai` or `anthropic`.
    pub speaks: Speaks,
    /// Up to and with the version: `https://eu.api.openai.com/v1`.
    pub base_url: String,
    /// Where it processes what it is sent: `us`, `eu` or `apac`.
    pub region: Region,
    /// Who runs it, for the record: `openai`. The endpoint's name if not given.
    #[serde(default)]
    pub provider: Option<String>,
    /// The name of the environment variable that holds its key; must begin with `PORTICO_`.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The file that holds its key.
    #[serde(default)]
    pub key_file: Option<String>,
    /// What it calls the ceiling of an answer: `max_completion_tokens`, or `max_tokens` where it
    /// knows no other name. It is told by this name where money is limited.
    #[serde(default)]
    pub ceiling_name: CeilingName,
    /// Fields that change what a call costs or who processes it, and are sent there all the same.
    /// Prices know nothing of them.
    #[serde(default)]
    pub allowed_fields: Vec<Extra>,
    /// Longest wait for a connection.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Longest wait for the first byte of an answer, and from there for the last one of an answer
    /// that is not streamed.
    #[serde(default = "first_token_timeout_ms")]
    pub first_token_timeout_ms: u64,
    /// Longest silence inside an answer; in a stream, until the next whole event.
    #[serde(default = "idle_timeout_ms")]
    pub idle_timeout_ms: u64,
    /// Failures in a row after which the endpoint is left alone.
    #[serde(default = "breaker_failures")]
    pub breaker_failures: u32,
    /// How long it is left alone before one call tries again.
    #[serde(default = "breaker_open_ms")]
    pub breaker_open_ms: u64,
    /// Calls at once at most, of this node; any number if not given. Fewer while the endpoint
    /// answers 429 or 503.
    #[serde(default)]
    pub concurrency_max: Option<u32>,
    /// Calls that wait for their turn at most; 256 if not given.
    #[serde(default)]
    pub queue_max: Option<u32>,
    /// How long one of them waits; ten seconds if not given.
    #[serde(default)]
    pub queue_wait_max_ms: Option<u64>,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    /// Chat completions.
    #[default]
    Chat,
    /// Embeddings.
    Embeddings,
}

/// What callers name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// `chat` (the default) or `embeddings`.
    #[serde(default)]
    pub does: Does,
    /// The most tokens one answer can have; what is reserved when a caller sets no ceiling. Where
    /// money is limited, the provider is told it then.
    #[serde(default = "max_output_tokens")]
    pub max_output_tokens: u32,
    /// The most tokens it reads; what is held when a prompt names content by reference.
    #[serde(default = "context_tokens")]
    pub context_tokens: u32,
    /// The tokens that one image costs at most; what is held for each.
    #[serde(default = "image_tokens")]
    pub image_tokens: u32,
    /// Tries at most, over all routes.
    #[serde(default = "attempts_max")]
    pub attempts_max: u32,
    /// The highest class of data that it is approved for; anything if not given.
    #[serde(default)]
    pub data_class: Option<DataClass>,
    /// When an endpoint that does much worse than its peers is left out.
    #[serde(default)]
    pub ejection: EjectionConfig,
    /// A second endpoint is asked when the first one is late; never if not given.
    #[serde(default)]
    pub hedge: Option<HedgeConfig>,
    /// Where it is reached. Routes of the lowest `order` come first, by weight.
    pub routes: Vec<RouteConfig>,
    /// It costs nothing. A model without prices must say so: a budget could not hold else.
    #[serde(default)]
    pub free: bool,
    /// What it costs, from when. The first price also holds before its day.
    #[serde(default)]
    pub prices: Vec<PriceConfig>,
}

/// When an endpoint is left out. It is compared with the other endpoints of the same model and
/// region, over the last minute.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EjectionConfig {
    /// So much of a model's endpoints in a region is left out at most, and never all; 0: none is.
    pub share_max_percent: u32,
    /// It is left out when it fails in so many more of a hundred tries than the others do.
    pub failures_above_percent: u32,
    /// It is left out when half of its first tokens come so many times later than half of
    /// theirs, and a quarter of a second later at least; 0: never for that.
    pub slow_factor: u32,
    /// For how long; twice as long each time that it comes back and does no better, up to
    /// sixteen times.
    pub duration_ms: u64,
}

/// Asking a second endpoint of the region when the first one is late. The answer that begins
/// first is taken, and the other one is dropped.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HedgeConfig {
    /// How late is late; what 95 in a hundred calls of the last minute took if not given.
    pub after_ms: Option<u64>,
    /// Of a hundred calls, so many are asked twice at most; five if not given.
    pub budget_percent: Option<u32>,
}

/// One way to reach a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The name of an endpoint.
    pub endpoint: String,
    /// What the endpoint calls the model; the same name if not given.
    #[serde(default)]
    pub model: Option<String>,
    /// Share among the routes of the same order.
    #[serde(default = "weight")]
    pub weight: u32,
    /// Routes of a higher order are tried when those of a lower one have failed.
    #[serde(default)]
    pub order: u32,
}

/// A price, from a day on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceConfig {
    /// The first day (UTC) it holds: `2026-01-01`.
    pub from: jiff::civil::Date,
    /// For a million tokens read: `"2.50"`; at most five decimals.
    pub input_per_million: NanoCents,
    /// For a million tokens written.
    pub output_per_million: NanoCents,
    /// For a million tokens read from the provider's cache; as `input_per_million` if not given.
    #[serde(default)]
    pub cached_input_per_million: Option<NanoCents>,
}

impl Default for EjectionConfig {
    fn default() -> Self {
        Self {
            share_max_percent: 50,
            failures_above_percent: 20,
            slow_factor: 4,
            duration_ms: 30_000,
        }
    }
}

fn connect_timeout_ms() -> u64 {
    2_000
}
fn first_token_timeout_ms() -> u64 {
    60_000
}
fn idle_timeout_ms() -> u64 {
    30_000
}
fn breaker_failures() -> u32 {
    5
}
fn breaker_open_ms() -> u64 {
    10_000
}
fn max_output_tokens() -> u32 {
    4_096
}
fn context_tokens() -> u32 {
    128_000
}
fn image_tokens() -> u32 {
    IMAGE_TOKENS
}
fn attempts_max() -> u32 {
    3
}
fn weight() -> u32 {
    1
}
