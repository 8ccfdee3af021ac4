//! A PostgreSQL of one test, which archives its log.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Nobody waits for a disk, and a checkpoint for nothing.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c fsync=off -c archive_mode=on \
    -c max_connections=100";

pub(crate) struct Cluster {
    folder: TempDir,
    data: PathBuf,
    port: u16,
}

impl Cluster {
    /// With the databases `directory` and `eu`, a role that owns them, one that serves and one
    /// that may replicate; or none, where PostgreSQL's own programs are not installed.
    pub(crate) fn start(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // Others must come through it: PostgreSQL does not run as root.
        for name in ["", "wal", "restored"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).expect("a folder");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).expect("opens it");
        }
        let data = folder.path().join("data");
        let cluster = Self { folder, data, port };
        program("initdb")?;
        let data = cluster.data.display().to_string();
        cluster.run(&[
            "initdb",
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=icu",
            "--icu-locale=en-US",
            "--no-sync",
            "--pgdata",
            &data,
        ]);
        let wal = cluster.wal().display().to_string();
        let archive = format!("archive_command = 'cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f'\n");
        let conf = cluster.data.join("postgresql.conf");
        let text = std::fs::read_to_string(&conf).expect("reads");
        std::fs::write(&conf, text + &archive).expect("writes");
        cluster.start_on(&cluster.data, port);
        for statement in [
            "CREATE ROLE portico_owner LOGIN",
            "CREATE ROLE portico_app LOGIN",
            "CREATE ROLE portico_backup LOGIN REPLICATION",
            "CREATE DATABASE directory OWNER portico_owner",
            "CREATE DATABASE eu OWNER portico_owner",
        ] {
            cluster.ask(port, "postgres", statement);
        }
        Some(cluster)
    }

    /// Starts a server on a data folder, and waits until it has recovered.
    pub(crate) fn start_on(&self, data: &Path, port: u16) {
        if is_root() {
            let owned = Command::new("chown").args(["-R", "postgres:"]).arg(data).status();
            assert!(owned.expect("runs").success());
        }
        let folder = self.folder.path().display();
        let options = format!("{SETTINGS} -p {port} -k {folder} -c hot_standby=off");
        let (data, log) = (data.display().to_string(), format!("{folder}/log-{port}"));
        self.run(&[
            "pg_ctl",
            "start",
            "--silent",
            "--wait",
            "--pgdata",
            &data,
            "--log",
            &log,
            "--options",
            &options,
        ]);
        let port = port.to_string();
        let program = program("pg_isready").expect("is installed");
        let ready = || {
            let mut ask = Command::new(&program);
            ask.args(["--quiet", "--host=127.0.0.1", "--port", &port]).status().expect("asks")
        };
        // `pg_ctl` does not wait for the end of a recovery.
        while !ready().success() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    pub(crate) fn stop(&self, data: &Path) {
        let data = data.display().to_string();
        self.run(&["pg_ctl", "stop", "--silent", "--mode=immediate", "--pgdata", &data]);
    }

    /// What a statement gives, as whoever may do anything.
    pub(crate) fn ask(&self, port: u16, database: &str, statement: &str) -> String {
        self.run(&[
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--host=127.0.0.1",
            "--username=postgres",
            "--port",
            &port.to_string(),
            "--dbname",
            database,
            "--command",
            statement,
        ])
    }

    /// Everything in a database, as text.
    pub(crate) fn dump(&self, port: u16, database: &str) -> String {
        self.run(&[
            "pg_dump",
            "--host=127.0.0.1",
            "--username=postgres",
            "--port",
            &port.to_string(),
            database,
        ])
    }

    /// Waits until all that was written until now is in the archive.
    pub(crate) async fn archived(&self) {
        let segment = self.ask(self.port, "postgres", "SELECT pg_walfile_name(pg_switch_wal())");
        while !self.wal().join(segment.trim()).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.folder.path().join("wal")
    }

    /// A folder that PostgreSQL reaches.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("restored")
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    fn run(&self, command: &[&str]) -> String {
        let (name, arguments) = command.split_first().expect("a program");
        let program = program(name).expect("is installed");
        let mut run = if is_root() {
            let mut run = Command::new("runuser");
            run.args(["-u", "postgres", "--"]).arg(program);
            run
        } else {
            Command::new(program)
        };
        run.args(arguments).current_dir("/").stdin(Stdio::null());
        // A server goes on, and would keep a pipe open.
        let log = self.folder.path().join("said");
        let file = std::fs::File::create(&log).expect("a file");
        if *name == "pg_ctl" {
            let status = run.stdout(Stdio::null()).stderr(file).status().expect("runs");
            let told = || {
                let logs = std::fs::read_dir(self.folder.path()).expect("a folder");
                let logs = logs.map(|it| it.expect("an entry").path());
                let logs = logs.filter(|path| path.display().to_string().contains("/log-"));
                logs.map(|path| std::fs::read_to_string(path).unwrap_or_default())
                    .collect::<String>()
            };
            assert!(status.success(), "{}", told());
            return String::new();
        }
        let output = run.output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop(&self.data.clone());
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Of Debian's newest, or on the `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|it| it.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    let on_path = std::env::var_os("PATH");
    let on_path = on_path.iter().flat_map(std::env::split_paths).map(|folder| folder.join(name));
    found.pop().or_else(|| on_path.into_iter().find(|path| path.is_file()))
}
