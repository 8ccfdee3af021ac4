//! Backups, for a person at a terminal and for cron.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use base::time::{At, SharedClock, SystemClock};
use clap::{Args, Subcommand};
use serde_json::json;

use super::bootstrap::With;
use super::say;
use crate::backup::{Cell, Drill, Drilled, Manifest, Of, Restore, Stray, Take, strays};
use crate::serve::Stop;

/// `portico backup …`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub(crate) struct BackupOptions {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// The folder that the backup becomes; it must not be there.
    #[arg(long, required = true)]
    to: Option<PathBuf>,
    /// Also copies the keys, to another folder: keep the two apart.
    #[arg(long)]
    secrets_to: Option<PathBuf>,
    #[command(flatten)]
    with: With,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Compares every file of a backup with its manifest, without a database or a key.
    Verify {
        /// The backup.
        backup: PathBuf,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Restores a backup into a temporary place, reads it, and says what would be lost and how
    /// long it took.
    Drill {
        /// The backup.
        #[arg(long)]
        from: PathBuf,
        /// The instant to which PostgreSQL recovers; the end of its archived log if not given.
        #[arg(long)]
        until: Option<At>,
        /// Where the temporary place is made.
        #[arg(long)]
        within: Option<PathBuf>,
        #[command(flatten)]
        with: With,
    },
}

/// `portico restore …`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub(crate) struct RestoreOptions {
    #[command(subcommand)]
    command: Option<RestoreCommand>,
    /// The backup.
    #[arg(long, required = true)]
    from: Option<PathBuf>,
    /// The data folder that it becomes; nothing may be there.
    #[arg(long, required = true)]
    to: Option<PathBuf>,
    /// The instant to which PostgreSQL recovers; the end of its archived log if not given.
    #[arg(long)]
    until: Option<At>,
    /// A data folder whose published log outlived the loss.
    #[arg(long)]
    published: Option<PathBuf>,
    /// A copy of the keys, as `portico backup --secrets-to` made it.
    #[arg(long)]
    secrets: Option<PathBuf>,
    #[command(flatten)]
    with: With,
}

#[derive(Debug, Subcommand)]
enum RestoreCommand {
    /// Brings a restored database to where its published log ends, and erases again who was
    /// erased since. While no node serves.
    Replay(With),
}

impl BackupOptions {
    /// Runs it. What differs, and a fault in a drill, are an exit code of 1.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        match self.command {
            Some(BackupCommand::Verify { backup, json }) => verify(&backup, json),
            Some(BackupCommand::Drill { from, until, within, with }) => {
                let within = std::path::absolute(within.unwrap_or_else(std::env::temp_dir))?;
                runtime.block_on(Box::pin(drill(Drill { from, until, within }, &with)))
            }
            None => {
                let to = self.to.context("--to is missing")?;
                let progress = progress(&self.with);
                let take = Take { to, secrets_to: self.secrets_to, progress };
                runtime.block_on(Box::pin(take_one(take, &self.with)))
            }
        }
    }
}

async fn take_one(take: Take, with: &With) -> anyhow::Result<ExitCode> {
    let config = with.config()?;
    let tell = tell(take.progress);
    // What is being read again when it is stopped may still become whole.
    let left = format!("{} and a copy of the keys are whole if they are there", take.to.display());
    let taken = Box::pin(or_stopped(take.run(&config, clock(), &tell), &left)).await?;
    let mut lines = vec![format!(
        "{}: {} events, {} files, {} bytes in {:.1} s; opens until {}",
        taken.to.display(),
        taken.events,
        taken.files,
        taken.bytes,
        taken.seconds,
        taken.opens_until
    )];
    if let (Some(to), Some(by)) = (&take.secrets_to, taken.destroy_secrets_by) {
        lines.push(format!("{}: the keys; destroy it by {by}", to.display()));
    }
    say(with.json, &serde_json::to_value(&taken)?, &lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn verify(backup: &std::path::Path, json: bool) -> anyhow::Result<ExitCode> {
    let manifest = Manifest::read(backup)?;
    let differs = manifest.differs(backup)?;
    let (of, ended) = match &manifest.of {
        Of::Cell(Cell { ended, .. }) => ("cell", ended),
        Of::Secrets { made, .. } => ("keys", made),
    };
    let value = json!({
        "of": of, "ended": ended, "files": manifest.files.len(), "bytes": manifest.bytes(),
        "differs": differs,
    });
    let line = if differs.is_empty() {
        let (files, bytes) = (manifest.files.len(), manifest.bytes());
        format!("{}: whole, of {ended}: {files} files, {bytes} bytes", backup.display())
    } else {
        format!("{}: not what was written: {}", backup.display(), differs.join("; "))
    };
    say(json, &value, &line);
    Ok(if differs.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn drill(drill: Drill, with: &With) -> anyhow::Result<ExitCode> {
    let config = with.config()?;
    let tell = tell(progress(with));
    let run = drill.run(&config, clock(), &tell);
    let drilled = Box::pin(or_stopped(run, "nothing of it is left")).await?;
    say(with.json, &serde_json::to_value(&drilled)?, &report(&drilled));
    let sound = drilled.faults.is_empty();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(drilled: &Drilled) -> String {
    let Drilled { rpo, rto, .. } = drilled;
    let lost = match (rpo.events, rpo.seconds) {
        (0, _) => "nothing that was acknowledged would be lost".to_owned(),
        (events, Some(seconds)) => {
            format!("{events} events of the last {seconds:.1} s would be lost")
        }
        (events, None) => format!("{events} published events would be lost"),
    };
    let mut lines = vec![
        format!("{}, of {}", drilled.from.display(), drilled.begun),
        format!("RPO  {lost} (asked: {})", rpo.against),
        format!(
            "RTO  {:.1} s: verify {:.1}, copy {:.1}, recover {:.1}, replay {:.1}",
            rto.seconds, rto.verify, rto.copy, rto.recover, rto.replay
        ),
        format!("read again: {} events in {:.1} s", drilled.events, drilled.reading_seconds),
    ];
    lines.extend(drilled.replayed.iter().map(line_of));
    lines.extend(drilled.faults.iter().map(|fault| format!("FAULT {fault}")));
    lines.join("\n")
}

impl RestoreOptions {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        if let Some(RestoreCommand::Replay(with)) = self.command {
            return Box::pin(replay(&with)).await;
        }
        let config = self.with.config()?;
        let restore = Restore {
            from: self.from.context("--from is missing")?,
            to: std::path::absolute(self.to.context("--to is missing")?)?,
            until: self.until,
            published: self.published,
            secrets: self.secrets,
        };
        let now = clock().now();
        let restored = tokio::task::spawn_blocking(move || restore.run(&config, now)).await??;
        let mut lines = vec![format!("{}: restored. Next:", restored.to.display())];
        lines.extend(restored.next.iter().map(|step| format!("  {step}")));
        say(self.with.json, &serde_json::to_value(&restored)?, &lines.join("\n"));
        Ok(())
    }
}

async fn replay(with: &With) -> anyhow::Result<()> {
    let config = with.config()?;
    let house = with.house().await?;
    let strays = strays(&house, &config.regions).await?;
    for stray in &strays {
        stray.take_back(&house).await?;
    }
    let mut replayed = Vec::new();
    for region in &config.regions {
        replayed.extend(house.privacy.replay(*region).await?);
    }
    let checked = house.log.check().await.context("the record and what was published of it");
    house.close().await;
    checked?;
    let mut lines: Vec<String> = strays
        .iter()
        .map(|Stray { org, from, to }| {
            format!("{org}: at home in `{to}` again, as before it moved to `{from}`: move it again")
        })
        .collect();
    lines.extend(replayed.iter().map(line_of));
    if lines.is_empty() {
        lines.push("nothing to replay: the databases have all that was published".to_owned());
    }
    let value = json!({ "replayed": replayed, "takenBack": strays });
    say(with.json, &value, &lines.join("\n"));
    Ok(())
}

fn line_of(replayed: &privacy::Replayed) -> String {
    let privacy::Replayed { org, found, published, erased } = replayed;
    let lost = published - found;
    format!(
        "{org}: had {found} of {published} events; what {lost} said is lost; {erased} people were erased again"
    )
}

/// Whoever is told to stop leaves nothing half done, and says what is left.
async fn or_stopped<T>(
    work: impl Future<Output = anyhow::Result<T>>,
    left: &str,
) -> anyhow::Result<T> {
    let mut stop = Stop::listen()?;
    tokio::select! {
        done = work => done,
        () = stop.asked() => anyhow::bail!("stopped; {left}"),
    }
}

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

fn progress(with: &With) -> bool {
    !with.json && std::io::stderr().is_terminal()
}

fn tell(progress: bool) -> impl Fn(&str) + Sync {
    move |line| {
        if progress {
            eprintln!("{line}");
        }
    }
}
