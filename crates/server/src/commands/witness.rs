//! `portico witness`: what a customer runs, out of reach of whoever runs Portico.

use std::path::PathBuf;
use std::sync::Arc;

use base::time::SystemClock;
use clap::Subcommand;

use crate::config::Log;
use crate::serve::Stop;
use crate::telemetry;

/// `portico witness …`
#[derive(Debug, clap::Args)]
pub(crate) struct WitnessOptions {
    /// The configuration file of the witness.
    #[arg(long, default_value = "witness.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<WitnessCommand>,
}

#[derive(Debug, Subcommand)]
enum WitnessCommand {
    /// Prints its verifier keys, one a line; makes them if there are none yet.
    Key {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

impl WitnessOptions {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = witness::Config::read(&self.config)?;
        match self.command {
            Some(WitnessCommand::Key { json }) => {
                let keys: Vec<_> =
                    witness::verifiers(&config)?.iter().map(ToString::to_string).collect();
                if json {
                    println!("{}", serde_json::json!({ "keys": keys }));
                } else {
                    println!("{}", keys.join("\n"));
                }
            }
            None => {
                telemetry::start(&Log::default());
                let mut stop = Stop::listen()?;
                let stopped = async move { stop.asked().await };
                witness::run(config, Arc::new(SystemClock), stopped).await?;
            }
        }
        Ok(())
    }
}
