//! Where a sink is, and which of it we accept.

use base::checks::Checks;
use base::fetch::Fetch;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::format::Format;

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
