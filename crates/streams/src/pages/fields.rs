//! The fields of each kind of sink, and forms that hold them.

use std::collections::BTreeMap;

use base::page::Faults;
use base::secret::Secret;
use serde_json::{Map, Value};

use crate::format::Format;
use crate::target::Target;

/// A field of a form: its name in the target, what it is called, and what to type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) more: &'static str,
}

const fn must(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field {
        name,
        label,
        hint,
        more: "required maxlength=\"2048\" autocomplete=\"off\" spellcheck=\"false\"",
    }
}

const fn may(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field {
        name,
        label,
        hint,
        more: "maxlength=\"2048\" autocomplete=\"off\" spellcheck=\"false\"",
    }
}

/// What a form typed, by the names of its fields.
pub(super) type Typed = BTreeMap<String, String>;

/// The fields of a kind, in order.
pub(super) fn of(kind: &str) -> &'static [Field] {
    match kind {
        "webhook" => {
            const {
                &[must(
                    "target.url",
                    "Address",
                    "Such as https://siem.example.com/in. It is posted to.",
                )]
            }
        }
        "splunk" => {
            const {
                &[
                    must(
                        "target.url",
                        "Collector",
                        "The address of the HTTP Event Collector without a path, such as https://http-inputs-acme.splunkcloud.com.",
                    ),
                    may("target.index", "Index", "If another than the token's own."),
                ]
            }
        }
        "datadog" => {
            const { &[must("target.site", "Site", "The site of your account, such as datadoghq.eu.")] }
        }
        "s3" => {
            const {
                &[
                    must(
                        "target.bucket",
                        "Bucket",
                        "Give it versions, object lock and a default retention: then nobody takes back what is in it.",
                    ),
                    may("target.prefix", "Prefix", "In front of every name."),
                    must(
                        "target.region",
                        "Region",
                        "The provider's name for it, such as eu-central-1.",
                    ),
                    may("target.endpoint", "Endpoint", "https://… of another provider than AWS."),
                    must(
                        "target.access_key_id",
                        "Access key",
                        "Its id. It needs s3:PutObject and nothing else.",
                    ),
                ]
            }
        }
        "syslog" => {
            const {
                &[
                    must("target.host", "Host", "Such as syslog.example.com. It must speak TLS."),
                    must("target.port", "Port", "Usually 6514."),
                ]
            }
        }
        "sentinel" => {
            const {
                &[
                    must(
                        "target.endpoint",
                        "Ingestion endpoint",
                        "Of the data collection endpoint or rule: https://….ingest.monitor.azure.com.",
                    ),
                    must("target.rule", "Data collection rule", "Its immutable id: dcr-…."),
                    must("target.stream", "Stream", "As the rule names it: Custom-…."),
                    must("target.tenant", "Directory (tenant) id", "Of the application."),
                    must(
                        "target.client_id",
                        "Application (client) id",
                        "It needs the role Monitoring Metrics Publisher on the rule.",
                    ),
                    may(
                        "target.login",
                        "Login",
                        "If another cloud than the public one: https://login.microsoftonline.us.",
                    ),
                    may(
                        "target.scope",
                        "Scope",
                        "If another cloud than the public one: https://monitor.azure.us//.default.",
                    ),
                ]
            }
        }
        _ => &[],
    }
}

/// What the secret of a kind is called, if it has one.
pub(super) fn secret_of(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "webhook" => Some(("Secret", "whsec_…; leave it empty and one is made.")),
        "splunk" => Some(("Token", "Of the HTTP Event Collector.")),
        "datadog" => Some(("API key", "Of your account.")),
        "s3" => Some(("Secret access key", "Of the access key.")),
        "sentinel" => Some(("Client secret", "Of the application.")),
        _ => None,
    }
}

/// What stands in a field.
pub(super) fn value<'a>(typed: &'a Typed, name: &str) -> &'a str {
    typed.get(name).map_or("", String::as_str)
}

/// The fields of a target as a form shows them.
pub(super) fn typed(target: &Target) -> Typed {
    let mut typed = Typed::new();
    if let Ok(Value::Object(members)) = serde_json::to_value(target) {
        for (name, value) in members {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            typed.insert(format!("target.{name}"), text);
        }
    }
    typed
}

/// The target that a form holds.
pub(super) fn target(kind: &str, typed: &Typed) -> Result<Target, Faults> {
    let mut members = Map::new();
    members.insert("kind".to_owned(), kind.into());
    for (name, text) in typed {
        let (Some(name), text) = (name.strip_prefix("target."), text.trim()) else { continue };
        if name == "kind" || text.is_empty() {
            continue;
        }
        let value = match (name, text.parse::<u16>()) {
            ("port", Ok(port)) => port.into(),
            ("port", Err(_)) => return Err(Faults::field("target.port", "must be 1 to 65535")),
            _ => text.into(),
        };
        members.insert(name.to_owned(), value);
    }
    for field in of(kind) {
        let name = field.name.trim_start_matches("target.");
        if field.more.starts_with("required") && !members.contains_key(name) {
            return Err(Faults::field(field.name, "must be filled in"));
        }
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|_| Faults::general("The form has a field that this kind of sink does not know."))
}

/// The secret that a form holds.
pub(super) fn secret(typed: &Typed) -> Option<Secret> {
    let text = value(typed, "secret").trim();
    (!text.is_empty()).then(|| Secret::new(text.to_owned()))
}

/// The format that a form holds.
pub(super) fn format(typed: &Typed) -> Result<Option<Format>, Faults> {
    match value(typed, "format") {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|unknown: crate::UnknownFormat| Faults::field("format", unknown.to_string())),
    }
}
