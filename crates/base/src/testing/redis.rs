//! A store of counters: `redis-server`, which tests kill, freeze and empty.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How often it is looked whether the server answers, and how long between two looks.
const LOOKS_MAX: usize = 400;
const BETWEEN: Duration = Duration::from_millis(25);

/// A server on a port of its own, which keeps everything in memory. It ends with this.
#[derive(Debug)]
pub struct Redis {
    server: Option<Child>,
    port: u16,
    settings: Vec<String>,
}

impl Redis {
    /// Starts one, and waits until it answers; none where it is not installed.
    /// `cargo xtask test` installs it.
    pub async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same, with settings of its own: `["--requirepass", "secret"]`.
    pub async fn with(settings: &[&str]) -> Option<Self> {
        let installed = Command::new("redis-server").arg("--version").output().is_ok();
        if !installed {
            return None;
        }
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut redis = Self { server: None, port, settings };
        redis.restart().await;
        Some(redis)
    }

    /// Where it is: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again where it was: empty, or with what `SAVE` left in a `--dir` of its own.
    pub async fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]).args(&self.settings);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(command.spawn().expect("starts"));
        for _ in 0..LOOKS_MAX {
            // One that wants a password first says so.
            if self.asked("PING").await.is_some_and(|said| !said.starts_with("-LOADING")) {
                return;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        unreachable!("the server does not answer")
    }

    /// What it says to one line; nothing if it says nothing.
    pub async fn asked(&self, line: &str) -> Option<String> {
        let asked = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
            stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
            let mut said = vec![0; 4096];
            let length = stream.read(&mut said).await.ok()?;
            said.truncate(length);
            String::from_utf8(said).ok()
        };
        timeout(Duration::from_secs(2), asked).await.ok()?.filter(|said| !said.is_empty())
    }

    /// Ends it at once, as a crash does: what was in memory is gone.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _gone = server.kill();
            let _reaped = server.wait();
        }
    }

    /// Stops it where it stands: it keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let server = self.server.as_ref().expect("runs").id().to_string();
        let sent = Command::new("kill").args([signal, &server]).status().expect("runs");
        assert!(sent.success(), "the signal arrives");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
