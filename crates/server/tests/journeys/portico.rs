//! A running `portico`, with organizations made at its command line.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base::testing::Bench;
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Http;

/// A password of everybody in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Portico {
    folder: TempDir,
    child: Option<Child>,
    pub(crate) base: String,
    pub(crate) ops: String,
    pub(crate) http: Http,
}

/// What one test wants beyond the others.
#[derive(Clone, Copy, Default)]
pub(crate) struct Extra<'a> {
    /// More keys of `[listen]`.
    pub(crate) listen: &'a str,
    /// More tables.
    pub(crate) config: &'a str,
    /// Files beside the configuration, which it may name.
    pub(crate) files: &'a [(&'a str, &'a str)],
}

/// An org with a key for each of the four roles.
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) owner: String,
    pub(crate) admin: String,
    pub(crate) member: String,
    pub(crate) viewer: String,
    pub(crate) owner_id: String,
    pub(crate) member_id: String,
}

/// A port below those that the system lends to whoever calls: a browser would take one of
/// them before the server listens.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let place = std::process::id() * 31 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(10_000 + place % 20_000).expect("small");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// What these databases are shared as with the tests that come later.
const DIRECTORY: &str = "journey_directory";
const REGION: &str = "journey_region";

/// The table of a configuration that says where a database is.
fn table(name: &str, [url, owner_url]: &[String; 2]) -> String {
    format!("[database.{name}]\nurl = \"{url}\"\nowner_url = \"{owner_url}\"\n")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("reads") {
        let file = file.expect("reads");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copies");
    }
}

impl Portico {
    /// One on each engine, not yet serving. `gateway` is TOML.
    pub(crate) async fn on_each_engine(gateway: &str) -> Vec<Self> {
        let mut all = vec![Self::on_sqlite(gateway)];
        all.extend(Self::on_postgres(gateway).await);
        all
    }

    /// One on PostgreSQL, if there is one.
    pub(crate) async fn on_postgres(gateway: &str) -> Option<Self> {
        let directory = Bench::database_like(DIRECTORY).await?;
        let mut config = table("directory", &directory);
        let mut region = None;
        for name in ["us", "eu", "apac"] {
            let urls = Bench::database_like(REGION).await?;
            config.push_str(&table(name, &urls));
            region = Some(urls);
        }
        config.push_str(gateway);
        let portico = Self::with(Extra { config: &config, ..Extra::default() });
        Bench::share(&directory, DIRECTORY).await;
        Bench::share(&region?, REGION).await;
        Some(portico)
    }

    /// One whose regions are on different engines, `eu` on PostgreSQL, if there is one.
    pub(crate) async fn on_both(gateway: &str) -> Option<Self> {
        let config = table("eu", &Bench::database_like(REGION).await?) + gateway;
        Some(Self::with(Extra { config: &config, ..Extra::default() }))
    }

    /// Another node over the same databases, with the same keys and the same log.
    pub(crate) fn beside(&self, node: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (address, ops) = (free_port(), free_port());
        let (base, new_ops) =
            (format!("http://127.0.0.1:{address}"), format!("http://127.0.0.1:{ops}"));
        let data = self.folder.path().join("data");
        let mut text = std::fs::read_to_string(self.config()).expect("reads");
        for (from, to) in [(&self.base, &base), (&self.ops, &new_ops)] {
            let place = |url: &str| url.strip_prefix("http://").expect("a URL").to_owned();
            text = text.replace(&place(from), &place(to));
        }
        let own = format!("node = \"{node}\"\ndata = \"{}\"", data.display());
        std::fs::write(folder.path().join("portico.toml"), text.replace("data = \"data\"", &own))
            .expect("writes");
        Self { folder, child: None, http: Http::new(&base), base, ops: new_ops }
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().expect("it serves").id()
    }

    /// Stops it where it stands, as a machine does that hangs; or lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill");
        assert!(sent.success());
    }

    /// Whether it has ended by itself within that time, and badly.
    pub(crate) async fn gave_up(&mut self, within: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < within {
            let child = self.child.as_mut().expect("it serves");
            if let Some(status) = child.try_wait().expect("asks") {
                return !status.success();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    pub(crate) fn on_sqlite(gateway: &str) -> Self {
        Self::with(Extra { config: gateway, ..Extra::default() })
    }

    /// One on `SQLite`, configured further.
    pub(crate) fn with(extra: Extra<'_>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in extra.files {
            std::fs::write(folder.path().join(name), text).expect("writes");
        }
        let (address, ops) = (free_port(), free_port());
        let Extra { listen, config, .. } = extra;
        let patience =
            if listen.contains("drain_timeout_ms") { "" } else { "drain_timeout_ms = 5000" };
        let text = format!(
            "data = \"data\"\n[listen]\naddress = \"127.0.0.1:{address}\"\nops = \"127.0.0.1:{ops}\"\n\
             {patience}\n{listen}\n[session]\nsecure_cookies = false\n\
             [log]\nlevel = \"warn\"\n{config}"
        );
        std::fs::write(folder.path().join("portico.toml"), text).expect("writes");
        let (base, ops) =
            (format!("http://127.0.0.1:{address}"), format!("http://127.0.0.1:{ops}"));
        let portico = Self { folder, child: None, http: Http::new(&base), base, ops };
        portico.migrate(config.contains("[database."));
        portico
    }

    /// Makes the tables; files are copied from whoever made them first.
    fn migrate(&self, elsewhere: bool) {
        let shared = base::testing::shared("journeys").filter(|_| !elsewhere);
        let data = self.folder().join("data");
        if let Some(shared) = shared.as_deref().filter(|shared| shared.exists()) {
            copy(shared, &data);
        }
        self.run(&["migrate"], "");
        if let Some(shared) = shared.filter(|shared| !shared.exists()) {
            let near = tempfile::tempdir_in(shared.parent().expect("a folder")).expect("a folder");
            copy(&data, near.path());
            // Whoever was faster made the same.
            let _named = std::fs::rename(near.keep(), shared);
        }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("portico.toml")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command to its end, and gives what it prints.
    pub(crate) fn run(&self, args: &[&str], input: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
        command.args(args).arg("--config").arg(self.config());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("writes");
        drop(stdin);
        let output = child.wait_with_output().expect("ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn json(&self, args: &[&str], input: &str) -> Value {
        let mut all = args.to_vec();
        all.push("--json");
        serde_json::from_str(&self.run(&all, input)).expect("json")
    }

    /// Makes an org with an owner, an admin, a member and a viewer, a key each.
    pub(crate) fn org(&self, slug: &str, region: &str) -> Org {
        let name = format!("Org of {slug}");
        let args = ["org", "create", "--name", &name, "--slug", slug, "--region", region];
        let id = text(&self.json(&args, "")["id"]);
        let mut ids = Vec::new();
        let mut keys = Vec::new();
        for role in ["owner", "admin", "member", "viewer"] {
            let email = format!("{role}@{slug}.example");
            let role = format!("org:{role}");
            let args = [
                "member", "create", "--org", slug, "--email", &email, "--name", &role, "--role",
                &role,
            ];
            let member = text(&self.json(&args, &format!("{PASSWORD}\n"))["id"]);
            let args = ["key", "create", "--org", slug, "--owner", &member, "--name", "test"];
            keys.push(text(&self.json(&args, "")["key"]));
            ids.push(member);
        }
        let [owner, admin, member, viewer] = keys.try_into().expect("four");
        let [owner_id, _, member_id, _] = ids.try_into().expect("four");
        Org { id, slug: slug.to_owned(), owner, admin, member, viewer, owner_id, member_id }
    }

    /// Starts serving and waits until it is ready.
    pub(crate) async fn serve(&mut self) {
        self.start();
        self.ready().await;
    }

    /// Starts, and waits until its doors are open, whatever it answers there.
    pub(crate) async fn wake(&mut self) {
        self.start();
        self.answers("/livez").await;
    }

    /// Serves in this environment, which has what its configuration needs.
    pub(crate) async fn serve_in(&mut self, environment: &[(String, String)]) {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_portico"));
        serve.env_clear().envs(environment.iter().cloned());
        self.begin(&mut serve);
        self.ready().await;
    }

    fn start(&mut self) {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_portico"));
        self.begin(serve.env("PORTICO_FAKE", "sk-fake"));
    }

    fn begin(&mut self, serve: &mut Command) {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let child = serve
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("starts");
        self.child = Some(child);
    }

    pub(crate) async fn ready(&mut self) {
        self.answers("/readyz").await;
    }

    async fn answers(&mut self, path: &str) {
        let ops = Http::new(&self.ops);
        let begun = Instant::now();
        loop {
            let answer = ops.try_ask("GET", "", path, None).await;
            if answer.is_some_and(|answer| answer.status == 200) {
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "{}", self.log());
            assert!(begun.elapsed() < Duration::from_secs(30), "not ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// As a power cut does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("kills");
            child.wait().expect("ends");
        }
    }

    /// As Kubernetes does: SIGTERM, then wait. Gives whether it ended well.
    pub(crate) fn terminate(&mut self) -> bool {
        self.ask_to_stop();
        self.ended_well()
    }

    /// SIGTERM alone.
    pub(crate) fn ask_to_stop(&self) {
        let sent = Command::new("kill").arg(self.process().to_string()).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn ended_well(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return false };
        child.wait().expect("ends").success()
    }
}

impl Drop for Portico {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| unreachable!("text, not {value}")).to_owned()
}
