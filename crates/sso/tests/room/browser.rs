//! A browser: it keeps cookies and follows what it is told.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::Request;

use crate::house::{Answer, House, PUBLIC};

#[derive(Debug, Clone, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn has_session(&self) -> bool {
        self.cookies.keys().any(|name| name.ends_with("portico_session"))
    }

    pub(crate) async fn get(&mut self, house: &House, path: &str) -> Answer {
        let path = path.strip_prefix(PUBLIC).unwrap_or(path);
        let path = path.split('#').next().unwrap_or_default();
        self.send(house, Request::get(path), Body::empty(), true).await
    }

    /// A form of our own page.
    pub(crate) async fn post(
        &mut self,
        house: &House,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(house, request, Body::from(encoded(form)), true).await
    }

    /// A form that another site lets the browser post: its cookies stay at home.
    pub(crate) async fn post_from_elsewhere(
        &mut self,
        house: &House,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let path = path.strip_prefix(PUBLIC).unwrap_or(path);
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site");
        self.send(house, request, Body::from(encoded(form)), false).await
    }

    async fn send(
        &mut self,
        house: &House,
        request: axum::http::request::Builder,
        body: Body,
        own: bool,
    ) -> Answer {
        let mut request = request;
        if own && !self.cookies.is_empty() {
            let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", pairs.collect::<Vec<_>>().join("; "));
        }
        let answer = house.send(request.body(body).expect("a request")).await;
        self.keep(&answer);
        answer
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, rest) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            assert!(rest.contains("SameSite="), "{cookie}");
            if rest.contains("Max-Age=0") || value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn encoded(form: &[(&str, &str)]) -> String {
    let pairs = form.iter().map(|(name, value)| {
        let value = base::page::filters::percent_encoded(value);
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A field of an address's query.
pub(crate) fn field(url: &str, name: &str) -> String {
    let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).expect("a query");
    let found = pairs.into_iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1
}
