//! `portico org move`: what the operator does after an owner of the org has ordered it.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use access::Region;
use anyhow::Context as _;
use serde_json::json;

use super::bootstrap::{With, operator};
use super::say;
use crate::moves::{Mover, Outcome, READ_WITHIN};
use crate::storage;

/// `portico org move`
#[derive(Debug, clap::Args)]
pub(crate) struct MoveOrg {
    /// The organization: its id or its short name.
    #[arg(long)]
    org: String,
    /// Where it goes: us, eu or apac. An owner of it has ordered that.
    #[arg(long)]
    to: Region,
    /// Gives a move up that was begun and has not arrived; what was copied is erased.
    #[arg(long)]
    abandon: bool,
    /// Erases what somebody wrote in the region that it left while it was switched, too. Without
    /// it the command says so and erases nothing.
    #[arg(long, conflicts_with = "abandon")]
    erase_unseen: bool,
    /// Where the signed receipt of the erasure is written.
    #[arg(long, default_value = "move.txt")]
    out: PathBuf,
    #[command(flatten)]
    with: With,
}

impl MoveOrg {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = self.with.config()?;
        let house = self.with.house().await?;
        let org = operator(&house, &self.org).await?.org.clone();
        let found = house.directory.move_of(&org).await?;
        // Where it was at home when it was ordered: after the switch that is another region.
        let home = house.directory.home(&org).await?.context("it has no home")?;
        let from = found.map_or(home.region, |found| found.from);
        anyhow::ensure!(from != self.to, "{org} is at home in `{from}`");
        for region in [from, self.to] {
            anyhow::ensure!(
                house.databases.serves(region),
                "this configuration does not serve `{region}`: a move needs one that serves both"
            );
        }
        let progress = !self.with.json && std::io::stderr().is_terminal();
        let mover = Mover {
            house: &house,
            org: org.clone(),
            from,
            to: self.to,
            source: storage::owner(&config, from).await?,
            target: storage::owner(&config, self.to).await?,
            within: READ_WITHIN,
            erase_unseen: self.erase_unseen,
            tell: if progress { |line| eprintln!("{line}") } else { |_| {} },
        };
        if self.abandon {
            mover.abandon().await?;
            let value = json!({ "org": org, "abandoned": true });
            say(self.with.json, &value, &format!("{org}: the move to {} was given up", self.to));
        } else {
            let done = mover.run().await?;
            std::fs::write(&self.out, &done.receipt.note)
                .with_context(|| format!("the receipt {}", self.out.display()))?;
            say(self.with.json, &serde_json::to_value(&done)?, &self.sentence(&done));
        }
        house.close().await;
        Ok(())
    }

    fn sentence(&self, done: &Outcome) -> String {
        let Outcome { org, from, to, pause_ms, pause_rows, .. } = done;
        let pause = pause_ms.zip(*pause_rows);
        let pause = pause.map(|(ms, rows)| format!("; writes waited {ms} ms, for {rows} rows"));
        let pause = pause.unwrap_or_default();
        format!("{org} moved from {from} to {to}{pause}; receipt: {}", self.out.display())
    }
}
