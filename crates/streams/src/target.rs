//! Where a sink is, and which of it we accept.

use base::checks::Checks;
use base::fetch::Fetch;
use http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::format::Format;

/// Where Sentinel's tokens are given, if a sink does not say.
const LOGIN: &str = "https://login.microsoftonline.com";
/// Characters of a field at most.
const TEXT_MAX: usize = 512;

/// Whose door it is, and where. Addresses are `https://…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A signed webhook (Standard Webhooks).
    Webhook {
        /// Where it is posted to.
        url: String,
    },
    /// Splunk's HTTP Event Collector.
    Splunk {
        /// The collector, without a path: `https://http-inputs-acme.splunkcloud.com`.
        url: String,
        /// The index, if not the token's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<String>,
    },
    /// Datadog's intake of logs.
    Datadog {
        /// The site of the account: `datadoghq.eu`.
        site: String,
    },
    /// A bucket of S3, or of whoever speaks like it.
    S3 {
        /// The bucket.
        bucket: String,
        /// In front of every name.
        #[serde(default)]
        prefix: String,
        /// The provider's name for the region.
        region: String,
        /// `https://…` of another provider than AWS; the bucket stands in the path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        endpoint: Option<String>,
        /// The id of the access key.
        access_key_id: String,
    },
    /// Syslog (RFC 5424) over TLS (RFC 5425).
    Syslog {
        /// The host.
        host: String,
        /// The port; 6514 if not given.
        #[serde(default = "syslog_port")]
        port: u16,
    },
    /// Microsoft Sentinel, by the Logs Ingestion API.
    Sentinel {
        /// Where logs are taken in: the endpoint of the data collection endpoint or rule.
        endpoint: String,
        /// The immutable id of the data collection rule: `dcr-…`.
        rule: String,
        /// The stream of the rule: `Custom-…`.
        stream: String,
        /// The directory of the application.
        tenant: String,
        /// The application.
        client_id: String,
        /// Where tokens are given, if not by `https://login.microsoftonline.com`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// What a token is asked for, if not `https://monitor.azure.com//.default`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
}

const fn syslog_port() -> u16 {
    6514
}

/// Kinds of sinks: the word, and what people call it.
pub(crate) const KINDS: [(&str, &str); 6] = [
    ("webhook", "Signed webhook"),
    ("splunk", "Splunk"),
    ("datadog", "Datadog"),
    ("s3", "S3 bucket"),
    ("syslog", "Syslog over TLS"),
    ("sentinel", "Microsoft Sentinel"),
];

/// What one delivery holds at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) items: usize,
    pub(crate) bytes: usize,
}

impl Target {
    /// The word of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Splunk { .. } => "splunk",
            Self::Datadog { .. } => "datadog",
            Self::S3 { .. } => "s3",
            Self::Syslog { .. } => "syslog",
            Self::Sentinel { .. } => "sentinel",
        }
    }

    /// What people call its kind.
    pub(crate) fn label(&self) -> &'static str {
        let kind = self.kind();
        KINDS.iter().find(|(word, _)| *word == kind).map_or(kind, |(_, label)| label)
    }

    /// Where it is, in one line.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Webhook { url } | Self::Splunk { url, .. } => url.clone(),
            Self::Datadog { site } => site.clone(),
            Self::S3 { bucket, prefix, .. } => format!("{bucket}/{prefix}"),
            Self::Syslog { host, port } => format!("{host}:{port}"),
            Self::Sentinel { endpoint, stream, .. } => format!("{endpoint} {stream}"),
        }
    }

    /// What is sent if nobody chose.
    pub(crate) const fn usual_format(&self) -> Format {
        match self {
            Self::Webhook { .. } => Format::CloudEvents,
            Self::Splunk { .. }
            | Self::Datadog { .. }
            | Self::S3 { .. }
            | Self::Sentinel { .. } => Format::Ocsf,
            Self::Syslog { .. } => Format::Cef,
        }
    }

    /// Whether it takes a secret; a webhook is given one by us if none is given.
    pub(crate) const fn has_secret(&self) -> bool {
        !matches!(self, Self::Syslog { .. })
    }

    /// The field by which whoever shares the secret, or a token that it gives, is another one in
    /// `other`, of the same kind.
    pub(crate) fn entrusts_another(&self, other: &Self) -> Option<&'static str> {
        let (ours, theirs) = (self.entrusted(), other.entrusted());
        let changed = ours.into_iter().zip(theirs).find(|(ours, theirs)| ours != theirs);
        changed.map(|((field, _), _)| field)
    }

    /// Who shares the secret, by the fields that say so. A webhook's is never sent, but whoever
    /// has it signs with it: the former receiver must not sign for another one.
    fn entrusted(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Syslog { .. } => Vec::new(),
            Self::Webhook { url } | Self::Splunk { url, .. } => vec![("target.url", origin(url))],
            Self::Datadog { site } => vec![("target.site", origin(&intake(site)))],
            Self::S3 { endpoint, .. } => {
                vec![("target.endpoint", endpoint.as_deref().map(origin).unwrap_or_default())]
            }
            Self::Sentinel { endpoint, tenant, login, .. } => vec![
                ("target.login", origin(login_of(login.as_deref()))),
                ("target.tenant", tenant.clone()),
                ("target.endpoint", origin(endpoint)),
            ],
        }
    }

    /// Datadog and Sentinel take a megabyte; what is more Datadog cuts off without a word.
    pub(crate) const fn bounds(&self) -> Bounds {
        match self {
            Self::Webhook { .. } => Bounds { items: 100, bytes: 512 << 10 },
            Self::Splunk { .. } => Bounds { items: 500, bytes: 900_000 },
            Self::Datadog { .. } | Self::Sentinel { .. } => Bounds { items: 400, bytes: 900_000 },
            Self::S3 { .. } => Bounds { items: 500, bytes: 4 << 20 },
            Self::Syslog { .. } => Bounds { items: 500, bytes: 1 << 20 },
        }
    }

    /// Notes every field that cannot be.
    pub(crate) fn check(&self, fetch: &Fetch, checks: &mut Checks) {
        match self {
            Self::Webhook { url } => address(fetch, checks, "/target/url", url),
            Self::Splunk { url, index } => {
                address(fetch, checks, "/target/url", url);
                if let Some(index) = index {
                    word(checks, "/target/index", index);
                }
            }
            Self::Datadog { site } => {
                // What stands before a path of ours: a name and nothing else. A port is for
                // those who stand in between.
                let url = format!("https://http-intake.logs.{site}/api/v2/logs");
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
                let is_site = site.contains('.') && site.bytes().all(plain);
                if !is_site && !site.starts_with("http") {
                    checks.refuse(
                        "/target/site",
                        "must be the site of the account, such as datadoghq.eu",
                    );
                } else {
                    let url = if is_site { &url } else { site };
                    address(fetch, checks, "/target/site", url);
                }
            }
            Self::S3 { bucket, prefix, region, endpoint, access_key_id } => {
                word(checks, "/target/bucket", bucket);
                word(checks, "/target/region", region);
                word(checks, "/target/access_key_id", access_key_id);
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=".contains(&byte);
                if prefix.len() > TEXT_MAX || !prefix.bytes().all(plain) {
                    checks.refuse("/target/prefix", "must have letters, digits and `-_./=` alone");
                }
                if let Some(endpoint) = endpoint {
                    address(fetch, checks, "/target/endpoint", endpoint);
                }
            }
            Self::Syslog { host, port } => {
                if let Err(why) = fetch.check_host(host, *port) {
                    checks.refuse("/target/host", why.to_string());
                }
            }
            Self::Sentinel { endpoint, rule, stream, tenant, client_id, login, scope } => {
                address(fetch, checks, "/target/endpoint", endpoint);
                for (pointer, text) in [
                    ("/target/rule", rule),
                    ("/target/stream", stream),
                    ("/target/tenant", tenant),
                    ("/target/client_id", client_id),
                ] {
                    word(checks, pointer, text);
                }
                if let Some(login) = login {
                    address(fetch, checks, "/target/login", login);
                }
                if scope.as_ref().is_some_and(|scope| scope.is_empty() || scope.len() > TEXT_MAX) {
                    checks.refuse("/target/scope", "must have 1 to 512 characters");
                }
            }
        }
    }
}

/// Where Datadog takes logs in. A whole address stands for those who stand in between.
pub(crate) fn intake(site: &str) -> String {
    if site.starts_with("http") {
        return format!("{}/api/v2/logs", site.trim_end_matches('/'));
    }
    format!("https://http-intake.logs.{site}/api/v2/logs")
}

/// Where a sink of Sentinel gets its tokens.
pub(crate) fn login_of(login: Option<&str>) -> &str {
    login.unwrap_or(LOGIN).trim_end_matches('/')
}

/// Scheme, host and port of an address. One that is none is its own.
fn origin(url: &str) -> String {
    let read = |uri: Uri| {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let host = uri.host()?.to_ascii_lowercase();
        let usual = if scheme == "http" { 80 } else { 443 };
        Some(format!("{scheme}://{host}:{}", uri.port_u16().unwrap_or(usual)))
    };
    url.parse().ok().and_then(read).unwrap_or_else(|| url.to_owned())
}

fn address(fetch: &Fetch, checks: &mut Checks, pointer: &str, url: &str) {
    if let Err(why) = fetch.check(url) {
        checks.refuse(pointer, why.to_string());
    }
}

/// What becomes a part of an address: nothing that could become two.
fn word(checks: &mut Checks, pointer: &str, text: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let dots = text.bytes().all(|byte| byte == b'.');
    if dots || text.len() > TEXT_MAX || !text.bytes().all(plain) {
        checks.refuse(pointer, "must have 1 to 512 letters, digits and `-_.` alone");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn target(value: Value) -> Target {
        serde_json::from_value(value).expect("a target")
    }

    #[test]
    fn whoever_shares_a_secret_is_known_by_scheme_host_and_port() {
        let splunk = |url: &str, index: &str| {
            target(json!({ "kind": "splunk", "url": url, "index": index }))
        };
        let before = splunk("https://hec.example", "a");
        for (url, index) in [("https://HEC.example:443/", "a"), ("https://hec.example/x", "b")] {
            assert_eq!(before.entrusts_another(&splunk(url, index)), None, "{url}");
        }
        for url in ["https://hec.example:8088", "http://hec.example", "https://hec.example.evil"] {
            assert_eq!(before.entrusts_another(&splunk(url, "a")), Some("target.url"), "{url}");
        }
        let datadog = |site: &str| target(json!({ "kind": "datadog", "site": site }));
        let other = datadog("datadoghq.eu").entrusts_another(&datadog("datadoghq.com"));
        assert_eq!(other, Some("target.site"));
        let s3 = |endpoint: Value| {
            target(json!({ "kind": "s3", "bucket": "b", "region": "r", "endpoint": endpoint,
                           "access_key_id": "i" }))
        };
        let other = s3(Value::Null).entrusts_another(&s3(json!("https://s3.example")));
        assert_eq!(other, Some("target.endpoint"));
        let webhook = |url: &str| target(json!({ "kind": "webhook", "url": url }));
        let before = webhook("https://a.example/in");
        assert_eq!(before.entrusts_another(&webhook("https://a.example/other")), None);
        let other = before.entrusts_another(&webhook("https://b.example/in"));
        assert_eq!(other, Some("target.url"));
        let sentinel = |endpoint: &str, tenant: &str, login: Value, stream: &str| {
            target(json!({ "kind": "sentinel", "endpoint": endpoint, "rule": "dcr-1",
                           "stream": stream, "tenant": tenant, "client_id": "c", "login": login }))
        };
        let before = sentinel("https://in.example", "t", Value::Null, "Custom-A");
        for (endpoint, tenant, login, stream, field) in [
            ("https://in.example", "t", Value::Null, "Custom-B", None),
            ("https://in.example", "t", json!("https://login.microsoftonline.com/"), "A", None),
            ("https://in.example", "t", json!("https://evil.example"), "A", Some("target.login")),
            ("https://in.example", "u", Value::Null, "A", Some("target.tenant")),
            ("https://evil.example", "t", Value::Null, "A", Some("target.endpoint")),
        ] {
            let other = sentinel(endpoint, tenant, login, stream);
            assert_eq!(before.entrusts_another(&other), field);
        }
    }
}
