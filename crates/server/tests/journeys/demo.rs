//! The first thing a stranger runs.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::http::Http;
use crate::portico::text;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(data: &Path, ports: (u16, u16)) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_portico"))
        .arg("demo")
        .arg("--data")
        .arg(data)
        .args(["--listen", &format!("127.0.0.1:{}", ports.0)])
        .args(["--ops", &format!("127.0.0.1:{}", ports.1)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    Running(child)
}

/// What the demo prints up to the end of its banner.
fn banner(running: &mut Running) -> String {
    let mut text = String::new();
    let mut byte = [0];
    let out = running.0.stdout.as_mut().expect("a pipe");
    while !text.contains("Add a provider") || !text.ends_with('\n') {
        assert_eq!(out.read(&mut byte).expect("reads"), 1, "ended early: {text}");
        text.push(char::from(byte[0]));
    }
    text
}

fn stop(mut running: Running) {
    let sent = Command::new("kill").arg(running.0.id().to_string()).status().expect("kill");
    assert!(sent.success() && running.0.wait().expect("ends").success());
}

#[tokio::test]
async fn a_stranger_has_an_answer_a_receipt_and_a_record_and_a_second_start_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let ports = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let [main, ops] = ports.map(|port| port.local_addr().expect("an address").port());
    let mut first = start(&data, (main, ops));
    let printed = banner(&mut first);

    // The printed line works as printed.
    let curl = printed.split("  curl ").nth(1).and_then(|rest| rest.split("\n\n").next());
    let curl = format!("curl {}", curl.expect("a line"));
    let output = Command::new("sh").arg("-c").arg(&curl).output().expect("curl");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.starts_with("HTTP/1.1 200"), "{curl}\n{answer}");
    assert!(answer.to_lowercase().contains("portico-receipt: call_"), "{answer}");
    assert!(answer.contains("\"slug\":\"reset-password\""), "{answer}");

    // So does the printed address of the sign-in.
    let page = printed.split("Or in a browser: ").nth(1).and_then(|rest| rest.split('\n').next());
    let output =
        Command::new("curl").args(["-s", page.expect("an address")]).output().expect("curl");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.contains("value=\"nordwind\"") && answer.contains("password"), "{answer}");

    let file = data.join("demo.json");
    let mode = std::fs::metadata(&file).expect("demo.json").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let demo: Value = serde_json::from_slice(&std::fs::read(&file).expect("reads")).expect("json");
    let http = Http::new(demo["base_url"].as_str().expect("a URL"));
    let orgs = demo["orgs"].as_array().expect("orgs");
    let regions: Vec<_> = orgs.iter().map(|org| text(&org["region"])).collect();
    assert_eq!(regions, ["eu", "us", "apac"]);
    for org in orgs {
        for member in org["members"].as_array().expect("members") {
            let key = text(&member["key"]);
            let ask = json!({ "model": "patterns",
                              "messages": [{ "role": "user", "content": "How do I reset my password?" }] });
            let answer = http.post(&key, "/v1/chat/completions", &ask).await;
            assert_eq!(
                answer.json()["portico"]["pattern"]["slug"],
                "reset-password",
                "{}",
                answer.text
            );
            let sign_in = json!({ "org": org["slug"], "email": member["email"], "password": member["password"] });
            assert!(http.post("", "/api/session", &sign_in).await.status < 300);
        }
        let owner = text(&org["members"][0]["key"]);
        let patterns = http.get(&owner, "/api/patterns?limit=200").await.json();
        assert!(patterns["items"].as_array().map(Vec::len) >= Some(18), "{patterns}");
        let history = http.get(&owner, "/api/events?action=gateway.call.ended").await.json();
        assert!(history["items"].as_array().map(Vec::len) > Some(4), "{history}");
    }
    stop(first);

    let begun = Instant::now();
    let mut second = start(&data, (main, ops));
    banner(&mut second);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let again: Value = serde_json::from_slice(&std::fs::read(&file).expect("reads")).expect("json");
    assert_eq!(again, demo);
    let key = text(&orgs[0]["members"][2]["key"]);
    let http = Http::new(demo["base_url"].as_str().expect("a URL"));
    assert_eq!(http.get(&key, "/v1/models").await.status, 200);
    stop(second);
}
