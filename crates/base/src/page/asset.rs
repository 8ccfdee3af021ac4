//! Files that pages need: in the binary, named by their content, kept by browsers for ever.

use std::fmt;
use std::io::Write as _;
use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::hex;

/// One file. Its address changes with its content.
pub struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    made: OnceLock<Made>,
}

struct Made {
    url: String,
    gzip: Bytes,
}

/// The style of every page.
pub static APP_CSS: Asset =
    Asset::new("app.css", "text/css; charset=utf-8", include_bytes!("../../assets/app.css"));
/// What every page does with script: theme, copy, times in the reader's own zone.
pub static APP_JS: Asset = Asset::script("app.js", include_bytes!("../../assets/app.js"));
/// htmx 2.0.11 (0BSD), as it comes from npm.
pub static HTMX_JS: Asset = Asset::script("htmx.js", include_bytes!("../../assets/htmx.min.js"));
/// The mark in the window's tab.
pub static ICON_SVG: Asset =
    Asset::new("icon.svg", "image/svg+xml", include_bytes!("../../assets/icon.svg"));
/// What every page needs.
pub static SHELL_ASSETS: &[&Asset] = &[&APP_CSS, &APP_JS, &HTMX_JS, &ICON_SVG];

impl Asset {
    /// A file of this name and media type.
    pub const fn new(name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, kind, bytes, made: OnceLock::new() }
    }

    /// A script: an ES module.
    pub const fn script(name: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(name, "text/javascript; charset=utf-8", bytes)
    }

    /// Where it is: `/assets/<hash>/<name>`.
    pub fn url(&self) -> &str {
        &self.made().url
    }

    fn made(&self) -> &Made {
        self.made.get_or_init(|| {
            let digest = digest(&SHA256, self.bytes);
            let hash = hex::encode(digest.as_ref().iter().take(8));
            let gzip = gzip(self.bytes, Compression::best());
            Made { url: format!("/assets/{hash}/{}", self.name), gzip: gzip.into() }
        })
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = if accepts_gzip(headers) {
            let mut response = Response::new(Body::from(self.made().gzip.clone()));
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            Response::new(Body::from(self.bytes))
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
        headers.insert(CACHE_CONTROL, for_ever);
        response
    }
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asset").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The routes of files. Their addresses, for the list of what needs nobody's credentials.
pub fn assets(all: &[&'static [&'static Asset]]) -> (Router, Vec<String>) {
    let mut routes = Router::new();
    let mut urls = Vec::new();
    for asset in all.iter().copied().flatten() {
        urls.push(asset.url().to_owned());
        routes =
            routes.route(asset.url(), get(async move |headers: HeaderMap| asset.answer(&headers)));
    }
    (routes, urls)
}

/// Whether a browser unpacks gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    accepted.any(|list| {
        list.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            parts.next() == Some("gzip") && !parts.any(|q| q == "q=0")
        })
    })
}

/// The bytes of an answer that is made anew each time, packed quickly.
pub fn gzip_fast(bytes: &[u8]) -> Vec<u8> {
    gzip(bytes, Compression::new(4))
}

fn gzip(bytes: &[u8], level: Compression) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), level);
    // Writing into memory does not fail.
    let _infallible = packed.write_all(bytes);
    packed.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_file_is_named_by_its_content_and_packed_for_who_unpacks() {
        assert!(APP_CSS.url().starts_with("/assets/") && APP_CSS.url().ends_with("/app.css"));
        let mut headers = HeaderMap::new();
        assert!(!APP_CSS.answer(&headers).headers().contains_key(CONTENT_ENCODING));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.8"));
        assert_eq!(APP_CSS.answer(&headers).headers()[CONTENT_ENCODING], "gzip");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*APP_CSS.made().gzip).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, APP_CSS.bytes);
    }
}
