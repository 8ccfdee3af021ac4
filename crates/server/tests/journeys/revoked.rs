//! Somebody is cut off while an answer streams to them.

use std::future::Future;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use base::time::{At, Clock as _, SystemClock};
use gateway::testing::FakeProvider;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::portico::{Org, PASSWORD, Portico, text};

/// From the request that ends a credential to the last byte of what ran on it: no
/// hundredth of the trials may take longer.
pub(crate) const CUT_WITHIN: Duration = Duration::from_secs(1);
/// How often each way of ending is tried.
const TRIALS: usize = 12;

/// What somebody was sent behind the moment in which their credential was to end.
#[derive(Debug)]
pub(crate) struct Cut {
    /// From the beginning of the act to the last byte.
    pub(crate) took: Duration,
    /// When the last byte came.
    pub(crate) at: At,
    /// The last event of the stream, which is an error.
    pub(crate) last: Value,
    /// The id of the call.
    pub(crate) receipt: String,
}

/// A catalogue with one model that goes on for ever, a word each hundredth of a second.
pub(crate) fn catalogue(provider: &FakeProvider) -> String {
    format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         [gateway.models.paced]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n",
        provider.base_url()
    )
}

/// Streams an answer of the model `paced` to whoever shows this header, lets `act` end
/// their credential once words arrive, and reads to the end of the stream.
pub(crate) async fn stream_until_cut<T>(
    portico: &Portico,
    (header, shown): (&str, &str),
    act: impl Future<Output = T>,
) -> (Cut, T) {
    let ask = json!({ "model": "paced", "stream": true,
                      "messages": [{ "role": "user", "content": "hi" }] });
    let request = Request::post(format!("{}/v1/chat/completions", portico.base))
        .header(header, shown)
        .header("x-portico-csrf", "1")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(ask.to_string())))
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let receipt = response.headers()["portico-receipt"].to_str().expect("text").to_owned();
    let mut stream = response.into_body();
    let mut heard = Vec::new();
    while heard.len() < 1_000 {
        let frame = stream.frame().await.expect("goes on").expect("bytes");
        heard.extend(frame.into_data().expect("data"));
    }
    let begun = Instant::now();
    let read = async {
        let (mut heard, mut took, mut at) = (Vec::new(), Duration::ZERO, SystemClock.now());
        while let Some(frame) = stream.frame().await {
            heard.extend(frame.expect("a stream that ends in order").into_data().expect("data"));
            (took, at) = (begun.elapsed(), SystemClock.now());
        }
        (heard, took, at)
    };
    let patience = tokio::time::timeout(Duration::from_secs(30), async { tokio::join!(read, act) });
    let ((heard, took, at), acted) = patience.await.expect("the stream goes on for ever");
    let heard = String::from_utf8(heard).expect("text");
    let last = heard.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let last = serde_json::from_str(last.strip_prefix("data: ").unwrap_or_default());
    let last: Value = last.unwrap_or_default();
    assert_eq!(last["error"]["code"], "credentials_ended", "{heard}");
    assert!(!heard.contains("[DONE]"), "it does not look complete");
    (Cut { took, at, last, receipt }, acted)
}

/// What the record says of a call that was cut off; its outcome may still be on its way.
pub(crate) async fn outcome(portico: &Portico, reader: &str, receipt: &str) -> Value {
    let begun = Instant::now();
    loop {
        let path = format!("/api/events?resource={receipt}&action=gateway.call.ended");
        let page = portico.http.get(reader, &path).await.json();
        if let Some(event) = page["items"].get(0) {
            return event.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{page}");
    }
}

/// The slowest but one in a hundred; prints how long they took.
#[expect(clippy::print_stdout, reason = "a measurement is there to be read")]
pub(crate) fn p99(way: &str, mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    let place = |percent: usize| took[(took.len() * percent).div_ceil(100).saturating_sub(1)];
    println!(
        "{way}: {} trials, median {:?}, p99 {:?}, longest {:?}",
        took.len(),
        place(50),
        place(99),
        place(100)
    );
    place(99)
}

pub(crate) async fn done(
    portico: &Portico,
    org: &Org,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Value {
    let answer = portico.http.ask(method, &org.owner, path, body.as_ref()).await;
    assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text);
    answer.json()
}

/// A new key of the member: its id and its secret.
pub(crate) async fn key(portico: &Portico, org: &Org) -> (String, String) {
    let made = portico.http.post(&org.member, "/api/keys", &json!({ "name": "ci" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (text(&made.json()["id"]), text(&made.json()["secret"]))
}

/// Signs the member in: the cookie.
pub(crate) async fn sign_in(portico: &Portico, org: &Org) -> String {
    let body = json!({ "org": org.slug, "email": format!("member@{}.example", org.slug),
                       "password": PASSWORD });
    let answer = portico.http.post("", "/api/session", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let cookie = answer.headers["set-cookie"].to_str().expect("text");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_cut_off_gets_the_last_byte_within_a_second() {
    let provider = FakeProvider::start().await;
    for mut portico in Portico::on_each_engine(&catalogue(&provider)).await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let mut all = Vec::new();

        let mut took = Vec::new();
        for _ in 0..TRIALS {
            let (id, secret) = key(&portico, &org).await;
            let path = format!("/api/keys/{id}");
            let act = done(&portico, &org, "DELETE", &path, None);
            let bearer = format!("Bearer {secret}");
            let (cut, _) = stream_until_cut(&portico, ("authorization", &bearer), act).await;
            assert_eq!(cut.last["error"]["type"], "authentication_error");
            let ended = outcome(&portico, &org.owner, &cut.receipt).await;
            assert_eq!(ended["outcome"], "aborted", "{ended}");
            assert_eq!(ended["reason"]["code"], "credentials_ended", "{ended}");
            assert!(ended["call"]["tokensOut"].as_i64() > Some(0), "{ended}");
            took.push(cut.took);
        }
        all.extend(took.clone());
        assert!(p99("a revoked key", took) < CUT_WITHIN);

        let mut took = Vec::new();
        let path = format!("/api/members/{}", org.member_id);
        for _ in 0..TRIALS {
            let suspend = done(&portico, &org, "PATCH", &path, Some(json!({"state": "suspended"})));
            let (cut, _) = stream_until_cut(&portico, ("x-api-key", &org.member), suspend).await;
            took.push(cut.took);
            assert_eq!(portico.http.get(&org.member, "/v1/models").await.status, 401);
            done(&portico, &org, "PATCH", &path, Some(json!({ "state": "active" }))).await;
            assert_eq!(portico.http.get(&org.member, "/v1/models").await.status, 200);
        }
        all.extend(took.clone());
        assert!(p99("a suspended member", took) < CUT_WITHIN);

        let mut took = Vec::new();
        for _ in 0..TRIALS {
            let cookie = sign_in(&portico, &org).await;
            let sessions = done(&portico, &org, "GET", "/api/org/sessions", None).await;
            let path = format!("/api/org/sessions/{}", text(&sessions["items"][0]["id"]));
            let act = done(&portico, &org, "DELETE", &path, None);
            let (cut, _) = stream_until_cut(&portico, ("cookie", &cookie), act).await;
            took.push(cut.took);
        }
        all.extend(took.clone());
        assert!(p99("an ended session", took) < CUT_WITHIN);
        assert!(p99("all ways on one node", all) < CUT_WITHIN);

        // Nothing of it is left at the provider.
        let begun = Instant::now();
        while provider.cancelled() < provider.calls() {
            assert!(begun.elapsed() < Duration::from_secs(5), "the provider goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(portico.terminate(), "{}", portico.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_of_another_process_cuts_off_everybody_within_a_second() {
    let provider = FakeProvider::start().await;
    for mut portico in Portico::on_each_engine(&catalogue(&provider)).await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let mut took = Vec::new();
        for _ in 0..6 {
            let cookie = sign_in(&portico, &org).await;
            let act = brake(&portico, "--sessions");
            let (cut, said) = stream_until_cut(&portico, ("cookie", &cookie), act).await;
            assert_eq!(said, "Ended one session and no keys, and stopped what ran on them.\n");
            // The record says when the other process did it.
            let path = "/api/events?action=identity.org.revoked";
            let events = done(&portico, &org, "GET", path, None).await;
            let done: At = text(&events["items"][0]["timestamp"]).parse().expect("an instant");
            took.push(Duration::try_from(cut.at.duration_since(done)).unwrap_or_default());
        }
        assert!(p99("sessions, by another process", took) < CUT_WITHIN);
        let act = async {
            brake(&portico, "--keys").await;
            SystemClock.now()
        };
        let (cut, done) = stream_until_cut(&portico, ("x-api-key", &org.member), act).await;
        let late = Duration::try_from(cut.at.duration_since(done)).unwrap_or_default();
        assert!(p99("keys, behind the end of another process", vec![late]) < CUT_WITHIN);
        assert_eq!(portico.http.get(&org.owner, "/api/session").await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_directory_switches_off_gets_the_last_byte_within_a_second() {
    let provider = FakeProvider::start().await;
    for mut portico in Portico::on_each_engine(&catalogue(&provider)).await {
        let org = portico.org("acme", "eu");
        portico.serve().await;
        let directory = json!({ "name": "Okta" });
        let directory = done(&portico, &org, "POST", "/api/directories", Some(directory)).await;
        let token = text(&directory["token"]);
        let scim = async |method: &str, path: &str, body: Value| {
            let path = format!("/scim/v2/Users{path}");
            let answer = portico.http.ask(method, &token, &path, Some(&body)).await;
            assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text);
            answer.json()
        };
        // The directory takes charge of somebody who is a member already.
        let user = scim("POST", "", json!({ "userName": "member@acme.example" })).await;
        let user = format!("/{}", text(&user["id"]));
        let active = |active: bool| {
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{ "op": "replace", "path": "active", "value": active }] })
        };
        let mut took = Vec::new();
        for _ in 0..TRIALS {
            let act = scim("PATCH", &user, active(false));
            let (cut, _) = stream_until_cut(&portico, ("x-api-key", &org.member), act).await;
            took.push(cut.took);
            assert_eq!(portico.http.get(&org.member, "/v1/models").await.status, 401);
            scim("PATCH", &user, active(true)).await;
            assert_eq!(portico.http.get(&org.member, "/v1/models").await.status, 200);
        }
        assert!(p99("a user switched off by a directory", took) < CUT_WITHIN);
    }
}

/// Pulls the emergency brake at the command line, and gives what it says.
async fn brake(portico: &Portico, what: &'static str) -> String {
    let config = portico.config();
    let run = move || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_portico"));
        command.args(["org", "revoke", "--org", "acme", what, "--config"]).arg(config);
        command.output().expect("runs")
    };
    let output = tokio::task::spawn_blocking(run).await.expect("ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
