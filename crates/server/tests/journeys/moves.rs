//! An org moves from one region to another, under load, and cut off at any moment.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Request;
use gateway::testing::FakeProvider;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::crash::audit;
use crate::http::Http;
use crate::portico::{Org, Portico, text};

const CALLERS: usize = 6;
/// The bar: writes of the org wait no longer.
const PAUSE_MAX_MS: u64 = 1_000;
/// Words that are in every org of these tests, and in no other place.
const CANARY: &str = "owner@acme.example";

fn gateway(provider: &FakeProvider) -> String {
    let mut text = "[record]\nlog = \"log.example\"\npublish_secs = 1\n".to_owned();
    let url = provider.base_url();
    text.extend(["us", "eu"].map(|region| {
        format!(
            "[gateway.endpoints.{region}]\nspeaks = \"openai\"\nbase_url = \"{url}\"\n\
             region = \"{region}\"\n"
        )
    }));
    text + "[gateway.models.fixed]\nroutes = [{ endpoint = \"us\" }, { endpoint = \"eu\" }]\n\
            prices = [{ from = \"2025-01-01\", input_per_million = \"1.00\", output_per_million = \"2.00\" }]\n"
}

/// What callers were told, and how long the slowest write took.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    calls: Mutex<BTreeSet<String>>,
    teams: Mutex<BTreeSet<String>>,
    failed: Mutex<Vec<String>>,
    slowest_ms: AtomicU64,
}

impl Load {
    fn begin(portico: &Portico, org: &Org, to: &'static str) -> (Arc<Self>, JoinSet<()>) {
        let (load, mut callers) = (Arc::new(Self::default()), JoinSet::new());
        for caller in 0..CALLERS {
            let (load, http) = (load.clone(), Http::new(&portico.base));
            let (key, owner) = (org.member.clone(), org.owner.clone());
            callers.spawn(async move {
                for number in 0.. {
                    if load.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    if caller % 3 == 2 {
                        load.write(&http, &owner, &format!("team-{to}-{caller}-{number}")).await;
                    } else {
                        load.call(&http, &key, caller % 3 == 0).await;
                    }
                }
            });
        }
        (load, callers)
    }

    async fn call(&self, http: &Http, key: &str, stream: bool) {
        let ask = json!({ "model": "fixed", "stream": stream,
                          "messages": [{ "role": "user", "content": "hi" }] });
        let begun = Instant::now();
        let answer = http.try_ask("POST", key, "/v1/chat/completions", Some(&ask)).await;
        match answer {
            Some(answer) if answer.status == 200 => {
                let receipt = answer.headers["portico-receipt"].to_str().expect("text").to_owned();
                self.calls.lock().await.insert(receipt);
                self.took(begun);
            }
            other => self.fail(other).await,
        }
    }

    async fn write(&self, http: &Http, key: &str, name: &str) {
        let begun = Instant::now();
        let answer = http.try_ask("POST", key, "/api/teams", Some(&json!({ "name": name }))).await;
        match answer {
            Some(answer) if answer.status < 300 => {
                self.teams.lock().await.insert(name.to_owned());
                self.took(begun);
            }
            other => self.fail(other).await,
        }
    }

    async fn fail(&self, answer: Option<crate::http::Answer>) {
        let told = answer.map_or_else(|| "no answer".to_owned(), |it| format!("{it:?}"));
        self.failed.lock().await.push(told);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    fn took(&self, begun: Instant) {
        let took = u64::try_from(begun.elapsed().as_millis()).expect("small");
        self.slowest_ms.fetch_max(took, Ordering::SeqCst);
    }

    async fn end(&self, callers: JoinSet<()>) {
        self.stop.store(true, Ordering::SeqCst);
        callers.join_all().await;
    }

    /// Nothing that was acknowledged is lost.
    async fn is_all_there(&self, portico: &Portico, org: &Org) {
        audit(portico, org, &*self.calls.lock().await).await;
        let (mut found, mut path) = (BTreeSet::new(), "/api/teams?limit=100".to_owned());
        loop {
            let page = portico.http.get(&org.owner, &path).await.json();
            let items = page["items"].as_array().expect("teams");
            found.extend(items.iter().map(|team| text(&team["name"])));
            match page["next"].as_str() {
                Some(next) => path = format!("/api/teams?limit=100&after={next}"),
                None => break,
            }
        }
        for name in &*self.teams.lock().await {
            assert!(found.contains(name), "`{name}` was acknowledged and is lost");
        }
    }
}

async fn order(portico: &Portico, org: &Org, to: &str) {
    let body = json!({ "to": to });
    let ordered = portico.http.ask("PUT", &org.owner, "/api/region/move", Some(&body)).await;
    assert_eq!(ordered.status, 200, "{}", ordered.text);
}

fn mover(portico: &Portico, to: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.args(["org", "move", "--org", "acme", "--to", to, "--json", "--out"]);
    command.arg(portico.folder().join("move.txt")).arg("--config").arg(portico.config());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the move to its end, while this runtime serves the load.
async fn moved(portico: &Portico, to: &str) -> Result<Value, String> {
    let mut command = mover(portico, to);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("joins").expect("runs");
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).expect("json"))
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn begun(portico: &Portico, to: &str) -> Child {
    mover(portico, to).spawn().expect("starts")
}

/// Whether these words stand in a file, or in any file below a folder.
fn stands_in(place: &Path, words: &str) -> bool {
    if place.is_dir() {
        let mut files = std::fs::read_dir(place).expect("reads");
        return files.any(|file| stands_in(&file.expect("a file").path(), words));
    }
    let bytes = std::fs::read(place).unwrap_or_default();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Whether an SQLite region holds these words: its file, and its log.
fn region_holds(portico: &Portico, region: &str, words: &str) -> bool {
    let data = portico.folder().join("data");
    ["", "-wal"].iter().any(|end| stands_in(&data.join(format!("{region}.db{end}")), words))
}

async fn region_of(portico: &Portico, org: &Org) -> String {
    text(&portico.http.get(&org.viewer, "/api/region").await.json()["region"])
}

/// An evidence bundle of everything is sound to the judge that shares no code.
async fn is_proven(portico: &Portico, org: &Org) {
    let path = "/api/record/evidence?from=2020-01-01&to=2999-01-01";
    let request = Request::get(format!("{}{path}", portico.base))
        .header("authorization", format!("Bearer {}", org.owner))
        .body(Full::<Bytes>::default())
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let bundle = answer.into_body().collect().await.expect("a body").to_bytes();
    let file = portico.folder().join("evidence.zip");
    std::fs::write(&file, bundle).expect("writes");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_portico"));
    let judged = verify.arg("verify").arg(&file).output().expect("runs");
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_orders_and_the_operator_moves_under_load() {
    let provider = FakeProvider::start().await;
    let mut all = vec![Portico::on_sqlite(&gateway(&provider))];
    all.extend(Portico::on_both(&gateway(&provider)).await);
    for mut portico in all {
        let org = portico.org("acme", "us");
        let other = portico.org("other", "us");
        portico.serve().await;
        let ceiling = json!({ "money_per_month": "1000.00", "concurrency": 100 });
        let set = portico.http.ask("PUT", &org.owner, "/api/limits/org/org", Some(&ceiling)).await;
        assert!(set.status < 300, "{}", set.text);

        // Nobody moves an org but its owner and the operator, together.
        let refused = moved(&portico, "eu").await.expect_err("nobody ordered it");
        assert!(refused.contains("PUT /api/region/move"), "{refused}");
        for (key, to, status) in
            [(&org.admin, "eu", 403), (&org.owner, "us", 422), (&org.owner, "mars", 422)]
        {
            let body = json!({ "to": to });
            let refused = portico.http.ask("PUT", key, "/api/region/move", Some(&body)).await;
            assert_eq!(refused.status, status, "{}", refused.text);
        }
        order(&portico, &org, "eu").await;
        assert!(region_holds(&portico, "us", CANARY));
        let pattern = json!({ "slug": "p", "name": "P", "triggers": ["what is p?"],
                              "answer": "A letter.", "publish": true });
        let taught = portico.http.post(&org.owner, "/api/patterns", &pattern).await;
        assert_eq!(taught.status, 201, "{}", taught.text);
        let start = json!({ "model": "patterns" });
        let begun = portico.http.post(&org.owner, "/api/conversations", &start).await.json();
        let path = format!("/api/conversations/{}/messages", text(&begun["id"]));
        let asked = portico.http.post(&org.owner, &path, &json!({ "text": "what is p?" })).await;
        assert!(asked.status < 300, "{}", asked.text);

        // Old months, and notes of erasures: they lie beside the log.
        let beside = ["archive", "erased"].map(|folder| format!("{folder}/{}/0", org.id));
        let lies =
            |region: &str, file: &str| portico.folder().join(format!("data/log-{region}/{file}"));
        for file in &beside {
            let file = lies("us", file);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("makes it");
            std::fs::write(file, CANARY).expect("writes");
        }
        for (from, to) in [("us", "eu"), ("eu", "us")] {
            if from == "eu" {
                order(&portico, &org, to).await;
            }
            let (load, callers) = Load::begin(&portico, &org, to);
            tokio::time::sleep(Duration::from_millis(800)).await;
            let done = moved(&portico, to).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            load.end(callers).await;
            let done = done.expect("it moves");
            let failed = load.failed.lock().await;
            assert!(
                failed.is_empty(),
                "{} failed: {:?}\n{}",
                failed.len(),
                failed.first(),
                portico.log()
            );
            assert_eq!(region_of(&portico, &org).await, to);
            assert_eq!(region_of(&portico, &other).await, "us");
            let pause = done["pauseMs"].as_u64().expect("a pause");
            let slowest = load.slowest_ms.load(Ordering::SeqCst);
            let calls = load.calls.lock().await.len();
            assert!(pause <= PAUSE_MAX_MS, "writes waited {pause} ms; {slowest} ms at most");
            assert!(calls > 50, "{calls}");
            load.is_all_there(&portico, &org).await;
            is_proven(&portico, &org).await;
            for call in load.calls.lock().await.iter().step_by(40) {
                let path = format!("/api/receipts/{call}");
                let receipt = portico.http.get(&org.owner, &path).await;
                assert_eq!(receipt.status, 200, "{}", receipt.text);
            }
            // What it left is erased, and somebody signed that.
            let tables = done["receipt"]["statement"]["tables"].as_array().expect("tables");
            assert!(tables.iter().all(|table| table["left"] == 0), "{tables:?}");
            assert!(tables.iter().any(|table| table["rows"].as_u64() > Some(100)), "{tables:?}");
            let messages = tables.iter().find(|table| table["store"] == "chat_message");
            assert_eq!(messages.expect("a table")["rows"], 2, "a question and its answer");
            let note = std::fs::read_to_string(portico.folder().join("move.txt")).expect("reads");
            assert!(note.starts_with("portico-move/v1\n"), "{note}");
            assert!(!lies(from, org.id.as_str()).exists());
            for file in &beside {
                assert_eq!(std::fs::read(lies(to, file)).expect("moved too"), CANARY.as_bytes());
                assert!(!lies(from, file).exists(), "{file} is still there");
            }
            if from == "us" {
                assert!(!region_holds(&portico, "us", CANARY), "its rows are still there");
                assert!(region_holds(&portico, "us", "owner@other.example"), "another's are not");
            }
        }
        // Restarted, it is where it is; the start compares the record with what is published.
        assert!(portico.terminate(), "{}", portico.log());
        portico.serve().await;
        assert_eq!(region_of(&portico, &org).await, "us");
        is_proven(&portico, &org).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_cut_off_anywhere_is_gone_on_with_and_loses_nothing() {
    let provider = FakeProvider::start().await;
    let mut portico = Portico::on_sqlite(&gateway(&provider));
    let org = portico.org("acme", "us");
    portico.serve().await;
    let ceiling = json!({ "money_per_month": "1000.00", "concurrency": 100 });
    let set = portico.http.ask("PUT", &org.owner, "/api/limits/org/org", Some(&ceiling)).await;
    assert!(set.status < 300, "{}", set.text);
    let load = Load::default();
    let mut steps = BTreeSet::new();
    let (mut from, mut to) = ("us", "eu");
    for round in 0_u64..14 {
        if round == 0 || step(&portico, &org).await == "done" {
            (from, to) = if round == 0 { (from, to) } else { (to, from) };
            order(&portico, &org, to).await;
        }
        let mut child = begun(&portico, to);
        tokio::time::sleep(Duration::from_millis(60 + round * 67 % 700)).await;
        // Now the command, now the server, now both.
        if round % 3 != 1 {
            child.kill().expect("kills");
        }
        if round % 3 != 0 {
            portico.kill();
            portico.serve().await;
        }
        child.wait().expect("ends");
        steps.insert(step(&portico, &org).await);
        // Whatever was cut off, the org is served, by one region, within the life of a fence.
        let http = Http::new(&portico.base);
        for number in 0..3 {
            load.call(&http, &org.member, false).await;
            load.write(&http, &org.owner, &format!("round-{round}-{number}")).await;
        }
        let failed = load.failed.lock().await;
        assert!(failed.is_empty(), "{failed:?}\n{}", portico.log());
    }
    if step(&portico, &org).await != "done" {
        moved(&portico, to).await.expect("it ends");
    }
    assert!(steps.len() > 1, "cut off at {steps:?} alone");
    assert_eq!(region_of(&portico, &org).await, to);
    load.is_all_there(&portico, &org).await;
    is_proven(&portico, &org).await;
    assert!(!region_holds(&portico, from, CANARY));
}

async fn step(portico: &Portico, org: &Org) -> String {
    let answer = portico.http.get(&org.viewer, "/api/region").await;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text, portico.log());
    text(&answer.json()["move"]["step"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_given_up_leaves_the_target_clean() {
    let provider = FakeProvider::start().await;
    let mut portico = Portico::on_sqlite(&gateway(&provider));
    let org = portico.org("acme", "us");
    portico.serve().await;
    order(&portico, &org, "eu").await;
    // Cut off where something was copied and nothing was switched.
    let mut child = begun(&portico, "eu");
    while !region_holds(&portico, "eu", CANARY) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    child.kill().expect("kills");
    child.wait().expect("ends");
    if step(&portico, &org).await == "moved" {
        // It was faster than the killing: there is nothing to give up.
        return;
    }
    portico.run(&["org", "move", "--org", "acme", "--to", "eu", "--abandon"], "");
    assert!(!region_holds(&portico, "eu", CANARY), "copied rows are left");
    assert!(!portico.folder().join(format!("data/log-eu/{}", org.id)).exists());
    assert_eq!(region_of(&portico, &org).await, "us");
    let body = json!({ "name": "Research" });
    let made = portico.http.post(&org.owner, "/api/teams", &body).await;
    assert!(made.status < 300, "{}", made.text);
    // And it can be ordered again.
    order(&portico, &org, "eu").await;
    moved(&portico, "eu").await.expect("it moves");
    assert_eq!(region_of(&portico, &org).await, "eu");
    is_proven(&portico, &org).await;
}
