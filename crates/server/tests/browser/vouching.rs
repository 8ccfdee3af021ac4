//! Identity providers of others, in Node: what `tests-clients/idp` has.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::http::Http;
use crate::tools::environment;

/// A running provider. It ends with what it reads from.
pub(crate) struct Vouching {
    child: Child,
    // It would be killed by what it prints if nobody listened.
    _out: BufReader<ChildStdout>,
    /// What it said when it listened.
    pub(crate) ready: Value,
    /// Where it is: `http://127.0.0.1:40001`.
    pub(crate) origin: String,
    http: Http,
}

impl Vouching {
    /// `oidc.mjs` or `saml.mjs`; none where Node has not installed them.
    pub(crate) fn start(script: &str) -> Option<Self> {
        let folder = environment("PORTICO_TEST_NODE_DIR").map(|folder| folder.join("idp"));
        let Some(folder) = folder.filter(|folder| folder.join("node_modules").exists()) else {
            eprintln!(
                "not tested: PORTICO_TEST_NODE_DIR does not say where the identity providers \
                 are; `cargo xtask test` installs them"
            );
            return None;
        };
        let mut child = Command::new("node")
            .arg(script)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let named = ready["issuer"].as_str().or(ready["entityId"].as_str()).expect("a name");
        let origin = named.strip_suffix("/metadata").unwrap_or(named).to_owned();
        Some(Self { child, _out: out, http: Http::new(&origin), origin, ready })
    }

    /// Tells it something, and gives what it answers.
    pub(crate) async fn told(&self, what: &str, said: &Value) -> Value {
        let answer = self.http.post("", &format!("/control/{what}"), said).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        answer.json()
    }

    /// How a SAML provider answers from now on; what is left out is as it is by itself.
    pub(crate) async fn answers(&self, shape: Value) {
        let mut whole = json!({ "encrypted": false, "signAssertion": true, "signResponse": false,
                                "certificate": 1, "published": 1 });
        if let (Some(all), Value::Object(other)) = (whole.as_object_mut(), shape) {
            all.extend(other);
        }
        self.told("shape", &whole).await;
    }
}

impl Drop for Vouching {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
