//! A browser without script: keeps its cookies, fills in forms, reads pages.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use serde_json::Value;

use crate::house::{House, PASSWORD, Somebody};

/// What a page answered.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) struct Browser<'a> {
    house: &'a House,
    cookies: Vec<(String, String)>,
    /// Instead of a cookie: whoever shows this key.
    key: Option<String>,
    pub(crate) ip: &'static str,
}

impl Seen {
    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map(|to| to.to_str().expect("text")).unwrap_or_default()
    }

    /// The text behind a mark, up to another.
    pub(crate) fn between(&self, from: &str, to: &str) -> &str {
        let rest = self.text.split_once(from).map(|(_, rest)| rest);
        let found = rest.and_then(|rest| rest.split_once(to)).map(|(found, _)| found);
        assert!(found.is_some(), "no `{from}` in {}", self.text);
        found.unwrap_or_default()
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house, cookies: Vec::new(), key: None, ip: "192.0.2.7" }
    }

    /// Whoever shows the key of somebody: for those who have no password here.
    pub(crate) fn of(house: &'a House, who: &Somebody) -> Self {
        Self { key: Some(who.key.clone()), ..Self::new(house) }
    }

    /// Somebody who has signed in.
    pub(crate) async fn signed_in(house: &'a House, who: &Somebody) -> Self {
        let mut browser = Self::new(house);
        let form = [("org", "acme"), ("email", &who.email), ("password", PASSWORD)];
        let seen = browser.post("/sign-in", &form).await;
        assert_eq!((seen.status, seen.location()), (303, "/"), "{}", seen.text);
        browser
    }

    /// What it sends along, whoever makes it ask.
    pub(crate) fn cookies(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Seen {
        self.go(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Seen {
        let pairs: Vec<_> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.go(request, Body::from(pairs.join("&"))).await
    }

    /// Asks the API as a script of our own pages does.
    pub(crate) async fn api(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .header("sec-fetch-site", "same-origin");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let seen = self.go(request, body).await;
        (seen.status, serde_json::from_str(&seen.text).unwrap_or_default())
    }

    async fn go(&mut self, request: axum::http::request::Builder, body: Body) -> Seen {
        let mut request = request
            .header("cookie", self.cookies())
            .header("host", "ai.acme.example")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0")
            .header("x-test-ip", self.ip);
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        let answer = (**self.house).send(request.body(body).expect("a request")).await;
        let (status, headers, text) = (answer.status, answer.headers, answer.text);
        for set in headers.get_all("set-cookie") {
            let set = set.to_str().expect("text");
            let pair = set.split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.retain(|(known, _)| known != name);
            if !set.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Seen { status, headers, text }
    }
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
