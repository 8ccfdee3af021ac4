//! What a body may ask for that makes a call dearer than its tokens at the model's price, or has
//! somebody else process it.

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::wire::json::Text;

/// A field that an endpoint is sent only if its operator allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// `service_tier` other than `auto`, `default` and `on_demand`: another price for the same tokens.
    ServiceTier,
    /// `web_search_options`: a fee for each search.
    WebSearchOptions,
    /// `search_parameters`: the same at other providers.
    SearchParameters,
    /// `plugins` of an aggregator, which has fees.
    Plugins,
    /// `models` of an aggregator: another model, at its price.
    Models,
    /// `provider` of an aggregator: somebody else processes the call.
    Provider,
    /// `route` of an aggregator: the same.
    Route,
    /// `audio`, or `modalities` other than text: tokens at another price.
    Audio,
    /// `best_of`: answers that are paid and not given.
    BestOf,
    /// `n_predict` of llama.cpp: another ceiling than the one that is held for.
    NPredict,
}

/// `{}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `{"mode":"off"}` is how a search is forbidden.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search<'a> {
    #[serde(borrow)]
    mode: Text<'a>,
}

/// The keys under which they stand in a body.
pub(super) const KEYS: &[(&str, Extra)] = &[
    ("service_tier", Extra::ServiceTier),
    ("web_search_options", Extra::WebSearchOptions),
    ("search_parameters", Extra::SearchParameters),
    ("plugins", Extra::Plugins),
    ("models", Extra::Models),
    ("provider", Extra::Provider),
    ("route", Extra::Route),
    ("audio", Extra::Audio),
    ("modalities", Extra::Audio),
    ("best_of", Extra::BestOf),
    ("n_predict", Extra::NPredict),
];

/// What this key asks for with this value, if that is more than what a call is without it.
pub(super) fn asked(name: &str, value: &RawValue) -> Option<Extra> {
    let (_, extra) = KEYS.iter().find(|(key, _)| *key == name)?;
    let value = value.get();
    let usual = match name {
        _ if value == "null" => true,
        "service_tier" => serde_json::from_str::<Text<'_>>(value)
            .is_ok_and(|tier| matches!(tier.0.as_ref(), "auto" | "default" | "on_demand")),
        "modalities" => serde_json::from_str::<Vec<Text<'_>>>(value)
            .is_ok_and(|all| all.iter().all(|one| one.0 == "text")),
        "best_of" => value == "1",
        "models" | "plugins" => {
            serde_json::from_str::<Vec<IgnoredAny>>(value).is_ok_and(|all| all.is_empty())
        }
        "provider" => serde_json::from_str::<Nothing>(value).is_ok(),
        "search_parameters" => {
            serde_json::from_str::<Search<'_>>(value).is_ok_and(|search| search.mode.0 == "off")
        }
        _ => false,
    };
    (!usual).then_some(*extra)
}
