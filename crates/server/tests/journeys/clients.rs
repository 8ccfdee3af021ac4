//! The official `openai` clients, unmodified but for the base URL and the key.

use std::process::Command;

use gateway::testing::FakeProvider;
use serde_json::{Value, json};

use crate::portico::{Portico, text};

const SCRIPTS: [&str; 2] = ["client_test.py", "client_test.mjs"];

#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A key that may make two calls a minute.
async fn limited_key(portico: &Portico, owner: &str) -> String {
    let made = portico.http.post(owner, "/api/keys", &json!({ "name": "limited" })).await;
    assert!(made.status < 300, "{}", made.text);
    let made = made.json();
    let id = made["key"]["id"].as_str().or(made["id"].as_str()).expect("an id").to_owned();
    let ceiling = json!({ "rpm": 2 });
    let set =
        portico.http.ask("PUT", owner, &format!("/api/limits/key/{id}"), Some(&ceiling)).await;
    assert!(set.status < 300, "{}", set.text);
    secret(&made)
}

/// The secret, which is shown once.
fn secret(made: &Value) -> String {
    let all = made.to_string();
    let start = all.find("pk_").expect("a secret");
    all[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_python_and_node_clients_work_unmodified() {
    // `cargo xtask test` installs the clients and names where they are.
    let (Some(python), Some(node)) =
        (environment("PORTICO_TEST_PYTHON"), environment("PORTICO_TEST_NODE_DIR"))
    else {
        return;
    };
    let provider = FakeProvider::start().await;
    let gateway = format!(
        "[gateway.endpoints.fake]\nspeaks = \"openai\"\nbase_url = \"{}\"\nregion = \"eu\"\n\
         [gateway.models.small]\nfree = true\nroutes = [{{ endpoint = \"fake\" }}]\n\
         [gateway.models.embed]\nfree = true\ndoes = \"embeddings\"\nroutes = [{{ endpoint = \"fake\" }}]\n",
        provider.base_url()
    );
    let mut portico = Portico::on_sqlite(&gateway);
    let org = portico.org("acme", "eu");
    portico.serve().await;
    for script in SCRIPTS {
        let world = json!({
            "base_url": format!("{}/v1", portico.base), "key": org.member, "viewer_key": org.viewer,
            "limited_key": limited_key(&portico, &org.owner).await, "model": "small",
            "embedding_model": "embed", "big": true,
        });
        let program = if script.ends_with("py") { python.as_str() } else { "node" };
        let (program, folder, world) = (program.to_owned(), node.clone(), world.to_string());
        let run = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(program);
            command.arg(script).current_dir(folder).env("PORTICO_CLIENT_WORLD", world);
            command.output().expect("runs")
        });
        let output = run.await.expect("ends");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}\n{out}\n{err}");
        assert!(out.matches("ok ").count() >= 15, "{script} ran its checks: {out}");
    }
    let events = portico.http.get(&org.owner, "/api/events?outcome=denied").await.json();
    let denied = events["items"].as_array().expect("a list");
    assert!(denied.iter().any(|event| text(&event["action"]) == "gateway.call.refused"));
}
