//! The certified `oidc-provider`, as `tests-clients/idp` starts it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::post;
use base::fetch::{Answer, Fetch, FetchConfig, Request};
use base::secret::Secret;
use base::tasks::Tasks;
use base::time::{At, Clock as _, SystemClock};
use federation::oidc::{
    Client, IdToken, Refusal, Registration, RelyingParty, Returned, Wish, begin,
};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// A running provider; it ends when its standard input does.
struct Running {
    child: Child,
    issuer: String,
    fetch: Fetch,
}

impl Running {
    fn start() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
        let folder = std::env::var("PORTICO_TEST_NODE_DIR").ok()?;
        let folder = std::path::Path::new(&folder).join("idp");
        if !folder.join("node_modules").exists() {
            return None;
        }
        let mut command = Command::new("node");
        command.arg("oidc.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("node");
        let mut ready = String::new();
        let said = child.stdout.as_mut().expect("its output");
        BufReader::new(said).read_line(&mut ready).expect("a line");
        let ready: Value = serde_json::from_str(&ready).expect("JSON");
        let issuer = ready["issuer"].as_str().expect("an issuer").to_owned();
        let config =
            FetchConfig { private_addresses: true, plain_http: true, ..FetchConfig::default() };
        Some(Self { child, issuer, fetch: Fetch::new(config).expect("a client") })
    }

    /// Tells it something.
    async fn told(&self, what: &str, said: Value) -> Value {
        let url = format!("{}/control/{what}", self.issuer);
        let request = Request::form(&url, &[("said", &said.to_string())]);
        let answer = self.fetch.send(request).await.expect("told");
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// A browser without script goes to `url` and signs in; gives where it is sent back to.
    async fn browse(&self, url: &str, back: &str) -> String {
        let mut cookies = BTreeMap::new();
        let mut request = Request::get(url);
        for _ in 0..10 {
            let shown: Vec<String> =
                cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request_now = request.header(COOKIE, &shown.join("; "));
            let answer = self.fetch.send(request_now).await.expect("answered");
            keep(&mut cookies, &answer);
            let Some(next) = answer.headers.get(LOCATION) else {
                let page = String::from_utf8_lossy(&answer.body).into_owned();
                let (_, form) = page.split_once("action=\"").unwrap_or_else(|| panic!("{page}"));
                let (path, _) = form.split_once('"').expect("an action");
                request = Request::form(&self.at(path), &[("account", "ada")]);
                continue;
            };
            let next = next.to_str().expect("text");
            if next.starts_with(back) {
                return next.to_owned();
            }
            request = Request::get(&self.at(next));
        }
        panic!("it leads nowhere");
    }

    fn at(&self, next: &str) -> String {
        if next.starts_with('/') { format!("{}{next}", self.issuer) } else { next.to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

fn keep(cookies: &mut BTreeMap<String, String>, answer: &Answer) {
    for cookie in answer.headers.get_all(SET_COOKIE) {
        let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
        let (name, value) = pair.split_once('=').expect("a pair");
        cookies.insert(name.to_owned(), value.to_owned());
    }
}

/// What its form says, by its query.
fn returned(url: &str) -> Returned {
    let (_, query) = url.split_once('?').expect("a query");
    serde_html_form::from_str(query).expect("what was returned")
}

struct World {
    running: Running,
    party: RelyingParty,
    client: Client,
}

impl World {
    async fn signed_in(&self, wanted: &[String], now: At) -> Result<IdToken, Refusal> {
        let provider = self.party.discover(&self.running.issuer).await?;
        let scopes = ["email", "profile", "groups"].map(str::to_owned).to_vec();
        let wish = Wish { scopes, ..Wish::default() };
        let started = begin(&provider, &self.client, &wish)?;
        let back = self.running.browse(&started.url, &self.client.redirect_uri).await;
        let (provider, client) = (&provider, &self.client);
        let on = Registration { provider, client, clock_skew_secs: 60, claims_wanted: wanted };
        self.party.finish(&on, &started.pending, &returned(&back), now).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certified_provider_signs_somebody_in_changes_its_keys_and_says_when_they_left() {
    // `cargo xtask test` installs it and names where it is.
    let Some(running) = Running::start() else { return };
    let (tells, mut told) = mpsc::channel(64);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let ours = format!("http://{}", listener.local_addr().expect("an address"));
    let hears = move |body: String| async move { tells.send(body).await.expect("heard") };
    let router = Router::new().route("/left", post(hears));
    Tasks::new().spawn(async move { drop(axum::serve(listener, router).await) });
    let client = Client {
        client_id: "portico".to_owned(),
        client_secret: Secret::new("a secret of: tests+".to_owned()),
        redirect_uri: format!("{ours}/back"),
    };
    let registered = json!({
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "redirect_uris": [client.redirect_uri],
        "backchannel_logout_uri": format!("{ours}/left"),
        "backchannel_logout_session_required": true,
    });
    running.told("client", registered).await;
    let party = RelyingParty::new(running.fetch.clone());
    let world = World { running, party, client };
    let mut now = SystemClock.now();
    let mut later = || {
        now += SignedDuration::from_secs(10);
        now
    };

    for alg in ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"] {
        world.running.told("options", json!({ "alg": alg })).await;
        let token = world.signed_in(&[], later()).await.expect(alg);
        assert_eq!(token.subject, "ada");
        assert_eq!(token.values("email"), ["ada@example.com"]);
        assert_eq!(token.values("groups"), ["engineers"]);
    }
    // What is not in the token is asked for.
    world.running.told("options", json!({ "claimsInIdToken": false, "alg": "RS256" })).await;
    let token = world.signed_in(&["groups".to_owned()], later()).await.expect("signed in");
    assert_eq!(token.values("groups"), ["engineers"]);
    // A new key is found, and not before ten seconds are over.
    world.running.told("rotate", json!({})).await;
    assert_eq!(world.signed_in(&[], now).await.map(drop), Err(Refusal::KeyUnknown));
    now += SignedDuration::from_secs(10);
    let token = world.signed_in(&[], now).await.expect("signed in");

    let ended = world.running.told("end-sessions", json!({})).await;
    let ended = ended.as_array().expect("a list");
    assert!(ended.iter().all(|one| one["ok"] == true), "{ended:?}");
    let provider = world.party.discover(&world.running.issuer).await.expect("described");
    assert!(provider.backchannel_logout && provider.names_itself);
    let (provider, client) = (&provider, &world.client);
    let on = Registration { provider, client, clock_skew_secs: 60, claims_wanted: &[] };
    let mut left = Vec::new();
    for _ in ended {
        let form = told.recv().await.expect("told");
        let (_, logout_token) = form.split_once("logout_token=").expect("a token");
        let verified = world.party.verify_logout_token(&on, logout_token, now).await;
        left.push(verified.expect("accepted").sid);
    }
    assert!(token.sid.is_some() && left.contains(&token.sid));
}
