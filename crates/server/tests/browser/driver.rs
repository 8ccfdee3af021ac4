//! A chromedriver of one's own, and the protocol that it speaks (W3C `WebDriver`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Http;
use crate::tools::Tools;

/// The longest wait for anything that a page does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The longest wait for the driver, which itself waits so long for a page.
const DRIVER_PATIENCE: Duration = Duration::from_secs(40);

/// What makes a browser quiet, and the same everywhere.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    // Letters without coloured edges: pictures are smaller.
    "--disable-lcd-text",
    "--lang=en-GB",
    "--window-size=1280,800",
    // It ends when this pipe breaks: a killed test leaves no browser behind.
    "--remote-debugging-pipe",
];

/// What the driver would not do.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

/// A driver with one session in one browser. Both end with it.
pub(crate) struct Driver {
    child: Child,
    // It would be killed by what it prints if nobody listened.
    _out: BufReader<ChildStdout>,
    address: String,
    session: String,
    http: Http,
}

impl Driver {
    /// Starts a browser whose profile is in the folder.
    pub(crate) async fn start(tools: &Tools, profile: &Path) -> Self {
        let mut child = Command::new(&tools.driver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let port = out.by_ref().lines().find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = format!("127.0.0.1:{}", port.expect("chromedriver says its port"));
        let http = Http::new(&format!("http://{address}"));
        let mut driver = Self { child, _out: out, address, session: String::new(), http };
        driver.session = driver.open(tools, profile).await;
        driver
    }

    async fn open(&self, tools: &Tools, profile: &Path) -> String {
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.display()));
        let patience_ms = u64::try_from(PATIENCE.as_millis()).expect("small");
        let capabilities = json!({
            "browserName": "chrome",
            "timeouts": { "pageLoad": patience_ms, "script": patience_ms, "implicit": 0 },
            "goog:chromeOptions": { "binary": tools.browser, "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let made = self.send("POST", "/session", Some(&wanted)).await.expect("a browser");
        made["sessionId"].as_str().expect("a session").to_owned()
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let asked = self.http.try_ask(method, "", path, body);
        let answer = tokio::time::timeout(DRIVER_PATIENCE, asked).await;
        let answer = answer.ok().flatten().expect("chromedriver answers");
        let value = answer.json()["value"].take();
        if answer.status == 200 {
            return Ok(value);
        }
        let said = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        // The second line on is a trace of the driver's own.
        let message = said("message").lines().next().unwrap_or_default().to_owned();
        Err(Refused(format!("{}: {message}", said("error"))))
    }

    /// Asks the session to do something.
    pub(crate) async fn post(&self, what: &str, body: Value) -> Result<Value, Refused> {
        self.send("POST", &format!("/session/{}/{what}", self.session), Some(&body)).await
    }

    /// Asks the session about something.
    pub(crate) async fn get(&self, what: &str) -> Result<Value, Refused> {
        self.send("GET", &format!("/session/{}/{what}", self.session), None).await
    }

    /// Says something to the browser's own tools.
    pub(crate) async fn devtools(&self, command: &str, params: Value) {
        let body = json!({ "cmd": command, "params": params });
        self.post("goog/cdp/execute", body).await.expect("the browser's tools");
    }

    /// Runs a script beside the page, whatever the page allows itself.
    pub(crate) async fn script(&self, script: &str, args: Value) -> Result<Value, Refused> {
        self.post("execute/sync", json!({ "script": script, "args": args })).await
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // In order, so that the browser has left its folder when that is removed.
        let goodbye = || -> std::io::Result<()> {
            let mut socket = TcpStream::connect(&self.address)?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(
                socket,
                "DELETE /session/{} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                self.session, self.address
            )?;
            // It answers when the browser has ended, and keeps the connection.
            socket.read(&mut [0; 64]).map(drop)
        };
        // Nobody is left to tell when it fails.
        drop(goodbye());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
