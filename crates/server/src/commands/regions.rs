//! `portico regions`: whether cells keep what is theirs, attested and judged.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use attest::{Attested, Options, Plan};
use audit::Event;
use base::time::{SharedClock, SystemClock};
use clap::Subcommand;
use serde_json::json;

use super::bootstrap::{house, operator};
use super::say;

/// `portico regions …`
#[derive(Debug, Subcommand)]
pub(crate) enum RegionsCommand {
    /// Plants, probes and looks through every store of several cells, and signs what was found.
    Attest(Attest),
    /// Judges such a statement, offline.
    Verify(verify::Args),
}

/// `portico regions attest`
#[derive(Debug, clap::Args)]
pub(crate) struct Attest {
    /// The plan: which cells there are, and where the bytes of each lie.
    plan: PathBuf,
    /// How many wrong-region probes; one for each combination of route, method and credential,
    /// and 10,000 at least, if not given.
    #[arg(long)]
    probes: Option<u64>,
    /// Where the signed statement is written.
    #[arg(long, default_value = "residency.txt")]
    out: PathBuf,
    /// Also records it in an organization of the cell with this configuration.
    #[arg(long, requires = "org")]
    config: Option<PathBuf>,
    /// That organization: its id or its short name.
    #[arg(long, requires = "config")]
    org: Option<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl RegionsCommand {
    /// Runs it. A leak and a fault in a statement are an exit code of 1.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify(args) => Ok(ExitCode::from(args.run(&mut std::io::stdout().lock())?)),
            Self::Attest(attest) => {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
                runtime.block_on(Box::pin(attest.run()))
            }
        }
    }
}

impl Attest {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let plan = Plan::read(&self.plan)?;
        let clock: SharedClock = Arc::new(SystemClock);
        let progress = !self.json && std::io::stderr().is_terminal();
        let tell = |line: &str| {
            if progress {
                eprintln!("{line}");
            }
        };
        let options = Options { probes: self.probes };
        let attested = attest::attest(&plan, options, &clock, tell).await?;
        std::fs::write(&self.out, &attested.note)
            .with_context(|| format!("the statement {}", self.out.display()))?;
        if let (Some(config), Some(org)) = (&self.config, &self.org) {
            Box::pin(record(config, org, &attested)).await?;
        }
        let value = json!({
            "statement": attested.statement, "key": attested.verifier, "faults": attested.faults,
        });
        let mut lines = vec![figures(&attested)];
        lines.extend(attested.faults.iter().map(|fault| format!("FAULT {fault}")));
        for pointer in ["/leaks/told", "/probes/breaches", "/control/missed"] {
            let told = attested.statement.pointer(pointer).and_then(serde_json::Value::as_array);
            let told = told.into_iter().flatten().filter_map(serde_json::Value::as_str);
            lines.extend(told.map(|line| format!("  {line}")));
        }
        lines.push(format!("signed: {}\nkey: {}", self.out.display(), attested.verifier));
        say(self.json, &value, &lines.join("\n"));
        let sound = attested.faults.is_empty();
        Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The most important figures, on a line.
fn figures(attested: &Attested) -> String {
    let number = |pointer: &str| {
        let found = attested.statement.pointer(pointer).and_then(serde_json::Value::as_u64);
        found.unwrap_or_default()
    };
    format!(
        "{} of {} probes refused before their body; {} canaries planted, {} times found elsewhere; \
         {} of {} controls found",
        number("/probes/refused"),
        number("/probes/asked"),
        number("/canaries/planted"),
        number("/leaks/count"),
        number("/control/found"),
        number("/control/planted"),
    )
}

/// An event of the operator: that it was attested, and with what figures.
async fn record(config: &std::path::Path, org: &str, attested: &Attested) -> anyhow::Result<()> {
    let house = house(config).await?;
    let caller = operator(&house, org).await?;
    let number = |pointer: &str| json!({ "to": attested.statement.pointer(pointer) });
    let event =
        Event::done("regions.residency.attested", "statement", "residency").changes(json!({
            "probes": number("/probes/asked"),
            "canaries": number("/canaries/planted"),
            "leaks": number("/leaks/count"),
            "faults": { "to": attested.faults.len() },
        }));
    house.record.note(&caller, &event).await.context("the event of the attestation")?;
    house.close().await;
    Ok(())
}
