//! Programs of others that judge what ours made. `cargo xtask test` installs them; without them
//! a test has nobody to ask.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often it is looked whether a server answers, and how long between two looks.
const LOOKS_MAX: usize = 200;
const BETWEEN: Duration = Duration::from_millis(100);

/// A Python with the packages of `tests-clients/requirements.txt`.
#[derive(Debug, Clone)]
pub struct Python(PathBuf);

impl Python {
    /// The one that `PORTICO_TEST_PYTHON` names.
    #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
    pub fn installed() -> Option<Self> {
        std::env::var("PORTICO_TEST_PYTHON").ok().map(|path| Self(path.into()))
    }

    /// A program that a package brought along.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.with_file_name(name)).filter(|program| program.exists())
    }

    /// What a script says of its input.
    pub fn says(&self, script: &str, args: &[&str], input: &str) -> String {
        let mut python = Command::new(&self.0);
        python.args(["-c", script]).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.stderr(Stdio::piped()).spawn().expect("runs");
        let mut stdin = child.stdin.take().expect("an input");
        // Whoever needs no input need not read it.
        let _unread = stdin.write_all(input.as_bytes());
        drop(stdin);
        let done = child.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

/// An S3-compatible server: `moto`, on a port of its own. It ends with this.
#[derive(Debug)]
pub struct Moto {
    server: Child,
    /// Where it is.
    pub endpoint: String,
}

impl Moto {
    /// Starts one, and waits until it answers; none where it is not installed.
    pub async fn start(python: &Python) -> Option<Self> {
        let program = python.program("moto_server")?;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().expect("starts");
        let moto = Self { server, endpoint: format!("http://127.0.0.1:{port}") };
        for _ in 0..LOOKS_MAX {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(moto);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        unreachable!("the server does not answer")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _gone = self.server.kill();
        let _reaped = self.server.wait();
    }
}
