//! The command line.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod backup;
mod bootstrap;
mod moves;
mod nodes;
mod privacy;
mod record;
mod regions;
mod tier;
mod witness;

pub(crate) use self::bootstrap::{OPERATOR, create_org};

use std::path::PathBuf;
use std::process::ExitCode;

use base::problem::Problem;
use clap::{Parser, Subcommand};

use self::backup::{BackupOptions, RestoreOptions};
use self::bootstrap::{KeyCommand, MemberCommand, OrgCommand};
use self::privacy::PrivacyCommand;
use self::record::RecordCommand;
use self::regions::RegionsCommand;
use self::witness::WitnessOptions;
use crate::config::{self, Config};
use crate::demo::DemoOptions;
use crate::door::Tls;
use crate::{allocator, demo, log, outbound, serve, storage};

/// The AI gateway that records every call before it releases the answer.
#[derive(Debug, Parser)]
#[command(name = "portico", version, arg_required_else_help = true)]
pub(crate) enum Command {
    /// Runs all three regions in one process with three sample organizations.
    Demo(DemoOptions),
    /// Serves as a configuration file says.
    Serve(ConfigFile),
    /// Applies pending migrations to every database of a configuration.
    Migrate(JsonAnd<ConfigFile>),
    /// Checks or explains configurations.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Prints what each built-in role may do.
    Policy {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints every action and field that the record may hold.
    Actions {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Organizations.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Members of an organization.
    #[command(subcommand)]
    Member(MemberCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints which nodes serve each region.
    Nodes(JsonAnd<ConfigFile>),
    /// What is held of people: erasures, legal holds, retention.
    #[command(subcommand)]
    Privacy(PrivacyCommand),
    /// What only the operator says of the record.
    #[command(subcommand)]
    Record(RecordCommand),
    /// Takes, verifies and drills backups of the whole cell.
    Backup(BackupOptions),
    /// Restores a backup into an empty place, and replays what it does not know.
    Restore(RestoreOptions),
    /// Whether cells keep what is theirs.
    #[command(subcommand)]
    Regions(RegionsCommand),
    /// Verifies an evidence bundle, a receipt or a statement of residency, offline.
    Verify(verify::Args),
    /// Runs a witness of other people's logs, or prints its keys.
    Witness(WitnessOptions),
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "portico.toml")]
    pub(crate) config: PathBuf,
}

/// Arguments, and whether to print JSON.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct JsonAnd<T: clap::Args> {
    #[command(flatten)]
    pub(crate) inner: T,
    /// Print as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `portico config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Checks a file as `serve` would, without serving.
    Check(ConfigFile),
    /// Prints every key with its meaning.
    Reference,
}

impl Command {
    /// Whether it runs until it is told to stop.
    pub(crate) fn stays(&self) -> bool {
        matches!(self, Self::Demo(_) | Self::Serve(_) | Self::Witness(_))
    }

    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let done = match self {
            // Its verdict is its exit code.
            Self::Verify(args) => {
                return Ok(ExitCode::from(args.run(&mut std::io::stdout().lock())?));
            }
            Self::Regions(command) => return command.run(),
            Self::Backup(options) => return options.run(),
            Self::Demo(options) => block_on(demo::run(options)),
            Self::Witness(options) => block_on(options.run()),
            Self::Serve(ConfigFile { config: file }) => {
                let config = config::load(&file)?;
                block_on(serve::run(config, Some(file)))
            }
            Self::Migrate(JsonAnd { inner, json }) => block_on(migrate(inner.load()?, json)),
            Self::Nodes(JsonAnd { inner, json }) => block_on(nodes::list(inner.load()?, json)),
            Self::Config(ConfigCommand::Check(file)) => {
                let config = file.load()?;
                if let (Some(cert), Some(key)) =
                    (&config.listen.tls_cert_file, &config.listen.tls_key_file)
                {
                    Tls::open(cert, key)?;
                }
                outbound::open(&config.outbound)?;
                log::check(&config)?;
                println!("{}: no fault", file.config.display());
                if config.record.is_unnamed() {
                    println!("{}", serve::UNNAMED);
                }
                Ok(())
            }
            Self::Config(ConfigCommand::Reference) => {
                print!("{}", config::REFERENCE);
                Ok(())
            }
            Self::Policy { json } => policy(json),
            Self::Actions { json } => {
                actions(json);
                Ok(())
            }
            Self::Org(command) => block_on(command.run()),
            Self::Member(command) => block_on(command.run()),
            Self::Key(command) => block_on(command.run()),
            Self::Record(command) => block_on(command.run()),
            Self::Privacy(command) => block_on(command.run()),
            Self::Restore(options) => block_on(options.run()),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

impl ConfigFile {
    pub(crate) fn load(&self) -> Result<Config, config::BadConfig> {
        config::load(&self.config)
    }
}

/// Says why a command failed, cause by cause.
pub(crate) fn say_error(error: &anyhow::Error) {
    eprintln!("portico: {error:#}");
    // A room's refusal knows which fields are wrong.
    for cause in error.chain() {
        let Some(problem) = cause.downcast_ref::<Problem>() else { continue };
        for field in problem.errors_of_fields() {
            eprintln!("  {}: {}", field.pointer.trim_start_matches('/'), field.detail);
        }
    }
}

/// Prints a line for people, or a value for programs.
fn say(json: bool, value: &serde_json::Value, line: &str) {
    if json { println!("{value}") } else { println!("{line}") }
}

/// The demo's banner.
pub(crate) fn banner(text: &str) {
    println!("{text}");
}

/// Threads for what waits for a disk or takes long, at most: each keeps memory of its own.
const BLOCKING_THREADS_MAX: usize = 16;

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().max_blocking_threads(BLOCKING_THREADS_MAX);
    let runtime = runtime.build()?;
    let within = runtime.enter();
    allocator::outlive_callers()?;
    drop(within);
    runtime.block_on(work)
}

async fn migrate(config: Config, json: bool) -> anyhow::Result<()> {
    let applied = storage::migrate(&config).await?;
    if json {
        let by_name: serde_json::Map<_, _> =
            applied.into_iter().map(|(name, steps)| (name.to_owned(), steps.into())).collect();
        println!("{}", serde_json::Value::from(by_name));
        return Ok(());
    }
    for (name, steps) in applied {
        match steps.as_slice() {
            [] => println!("{name}: nothing to do"),
            steps => println!("{name}: applied {}", steps.join(", ")),
        }
    }
    Ok(())
}

fn actions(json: bool) {
    if json {
        let value = serde_json::json!({ "fields": audit::fields(), "actions": audit::actions() });
        println!("{value}");
    } else {
        print!("{}", audit::catalogue());
    }
}

fn policy(json: bool) -> anyhow::Result<()> {
    if !json {
        print!("{}", access::policy());
        return Ok(());
    }
    let mut roles = serde_json::Map::new();
    for role in access::Role::ALL {
        let may: Vec<_> = role.permissions()?.iter().map(access::Permission::as_str).collect();
        roles.insert(role.to_string(), serde_json::json!({ "is": role.definition(), "may": may }));
    }
    println!("{}", serde_json::Value::from(roles));
    Ok(())
}
