//! The console's ground: what a page is, how a form arrives, what every page looks like.
//!
//! A room's handler gives a [`View`]: the content of `<main>`. The house puts the
//! [`Shell`] around it. Everything works without script; scripts are modules of our
//! own origin, styles are one file, and neither stands inside a page.

mod asset;
mod faults;
pub mod filters;
mod form;
mod said;
mod shell;

use askama::Template;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

pub use self::asset::{
    APP_CSS, APP_JS, Asset, HTMX_JS, ICON_SVG, SHELL_ASSETS, accepts_gzip, assets, gzip_fast,
};
pub use self::faults::{Faults, sentence};
pub use self::form::Form;
pub use self::said::{SeeOther, see_other, taken};
pub use self::shell::{Banner, Bare, Link, Section, Shell, Theme};

/// The content of a page.
#[derive(Debug)]
pub struct View {
    status: StatusCode,
    body: String,
    framed: Framed,
}

/// What the house needs to know to put the shell around a page. Stands in the
/// extensions of the response.
#[derive(Debug, Clone)]
pub struct Framed {
    /// The page's title, also that of the window.
    pub title: String,
    /// Scripts that only this page needs.
    pub scripts: Vec<&'static Asset>,
}

impl View {
    /// A page with this title. The template gives what stands in `<main>`.
    pub fn of(title: impl Into<String>, content: &impl Template) -> Result<Self, Problem> {
        let body = content.render().map_err(|error| Problem::internal(&error))?;
        let framed = Framed { title: title.into(), scripts: Vec::new() };
        Ok(Self { status: StatusCode::OK, body, framed })
    }

    /// Answers with this status instead of 200.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a script that only this page needs.
    #[must_use]
    pub fn script(mut self, script: &'static Asset) -> Self {
        self.framed.scripts.push(script);
        self
    }
}

impl IntoResponse for View {
    fn into_response(self) -> Response {
        let mut response = (self.status, html(self.body)).into_response();
        response.extensions_mut().insert(self.framed);
        response
    }
}

/// A whole page, as it stands.
pub fn html(text: String) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// The attributes of a form that writes: where it goes, and a mark by which a second
/// click on the same button is known. `action` is a path of our own.
///
/// ```
/// let form = base::page::post("/members").to_string();
/// assert!(form.starts_with("method=\"post\" action=\"/members?once="));
/// ```
pub fn post(action: impl std::fmt::Display) -> Post {
    let action = action.to_string();
    let joint = if action.contains('?') { '&' } else { '?' };
    Post(format!("{action}{joint}{ONCE}={}", once()))
}

/// The parameter of a form's address that marks one filling-in of it.
pub const ONCE: &str = "once";

/// What [`post`] writes into a form.
#[derive(Debug, Clone)]
pub struct Post(String);

impl std::fmt::Display for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let escaped = askama::filters::escape(&self.0, askama::filters::Html);
        let Ok(action) = escaped;
        write!(f, "method=\"post\" action=\"{action}\"")
    }
}

impl askama::filters::HtmlSafe for Post {}

/// A mark that nobody guesses and that is never the same twice.
fn once() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The path to go on to after a sign-in: only one of our own. Whatever could lead to
/// another site (`//evil`, `/\evil`, `https:…`, control characters) becomes `/`.
pub fn local(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(|c: char| c.is_control() || c.is_whitespace())
        && next.len() <= NEXT_MAX;
    if own { next } else { "/" }
}

/// Bytes of an address to go on to at most.
const NEXT_MAX: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_sign_in_only_our_own_pages_follow() {
        for own in ["/", "/record?user=mem_1&outcome=denied", "/patterns/a-b"] {
            assert_eq!(local(own), own);
        }
        let long = format!("/{}", "a".repeat(NEXT_MAX));
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil.example",
            "javascript:alert(1)",
            "evil",
            "/\t/evil",
            "/a b",
            "/\n",
            long.as_str(),
        ] {
            assert_eq!(local(foreign), "/", "{foreign}");
        }
    }

    #[test]
    fn two_fillings_of_a_form_are_told_apart_and_its_address_is_escaped() {
        let (one, two) = (post("/a?b=\"><script>").to_string(), post("/a").to_string());
        assert!(one.contains("&#34;&#62;&#60;script&#62;&#38;once="), "{one}");
        assert_ne!(two, post("/a").to_string());
    }
}
