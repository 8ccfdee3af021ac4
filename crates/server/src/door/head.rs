//! How large a request head may be.

use axum::http::{Request, StatusCode};
use base::problem::Problem;

/// Bytes of a request head at most: target, names and values.
pub(super) const HEAD_MAX: u32 = 32 << 10;
/// Headers of a request at most.
pub(super) const HEADERS_MAX: usize = 100;

/// Refuses a head that is too large. hyper reads in pieces and lets some of these through.
pub(super) fn too_large<B>(request: &Request<B>) -> Option<Problem> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let headers = request.headers();
    let bytes = headers.iter().fold(target, |sum, (name, value)| {
        sum.saturating_add(name.as_str().len()).saturating_add(value.len())
    });
    let fits = u32::try_from(bytes).is_ok_and(|bytes| bytes <= HEAD_MAX);
    (!fits || headers.len() > HEADERS_MAX).then(|| {
        let detail =
            format!("a request head has at most {HEAD_MAX} bytes in {HEADERS_MAX} headers");
        Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_counted_to_the_byte() {
        // The target, and the name of the header.
        let room = usize::try_from(HEAD_MAX).unwrap() - 2 - 1;
        for (len, refused) in [(room, false), (room + 1, true)] {
            let request = Request::get("/a").header("b", "c".repeat(len)).body(()).unwrap();
            assert_eq!(too_large(&request).is_some(), refused, "{len}");
        }
        for (count, refused) in [(HEADERS_MAX, false), (HEADERS_MAX + 1, true)] {
            let mut request = Request::get("/");
            for _ in 0..count {
                request = request.header("b", "c");
            }
            assert_eq!(too_large(&request.body(()).unwrap()).is_some(), refused, "{count}");
        }
    }
}
