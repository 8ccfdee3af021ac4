//! Where traces go, as the operator wrote it, checked.

use axum::http::{HeaderName, HeaderValue, Uri};
use gateway::Secrets as _;

use crate::config::{OperatorSecrets, Otlp};

/// A collector that may be sent to.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) endpoint: Uri,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

/// A key of `[otlp]` has a fault.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub(crate) struct BadOtlp {
    pub(crate) key: &'static str,
    pub(crate) why: String,
}

impl Collector {
    /// What the file says; nothing if traces are off.
    pub(crate) fn read(otlp: &Otlp) -> Result<Option<Self>, BadOtlp> {
        let Some(endpoint) = &otlp.endpoint else { return Ok(None) };
        let endpoint: Uri = endpoint.parse().map_err(|_| bad("endpoint", "not a URL"))?;
        let http = matches!(endpoint.scheme_str(), Some("http" | "https"));
        if !http || endpoint.host().is_none_or(str::is_empty) {
            return Err(bad("endpoint", "must begin with `http://` or `https://` and a host"));
        }
        if otlp.service_name.is_empty() {
            return Err(bad("service_name", "must not be empty"));
        }
        let header = otlp.header_file.as_deref().map(|file| {
            let text = OperatorSecrets.file(&file.display().to_string());
            let text = text.map_err(|why| bad("header_file", &why))?;
            header(text.reveal()).ok_or_else(|| bad("header_file", "must be `name: value`"))
        });
        Ok(Some(Self { endpoint, header: header.transpose()? }))
    }
}

fn header(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once(':')?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

fn bad(key: &'static str, why: &str) -> BadOtlp {
    BadOtlp { key, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: &str, header: Option<&str>) -> Result<Option<Collector>, BadOtlp> {
        let folder = tempfile::tempdir().unwrap();
        let header_file = header.map(|text| {
            let file = folder.path().join("header");
            std::fs::write(&file, text).unwrap();
            file
        });
        let endpoint = Some(endpoint.to_owned());
        Collector::read(&Otlp { endpoint, header_file, ..Otlp::default() })
    }

    #[test]
    fn traces_are_off_without_an_endpoint() {
        assert!(Collector::read(&Otlp::default()).unwrap().is_none());
    }

    #[test]
    fn a_collector_that_cannot_be_reached_is_refused_by_its_key() {
        let good = read("http://otel:4318/v1/traces", Some("Authorization: Bearer x\n"));
        let (name, value) = good.unwrap().unwrap().header.unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("authorization", "Bearer x"));
        assert!(value.is_sensitive());
        for endpoint in ["", "otel:4318", "grpc://otel:4317", "/v1/traces"] {
            assert_eq!(read(endpoint, None).unwrap_err().key, "endpoint", "{endpoint}");
        }
        for header in ["", "Bearer x", "a b: c"] {
            let fault = read("http://otel:4318", Some(header)).unwrap_err();
            assert_eq!(fault.key, "header_file", "{header}");
        }
    }
}
