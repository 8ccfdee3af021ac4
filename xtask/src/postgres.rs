//! A PostgreSQL that lives as long as the tests do.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::shell::{self, Outcome};

/// How often another port is tried, when somebody took the free one before the server did.
const START_ATTEMPTS_MAX: u32 = 5;

/// Made for speed: what a crash would lose is thrown away anyway.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c max_connections=400 -c fsync=off \
     -c full_page_writes=off -c autovacuum=off -c log_min_messages=fatal";

/// Stops the server and removes its folder when our end of its input closes: at the end,
/// after a failure, and also when we are killed. It takes no part in the terminal's Ctrl-C.
const KEEPER: &str = r#"
trap "" INT TERM HUP
cat > /dev/null
folder=$1; shift
"$@" > /dev/null 2>&1
rm -rf "$folder"
"#;

/// A throwaway cluster. Dropping it stops the server and removes its files.
#[derive(Debug)]
pub(crate) struct Cluster {
    keeper: Child,
    port: u16,
}

impl Cluster {
    /// Starts a cluster with the database and the two roles that the tests use.
    pub(crate) fn start() -> Outcome<Self> {
        let server = Server::find()?;
        let folder = std::env::temp_dir().join("portico-postgres.XXXXXX");
        let folder = shell::read(server.command("mktemp").arg("-d").arg(folder))?;
        let folder = PathBuf::from(folder);
        let data = folder.join("data");
        let mut cluster = Self { keeper: server.keeper(&folder, &data)?, port: 0 };

        let mut initdb = server.command(server.bin("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        // A customer's sorts text by a language, in which no two alphabets stand as in bytes.
        initdb.args(["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]);
        initdb.args(["--no-sync", "--pgdata"]).arg(&data);
        shell::read(&mut initdb)?;

        cluster.port = server.listen(&folder, &data)?;
        server.create_roles(cluster.port)?;
        Ok(cluster)
    }

    /// Where the tests find it: the owner of the schema, and the role that the product runs as.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let url = |role| format!("postgres://{role}@127.0.0.1:{}/portico_test", self.port);
        [
            ("TEST_POSTGRES_OWNER_URL", url("portico_owner")),
            ("TEST_POSTGRES_URL", url("portico_app")),
        ]
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nobody is left to tell when it fails.
        let _ = self.keeper.wait();
    }
}

/// The server's programs, and who runs them.
struct Server {
    programs: PathBuf,
    /// PostgreSQL refuses to run as root; then somebody else does it.
    user: Option<&'static str>,
}

impl Server {
    fn find() -> Outcome<Self> {
        let programs = installed()?;
        let exists = |user: &str| shell::read(Command::new("id").args(["-u", user])).is_ok();
        let user = match (shell::is_root(), exists("postgres")) {
            (false, _) => None,
            (true, true) => Some("postgres"),
            (true, false) => Some("nobody"),
        };
        Ok(Self { programs, user })
    }

    fn bin(&self, program: &str) -> PathBuf {
        self.programs.join(program)
    }

    /// The program, run by the right user in a folder that this user may enter.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir(std::env::temp_dir());
        command
    }

    fn keeper(&self, folder: &Path, data: &Path) -> Outcome<Child> {
        let mut stop = self.command(self.bin("pg_ctl"));
        stop.args(["stop", "--mode=immediate", "--pgdata"]).arg(data);
        Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder)
            .arg(stop.get_program())
            .args(stop.get_args())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start the keeper of PostgreSQL: {error}"))
    }

    /// Starts the server and returns the port on which it listens.
    fn listen(&self, folder: &Path, data: &Path) -> Outcome<u16> {
        let log = folder.join("log");
        let mut why = String::new();
        for _ in 0..START_ATTEMPTS_MAX {
            let port = free_port().map_err(|error| format!("no free port: {error}"))?;
            let options = format!("-p {port} -k '{}' {SETTINGS}", folder.display());
            let mut start = self.command(self.bin("pg_ctl"));
            start.args(["start", "--silent", "--wait", "--log"]).arg(&log);
            start.arg("--pgdata").arg(data).arg("--options").arg(options);
            match shell::read(&mut start) {
                Ok(_) => return Ok(port),
                Err(error) => why = error,
            }
        }
        let log = fs::read_to_string(log).unwrap_or_default();
        Err(format!("PostgreSQL does not start: {why}\n{}", log.trim_end()))
    }

    fn create_roles(&self, port: u16) -> Outcome<()> {
        let psql = |database: &str, statements: &[&str]| {
            let mut psql = self.command(self.bin("psql"));
            psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host=127.0.0.1"]);
            psql.args(["--username=postgres", "--dbname", database, "--port", &port.to_string()]);
            psql.args(statements.iter().flat_map(|statement| ["--command", statement]));
            shell::read(&mut psql).map(drop)
        };
        psql(
            "postgres",
            &[
                "CREATE ROLE portico_owner LOGIN CREATEDB",
                "CREATE ROLE portico_app LOGIN",
                "CREATE DATABASE portico_test OWNER portico_owner",
            ],
        )?;
        // What newer servers do by themselves.
        psql("portico_test", &["REVOKE CREATE ON SCHEMA public FROM PUBLIC"])
    }
}

/// The folder of the server's programs, installed if they are missing and may be.
pub(crate) fn installed() -> Outcome<PathBuf> {
    if let Some(programs) = programs() {
        return Ok(programs);
    }
    shell::install(&["postgresql"]).map_err(|why| format!("PostgreSQL server: {why}"))?;
    Ok(programs().ok_or("PostgreSQL server: installed, but its programs are not found")?)
}

/// The newest that Debian has, or one on the `PATH`.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").is_file())
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, programs)) => Some(programs),
        None => shell::find("initdb")?.parent().map(Path::to_path_buf),
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
