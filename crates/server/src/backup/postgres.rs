//! PostgreSQL's own programs: a base backup, a data folder that recovers, and a server for a
//! drill.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use base::seal::make_folder;
use base::time::At;
use percent_encoding::percent_decode_str;

use super::tree;
use crate::config::Config;

/// Where Debian has the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Seconds that a server of a drill may recover.
const RECOVERY_SECS: &str = "7200";
/// How often it is asked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines of a server's log that tell why it did not.
const LINES: usize = 8;
/// The number in the name of the socket; there is no port.
const SOCKET_NUMBER: u16 = 5432;

/// The programs, and who runs a server.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: Option<PathBuf>,
    /// PostgreSQL refuses to run as root: then as this user.
    user: Option<String>,
}

impl Programs {
    pub(super) fn of(config: &Config) -> Self {
        let root = std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0);
        let user = root.then(|| config.backup.user.clone());
        Self { folder: config.backup.programs.clone(), user }
    }

    /// A program of this version, or of the newest that there is.
    pub(super) fn find(&self, program: &str, version: Option<&str>) -> PathBuf {
        if let Some(folder) = &self.folder {
            return folder.join(program);
        }
        let found = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        let mut found: Vec<(u32, PathBuf)> = found
            .filter_map(|it| {
                let number = it.file_name().to_str()?.parse().ok()?;
                Some((number, it.path().join("bin").join(program)))
            })
            .filter(|(_, path)| path.is_file())
            .collect();
        found.sort();
        let wanted = version.and_then(|version| version.parse::<u32>().ok());
        let same = found.iter().find(|(number, _)| Some(*number) == wanted).cloned();
        same.or_else(|| found.pop()).map_or_else(|| PathBuf::from(program), |(_, path)| path)
    }

    /// Copies a server into a folder, with as much of its log as the copy needs to start.
    pub(super) fn base_backup(&self, url: &str, to: &Path, progress: bool) -> anyhow::Result<()> {
        if let Some(parent) = to.parent() {
            make_folder(parent)?;
        }
        run(self.copier(url, to, progress)?, progress)
    }

    /// The program that copies a server. Arguments are shown to every user of the machine, so
    /// no password is among them.
    fn copier(&self, url: &str, to: &Path, progress: bool) -> anyhow::Result<Command> {
        let (url, password) = without_password(url)?;
        let mut command = Command::new(self.find("pg_basebackup", None));
        command.args(["--dbname", &url, "--wal-method=stream", "--checkpoint=fast"]);
        command.args(["--no-password", "--manifest-checksums=SHA256", "--pgdata"]).arg(to);
        if let Some(password) = password {
            command.env("PGPASSWORD", OsStr::from_bytes(&password));
        }
        if progress {
            command.arg("--progress");
        }
        Ok(command)
    }

    /// Starts a server on what was restored, in which nobody else can look, and waits until it
    /// has recovered.
    pub(super) fn start(&self, data: &Path, sockets: &Path) -> anyhow::Result<Server> {
        let version = std::fs::read_to_string(data.join("PG_VERSION")).unwrap_or_default();
        let access = sockets.join("pg_hba.conf");
        tree::write(&access, b"local all all trust\n")?;
        for path in [data, sockets] {
            anyhow::ensure!(is_plain(path), "{}: a path without quotes or spaces", path.display());
            self.give_away(path)?;
        }
        let shown = |path: &Path| path.display().to_string();
        let settings = [
            ("data_directory", shown(data)),
            ("hba_file", shown(&access)),
            ("unix_socket_directories", shown(sockets)),
            ("port", SOCKET_NUMBER.to_string()),
            ("listen_addresses", String::new()),
            // Nothing of it goes out, and nothing waits for another machine.
            ("archive_mode", "off".to_owned()),
            ("synchronous_standby_names", String::new()),
            ("primary_conninfo", String::new()),
            ("ssl", "off".to_owned()),
            ("logging_collector", "off".to_owned()),
            // Whoever is let in finds it recovered.
            ("hot_standby", "off".to_owned()),
        ];
        let mut options = String::new();
        for (name, value) in settings {
            let _infallible = write!(options, "-c {name}='{value}' ");
        }
        let log = sockets.join("log");
        let pg_ctl = self.find("pg_ctl", Some(version.trim()));
        let server = Server { programs: self.clone(), pg_ctl, data: data.to_owned() };
        let mut command = self.as_server(&server.pg_ctl);
        command.args(["start", "--silent", "--wait", "--timeout", RECOVERY_SECS, "--pgdata"]);
        command.arg(data).arg("--log").arg(&log).arg("--options").arg(options);
        if !quietly(command)? || !self.recovered(&server, sockets)? {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
            anyhow::bail!("the restored PostgreSQL did not recover:\n{}", last.join("\n"));
        }
        Ok(server)
    }

    /// Waits until a server lets somebody in; false if it has ended. `pg_ctl` waits for less.
    fn recovered(&self, server: &Server, sockets: &Path) -> anyhow::Result<bool> {
        loop {
            let mut ready = Command::new(server.pg_ctl.with_file_name("pg_isready"));
            ready.args(["--port", &SOCKET_NUMBER.to_string(), "--host"]).arg(sockets);
            if quietly(ready)? {
                return Ok(true);
            }
            let mut status = self.as_server(&server.pg_ctl);
            status.args(["status", "--pgdata"]).arg(&server.data);
            if !quietly(status)? {
                return Ok(false);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// As whoever may run a server.
    fn as_server(&self, program: &Path) -> Command {
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir("/");
        command
    }

    /// Lets the server's user have a tree.
    pub(super) fn give_away(&self, path: &Path) -> anyhow::Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let mut command = Command::new("chown");
        command.args(["-R", &format!("{user}:")]).arg(path);
        run(command, false)
    }

    /// Who must own what a server is started on, if not who runs this.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

/// A server of a drill. Dropped, it is stopped.
#[derive(Debug)]
pub(super) struct Server {
    programs: Programs,
    pg_ctl: PathBuf,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = self.programs.as_server(&self.pg_ctl);
        command.args(["stop", "--silent", "--mode=immediate", "--pgdata"]).arg(&self.data);
        // Nobody is left to tell when it fails.
        let _stopped = quietly(command);
    }
}

/// Makes a data folder recover: to the end of the archived log, or to an instant.
pub(super) fn recover(data: &Path, wal: Option<&Path>, until: Option<At>) -> anyhow::Result<()> {
    let mut text = std::fs::read_to_string(data.join("postgresql.auto.conf")).unwrap_or_default();
    text.push_str("\n# portico restore\nsynchronous_standby_names = ''\n");
    if let Some(wal) = wal {
        anyhow::ensure!(
            is_plain(wal) && wal.is_absolute(),
            "wal_archive {}: an absolute path without quotes or spaces",
            wal.display()
        );
        let wal = wal.display();
        // What pg_receivewal has not finished yet counts too.
        let _infallible = writeln!(
            text,
            "restore_command = 'if test -f {wal}/%f; then cp {wal}/%f %p; else cp {wal}/%f.partial %p; fi'\n\
             recovery_target_timeline = 'latest'"
        );
        if let Some(until) = until {
            // It knows no `Z` while it reads its settings.
            let until = until.to_string().replace('T', " ").replace('Z', "+00");
            let _infallible = writeln!(
                text,
                "recovery_target_time = '{until}'\nrecovery_target_action = 'promote'"
            );
        }
        tree::write(&data.join("recovery.signal"), b"")?;
    }
    tree::write(&data.join("postgresql.auto.conf"), text.as_bytes())?;
    // Debian has these elsewhere.
    for (name, text) in [
        ("postgresql.conf", "# Written by `portico restore`: put the server's own in its place.\n"),
        (
            "pg_hba.conf",
            "# Written by `portico restore`: put the server's own in its place.\nlocal all all peer\n",
        ),
    ] {
        if !data.join(name).exists() {
            tree::write(&data.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}

/// The URL of a database as a server of a drill has it.
pub(super) fn within(url: &str, sockets: &Path) -> anyhow::Result<String> {
    let (_, rest) = url.split_once("://").context("no URL of a database")?;
    let (authority, rest) = rest.split_once('/').context("a URL without a database")?;
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let user = user.split(':').next().unwrap_or(user);
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let options = query.split('&').find(|it| it.starts_with("options="));
    let options = options.map(|options| format!("&{options}")).unwrap_or_default();
    let sockets = sockets.display();
    Ok(format!("postgres://{user}@localhost:{SOCKET_NUMBER}/{name}?host={sockets}{options}"))
}

/// The URL of a database without its password, and the password: what stands behind the user,
/// or else in the query. It is read as PostgreSQL's programs read it.
fn without_password(url: &str) -> anyhow::Result<(String, Option<Vec<u8>>)> {
    let (scheme, rest) = url.split_once("://").context("no URL of a database")?;
    let user = rest.split_once('@').filter(|(user, _)| !user.contains('/'));
    let (user, rest) = user.map_or((None, rest), |(user, rest)| (Some(user), rest));
    let (user, first) = user.map_or((None, None), |it| match it.split_once(':') {
        Some((user, password)) => (Some(user), Some(password)),
        None => (Some(it), None),
    });
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (secret, open): (Vec<_>, Vec<_>) =
        query.split('&').partition(|it| it.starts_with("password="));
    let password = secret.last().and_then(|it| it.split_once('=')).map(|(_, it)| it).or(first);
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let open = open.join("&");
    let mark = if open.is_empty() { "" } else { "?" };
    Ok((
        format!("{scheme}://{user}{place}{mark}{open}"),
        password.map(|it| percent_decode_str(it).collect()),
    ))
}

fn is_plain(path: &Path) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@,:".contains(&byte);
    path.to_str().is_some_and(|path| path.bytes().all(plain))
}

/// Runs a program that says nothing to anybody, for what it starts may keep its output; gives
/// whether it went well.
fn quietly(mut command: Command) -> anyhow::Result<bool> {
    let program = command.get_program().display().to_string();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status().context(program)?.success())
}

/// Runs a program to its end; what it says goes to the terminal or into the error.
fn run(mut command: Command, shown: bool) -> anyhow::Result<()> {
    let program = command.get_program().display().to_string();
    command.stdin(Stdio::null());
    if shown {
        command.stderr(Stdio::inherit());
    }
    let ended = command.output().with_context(|| program.clone())?;
    let said = String::from_utf8_lossy(&ended.stderr);
    anyhow::ensure!(ended.status.success(), "{program}: {}", said.trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_same_database_of_the_drill() {
        let there = |url| within(url, Path::new("/tmp/d")).unwrap();
        let one = there(
            "postgres://app:secret@db1.eu,db2.eu:5433/portico?target_session_attrs=read-write",
        );
        assert_eq!(one, "postgres://app@localhost:5432/portico?host=/tmp/d");
        let other = there("postgres://app@db/portico?sslmode=require&options=-csearch_path%3Dt");
        assert!(other.ends_with("/portico?host=/tmp/d&options=-csearch_path%3Dt"), "{other}");
    }

    #[test]
    fn no_user_of_the_machine_is_shown_the_password_of_the_role_that_replicates() {
        let programs = Programs { folder: Some(PathBuf::from("/bin")), user: None };
        let told = |url: &str| {
            let command = programs.copier(url, Path::new("/to"), false).unwrap();
            let arguments: Vec<_> = command.get_args().map(|it| it.to_str().unwrap()).collect();
            let word = command.get_envs().find(|(name, _)| *name == "PGPASSWORD");
            let word = word.and_then(|(_, it)| Some(it?.to_str()?.to_owned()));
            assert_eq!(arguments[0], "--dbname");
            assert!(!arguments.join(" ").contains("hush"), "{arguments:?}");
            (arguments[1].to_owned(), word)
        };
        let hosts = "db1.eu,db2.eu:5433/postgres";
        for (url, without, word) in [
            (
                format!("postgres://copier:hush%40%C3%BC%2@{hosts}?sslmode=require"),
                format!("postgres://copier@{hosts}?sslmode=require"),
                Some("hush@ü%2"),
            ),
            (
                format!("postgres://{hosts}?user=copier&password=hush&sslmode=require"),
                format!("postgres://{hosts}?user=copier&sslmode=require"),
                Some("hush"),
            ),
            (
                "postgres://copier:hush?@db".to_owned(),
                "postgres://copier@db".to_owned(),
                Some("hush?"),
            ),
            (format!("postgres://copier@{hosts}"), format!("postgres://copier@{hosts}"), None),
        ] {
            assert_eq!(told(&url), (without, word.map(str::to_owned)));
        }
    }

    #[test]
    fn a_data_folder_recovers_from_the_archive_to_an_instant() {
        let folder = tempfile::tempdir().unwrap();
        let until = "2026-11-26T12:00:00Z".parse().unwrap();
        recover(folder.path(), Some(Path::new("/wal")), Some(until)).unwrap();
        let text = std::fs::read_to_string(folder.path().join("postgresql.auto.conf")).unwrap();
        assert!(text.contains("cp /wal/%f %p"), "{text}");
        assert!(text.contains("recovery_target_time = '2026-11-26 12:00:00+00'"), "{text}");
        assert!(folder.path().join("recovery.signal").exists());
        let refused = recover(folder.path(), Some(Path::new("/wal'; rm")), None);
        assert!(refused.is_err(), "nothing of a path is a command");
    }
}
