//! A witness on a folder of its own, asked without a socket.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use base::testing::StillClock;
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tlog::Verifier;
use tlog::witness::cosignatures;
use tower::ServiceExt as _;
use witness::{Config, LogConfig, Witness};

use crate::log::{ORIGIN, signer};

pub(crate) const NAME: &str = "witness.customer.example/w1";

pub(crate) struct Stand {
    pub(crate) folder: TempDir,
    pub(crate) clock: StillClock,
    pub(crate) witness: Witness,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) body: String,
}

pub(crate) fn config(data: &Path) -> Config {
    Config {
        name: NAME.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        data: data.to_owned(),
        logs: vec![LogConfig {
            origin: ORIGIN.to_owned(),
            keys: vec![signer(1).verifier().to_string()],
        }],
    }
}

impl Stand {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = StillClock::new();
        let witness = Witness::open(&config(&folder.path().join("data")), clock.shared());
        Self { folder, clock, witness: witness.expect("a first start") }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The witness ends, however it was, and begins again.
    pub(crate) fn restart(self) -> Self {
        let Self { folder, clock, witness } = self;
        drop(witness);
        let witness = Witness::open(&config(&folder.path().join("data")), clock.shared());
        Self { witness: witness.expect("a restart"), folder, clock }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder().method(method).uri(path).body(Body::from(body));
        let response = self.witness.routes().oneshot(request.expect("a request")).await;
        let (head, body) = response.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: head.status.as_u16(),
            kind: head.headers[CONTENT_TYPE].to_str().expect("text").to_owned(),
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    pub(crate) async fn ask(&self, request: &tlog::witness::Request) -> Answer {
        self.send("POST", "/add-checkpoint", request.to_string().into_bytes()).await
    }

    /// Asks, and gives the times that both keys state under the checkpoint.
    pub(crate) async fn cosigned(&self, request: &tlog::witness::Request) -> [u64; 2] {
        let answer = self.ask(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.kind, "text/plain; charset=utf-8");
        times(&answer, request.note().text(), self.witness.verifiers())
    }

    pub(crate) async fn page(&self) -> String {
        self.send("GET", "/", Vec::new()).await.body
    }

    /// The files of evidence: their names without the digits of the hash, sorted.
    pub(crate) fn evidence(&self) -> Vec<String> {
        let mut names: Vec<String> = self.evidence_files().iter().map(|path| short(path)).collect();
        names.sort();
        names
    }

    pub(crate) fn evidence_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let Ok(logs) = std::fs::read_dir(self.data().join("evidence")) else { return found };
        for log in logs {
            let files = std::fs::read_dir(log.expect("an entry").path()).expect("a folder");
            found.extend(files.map(|file| file.expect("an entry").path()));
        }
        found
    }
}

pub(crate) fn times(answer: &Answer, text: &str, known: &[Verifier]) -> [u64; 2] {
    let found = cosignatures(answer.body.as_bytes(), text, known).expect("known witnesses");
    let times: Vec<u64> = found.iter().filter_map(|(_, by)| by.time_secs).collect();
    times.try_into().expect("two cosignatures")
}

fn short(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_str().expect("text");
    let (stem, end) = name.split_once('.').expect("an end");
    let (kind, _) = stem.rsplit_once('-').expect("a hash");
    format!("{kind}.{end}")
}
