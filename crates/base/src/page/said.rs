//! After a change the browser goes on to a page, which says once what was done.

use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::page::filters::percent_encoded;

/// The cookie that carries the sentence to the next page.
const NAME: &str = "portico_said";
/// Characters of such a sentence at most.
const SAID_MAX: usize = 300;
/// Seconds for which it waits for a page to be said on.
const SAID_SECS: u32 = 60;

/// An answer to a form: go on to a page of our own.
#[derive(Debug, Clone)]
pub struct SeeOther {
    path: String,
    said: Option<String>,
}

/// Sends the browser on (303), so that going back or reloading repeats nothing.
pub fn see_other(path: impl Into<String>) -> SeeOther {
    SeeOther { path: path.into(), said: None }
}

impl SeeOther {
    /// What the next page says once: a whole sentence, with no secret in it.
    #[must_use]
    pub fn said(mut self, sentence: impl Into<String>) -> Self {
        self.said = Some(sentence.into());
        self
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        let to = HeaderValue::from_str(&self.path).unwrap_or(HeaderValue::from_static("/"));
        response.headers_mut().insert(LOCATION, to);
        if let Some(said) = self.said {
            let short: String = said.chars().take(SAID_MAX).collect();
            let text = percent_encoded(&short);
            // Not strict: whoever comes back from an identity provider is told too.
            let cookie =
                format!("{NAME}={text}; Path=/; HttpOnly; SameSite=Lax; Max-Age={SAID_SECS}");
            response
                .headers_mut()
                .extend(HeaderValue::from_str(&cookie).ok().map(|cookie| (SET_COOKIE, cookie)));
        }
        response
    }
}

/// What the page before wants said, and the header that takes it away.
pub fn taken(headers: &HeaderMap) -> Option<(String, HeaderValue)> {
    let text = cookie(headers, NAME)?;
    let said = percent_decoded(text)?.chars().take(SAID_MAX).collect();
    let away = HeaderValue::from_static("portico_said=; Path=/; Max-Age=0; SameSite=Lax");
    Some((said, away))
}

/// A cookie of a request.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

fn percent_decoded(text: &str) -> Option<String> {
    let pair = format!("t={text}");
    let mut fields: Vec<(String, String)> = serde_html_form::from_str(&pair).ok()?;
    fields.pop().map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_on_the_next_page_and_then_no_more() {
        let sentence = "„Über“ 100 % & <b>; x=y was made.";
        let response = see_other("/members").said(sentence).into_response();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let given = response.headers()[SET_COOKIE].to_str().unwrap();
        let mut headers = HeaderMap::new();
        let pair = given.split(';').next().unwrap();
        headers.insert(COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap());
        let (said, away) = taken(&headers).unwrap();
        assert_eq!(said, sentence);
        assert!(away.to_str().unwrap().contains("Max-Age=0"));
    }
}
