//! What an operator decides before the process starts: one TOML file, and secrets
//! from `PORTICO_…` variables or files. A key that we do not know is an error: a
//! misspelt limit must not become "no limit".

mod address;
mod load;
mod secrets;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use access::Region;
use base::bodies::Bodies;
use base::metrics::Metrics;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub(crate) use self::address::authority;
pub(crate) use self::load::{BadConfig, REFERENCE, load};
pub(crate) use self::secrets::OperatorSecrets;

/// The whole configuration; every room owns its own part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Names this node in the record and in metrics; stable over restarts.
    pub(crate) node: String,
    /// The folder of root keys, and of `SQLite` files where no database is named.
    pub(crate) data: PathBuf,
    /// The regions that this node serves.
    pub(crate) regions: Vec<Region>,
    /// What is acknowledged must survive the loss of a machine: no start without a synchronous
    /// standby of every region's database.
    pub(crate) production: bool,
    pub(crate) listen: Listen,
    pub(crate) cell: nodes::Config,
    pub(crate) database: BTreeMap<DatabaseName, Database>,
    pub(crate) session: Session,
    pub(crate) log: Log,
    pub(crate) record: audit::LogConfig,
    pub(crate) otlp: Otlp,
    pub(crate) mail: Option<Mail>,
    pub(crate) outbound: Outbound,
    pub(crate) support: support::Config,
    pub(crate) limits: limits::Config,
    pub(crate) gateway: gateway::Config,
    pub(crate) backup: Backup,
    /// Of a drill, which only reads the published logs: where each lies, if not in `data`.
    #[serde(skip)]
    pub(crate) drill: Option<BTreeMap<Region, PathBuf>>,
}

/// `[listen]`: the doors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Where callers and people arrive.
    pub(crate) address: SocketAddr,
    /// Where probes and Prometheus arrive; not for the public.
    pub(crate) ops: SocketAddr,
    /// Where people reach this Portico: links, identity providers and passkeys are told it.
    pub(crate) public_url: Option<String>,
    /// The certificate chain (PEM); re-read when the file changes.
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) tls_key_file: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed: networks. Empty: nobody's.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Connections at once; further ones wait.
    pub(crate) connections_max: usize,
    /// A whole request head must have arrived by then; also how long an idle connection lives.
    pub(crate) head_timeout_ms: u64,
    /// Bytes of all bodies under way together; who finds no room waits, and is refused in the end.
    pub(crate) bodies_bytes_max: usize,
    /// Bytes of all whole answers of models together; who finds no room waits, and is refused.
    pub(crate) answers_bytes_max: usize,
    /// How long a body, or an answer, waits for room at most.
    pub(crate) bodies_wait_ms: u64,
    /// How long readiness is off before the door closes.
    pub(crate) drain_wait_ms: u64,
    /// How long answers under way may take to end after that.
    pub(crate) drain_timeout_ms: u64,
}

/// A region, or the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DatabaseName {
    Directory,
    Us,
    Eu,
    Apac,
}

/// `[database.<region>]` or `[database.directory]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// `postgres://…` or `sqlite://…`, as the role that owns nothing.
    pub(crate) url: String,
    /// As the role that owns the tables; used by migrations and by `portico record tier` alone.
    #[serde(default)]
    pub(crate) owner_url: Option<String>,
    /// As the role that may replicate; used by `portico backup` alone.
    #[serde(default)]
    pub(crate) backup_url: Option<String>,
    /// Where the server archives its log: a moment behind a backup is restored from there.
    #[serde(default)]
    pub(crate) wal_archive: Option<PathBuf>,
}

/// `[backup]`: the programs of PostgreSQL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Backup {
    /// The folder of `pg_basebackup` and `pg_ctl`; the one of Debian or the `PATH` if not given.
    pub(crate) programs: Option<PathBuf>,
    /// Who runs a server of a drill, if the drill is root's.
    pub(crate) user: String,
}

/// `[session]`: people's sign-ins.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Session {
    /// Cookies are sent over HTTPS alone. Off only for a trial on one machine.
    pub(crate) secure_cookies: bool,
    /// A sign-in ends this long after it began.
    pub(crate) lifetime_secs: i64,
    /// A sign-in ends when it was not used for this long.
    pub(crate) idle_secs: i64,
}

/// `[log]`: one line per event on standard error.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `json` or `text`.
    pub(crate) format: LogFormat,
    /// As `tracing` filters read it: `info`, `warn,gateway=debug`.
    pub(crate) level: String,
}

/// `[otlp]`: where traces of calls are sent; off without an endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Otlp {
    /// A collector that takes OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`.
    pub(crate) endpoint: Option<String>,
    /// What this node calls itself there.
    pub(crate) service_name: String,
    /// A file with one header for the collector: `authorization: Bearer …`.
    pub(crate) header_file: Option<PathBuf>,
}

/// `[mail]`: who takes links to their people; without it they are handed out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    /// `smtps://HOST`, or `smtp://HOST`, which must offer STARTTLS; in the open only to
    /// this machine itself.
    pub(crate) smtp_url: String,
    /// Who letters are from: an address, perhaps with a name before it.
    pub(crate) from: String,
    /// Who we are there; nobody signs in if not given.
    pub(crate) user: Option<String>,
    /// The environment variable of the password.
    pub(crate) password_env: Option<String>,
    /// The file of the password.
    pub(crate) password_file: Option<PathBuf>,
    /// Roots (PEM) that are trusted beside the public ones.
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[outbound]`: what this node fetches from addresses that orgs give: metadata and keys
/// of identity providers, and names in the DNS.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outbound {
    /// Addresses inside a network may be asked too. Only where every org is trusted.
    pub(crate) private_addresses: bool,
    /// `http://` may be asked too. Only for a trial.
    pub(crate) plain_http: bool,
    /// Roots (PEM) that are trusted beside the public ones.
    pub(crate) ca_file: Option<PathBuf>,
    /// Who resolves domains that orgs claim; the machine's own resolver if not given.
    pub(crate) resolver: Option<SocketAddr>,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Json,
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node: "portico-1".to_owned(),
            data: PathBuf::from("portico-data"),
            regions: Region::ALL.to_vec(),
            production: false,
            listen: Listen::default(),
            cell: nodes::Config::default(),
            database: BTreeMap::new(),
            session: Session::default(),
            log: Log::default(),
            record: audit::LogConfig::default(),
            otlp: Otlp::default(),
            mail: None,
            outbound: Outbound::default(),
            support: support::Config::default(),
            limits: limits::Config::default(),
            gateway: gateway::Config::default(),
            backup: Backup::default(),
            drill: None,
        }
    }
}

impl Default for Backup {
    fn default() -> Self {
        Self { programs: None, user: "postgres".to_owned() }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            ops: SocketAddr::from(([127, 0, 0, 1], 9090)),
            public_url: None,
            tls_cert_file: None,
            tls_key_file: None,
            trusted_proxies: Vec::new(),
            connections_max: 10_000,
            head_timeout_ms: 30_000,
            bodies_bytes_max: 256 << 20,
            answers_bytes_max: 256 << 20,
            bodies_wait_ms: 10_000,
            drain_wait_ms: 0,
            drain_timeout_ms: 60_000,
        }
    }
}

impl Listen {
    /// The room for bodies under way.
    pub(crate) fn bodies(&self, metrics: &Metrics) -> Bodies {
        Bodies::new(self.bodies_bytes_max, Duration::from_millis(self.bodies_wait_ms), metrics)
    }

    /// The room for whole answers of models.
    pub(crate) fn answers(&self, metrics: &Metrics) -> Bodies {
        let wait_max = Duration::from_millis(self.bodies_wait_ms);
        Bodies::of_answers(self.answers_bytes_max, wait_max, metrics)
    }
}

impl Default for Session {
    fn default() -> Self {
        Self { secure_cookies: true, lifetime_secs: 43_200, idle_secs: 3_600 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: "info".to_owned() }
    }
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: None, service_name: "portico".to_owned(), header_file: None }
    }
}

impl Database {
    /// Reached by this URL alone.
    pub(crate) const fn at(url: String) -> Self {
        Self { url, owner_url: None, backup_url: None, wal_archive: None }
    }
}

impl From<Region> for DatabaseName {
    fn from(region: Region) -> Self {
        match region {
            Region::Us => Self::Us,
            Region::Eu => Self::Eu,
            Region::Apac => Self::Apac,
        }
    }
}

impl DatabaseName {
    /// As in the file and in file names.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Us => "us",
            Self::Eu => "eu",
            Self::Apac => "apac",
        }
    }
}

impl Config {
    /// The database of this name: what the file says, or a `SQLite` file in the data folder.
    pub(crate) fn database(&self, name: DatabaseName) -> Database {
        self.database.get(&name).cloned().unwrap_or_else(|| {
            let file = self.data.join(format!("{}.db", name.as_str()));
            Database::at(format!("sqlite://{}", file.display()))
        })
    }

    /// The root key of a region or of the directory.
    pub(crate) fn root_key_file(&self, name: DatabaseName) -> PathBuf {
        self.data.join("keys").join(format!("{}.key", name.as_str()))
    }

    /// The folder of the secrets of epochs: apart from the root keys, for it is to be backed
    /// up apart from them.
    pub(crate) fn epochs(&self) -> PathBuf {
        self.record.epochs.clone().unwrap_or_else(|| self.data.join("epochs"))
    }

    /// Paths in the file are relative to the file.
    fn resolve(&mut self, folder: &Path) {
        self.data = folder.join(&self.data);
        let Listen { tls_cert_file, tls_key_file, .. } = &mut self.listen;
        let mut files = vec![
            tls_cert_file,
            tls_key_file,
            &mut self.otlp.header_file,
            &mut self.outbound.ca_file,
            &mut self.limits.password_file,
            &mut self.limits.ca_file,
            &mut self.backup.programs,
        ];
        if let Some(Mail { password_file, ca_file, .. }) = &mut self.mail {
            files.extend([password_file, ca_file]);
        }
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
        for database in self.database.values_mut() {
            if let Some(wal) = &mut database.wal_archive {
                *wal = folder.join(&*wal);
            }
        }
        let kms = self.record.kms.values_mut();
        let kms = kms.flat_map(|kms| [&mut kms.token_file, &mut kms.ca_file]);
        for file in kms.chain([&mut self.record.epochs]).flatten() {
            *file = folder.join(&*file);
        }
        for s3 in self.record.s3.values_mut() {
            if let Some(file) = &mut s3.secret_key_file {
                *file = folder.join(&*file).display().to_string();
            }
        }
        for endpoint in self.gateway.endpoints.values_mut() {
            if let Some(file) = &mut endpoint.key_file {
                *file = folder.join(&*file).display().to_string();
            }
        }
    }
}
