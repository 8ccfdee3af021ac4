//! What is answered at an address of the operator's own: metrics, a bucket's region.

use base::fetch::{Fetch, FetchConfig, Request};
use bytes::Bytes;

use crate::error::Error;

/// Bytes of a page at most.
const PAGE_BYTES_MAX: usize = 64 << 20;

fn fetch() -> Result<Fetch, String> {
    // The operator names these addresses, in their own network.
    let config =
        FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
    Fetch::new(config).map_err(|error| error.to_string())
}

/// What is there.
pub(crate) async fn page(url: &str) -> Result<Vec<u8>, Error> {
    let fault = |why: String| Error::Page(url.to_owned(), why);
    let request = Request::get(url).body_bytes_max(PAGE_BYTES_MAX);
    let answer = fetch().map_err(fault)?.send(request).await;
    let answer = answer.map_err(|error| fault(error.to_string()))?;
    if !answer.status.is_success() {
        return Err(fault(format!("it answers {}", answer.status)));
    }
    Ok(answer.body.to_vec())
}

/// A header of what is there, whoever asks: buckets tell strangers their region with a refusal.
pub(crate) async fn head(url: &str, header: &str) -> Result<Option<String>, Error> {
    let fault = |why: String| Error::Page(url.to_owned(), why);
    let request = http::Request::head(url).body(Bytes::new());
    let request = request.map_err(|error| fault(error.to_string()))?;
    let answer = fetch().map_err(fault)?.send(Request::of(request)).await;
    let answer = answer.map_err(|error| fault(error.to_string()))?;
    let value = answer.headers.get(header).and_then(|value| value.to_str().ok());
    Ok(value.map(str::to_owned))
}
