//! The mover: the operator's command, step by step. What it has done is in the directory, so it
//! is begun again wherever it was cut off, and goes on from there.

use std::time::{Duration, Instant};

use access::{Caller, OrgId, Region};
use anyhow::Context as _;
use audit::Event;
use base::db::Db;
use regions::{Move, Step};
use serde::Serialize;
use serde_json::json;

use super::compare::Held;
use super::erase::Receipt;
use super::rows::Rows;
use crate::wire::House;

/// How long every process that serves the org may take to say that it knows of the move, or
/// that its gate is closed.
const KNOW_WITHIN: Duration = Duration::from_secs(15);
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// How long what is done behind the fence may take. Nodes lift a fence after five seconds, and
/// some of these are needed to close the gates.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(2);
/// Rounds before the first fence, in which what changed is brought over, and how long one takes
/// where there is no need of more.
const ROUNDS_MAX: u32 = 20;
const SHORT_ROUND: Duration = Duration::from_millis(200);
/// Fences that are tried.
const TRIES_MAX: u32 = 5;
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Somebody else was faster: another run of the command, or a node.
pub(super) const ELSEWHERE: &str = "it is at another step by now: run it again";

/// Moves one org.
#[derive(Debug)]
pub(crate) struct Mover<'a> {
    pub(crate) house: &'a House,
    pub(crate) org: OrgId,
    pub(crate) from: Region,
    pub(crate) to: Region,
    /// The databases of both as whoever owns their tables.
    pub(crate) source: Db,
    pub(crate) target: Db,
    /// How long copying and comparing may take behind the fence: see [`READ_WITHIN`].
    pub(crate) within: Duration,
    /// What somebody wrote in the source behind the fence is erased too.
    pub(crate) erase_unseen: bool,
    /// Who is told how far it is.
    pub(crate) tell: fn(&str),
}

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) org: OrgId,
    pub(crate) from: Region,
    pub(crate) to: Region,
    /// For how long writes of the org waited; absent where an earlier run made the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pause_ms: Option<u64>,
    /// Rows that were looked at meanwhile, events included; absent like the pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pause_rows: Option<u64>,
    pub(crate) receipt: Receipt,
}

/// What was behind the fence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    ms: u64,
    /// Rows that were looked at.
    rows: u64,
}

impl Mover<'_> {
    /// Whatever is left to do.
    pub(crate) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.found().await?;
        let mut pause = None;
        if found.step < Step::Moved {
            self.begin(&found).await?;
            pause = Some(self.carry_over().await?);
        } else {
            self.look_again().await?;
        }
        (self.tell)("moved; erasing what was left");
        let receipt = self.erase().await?;
        let Self { org, from, to, .. } = self;
        let (pause_ms, pause_rows) = pause.map(|pause| (pause.ms, pause.rows)).unzip();
        Ok(Outcome { org, from, to, pause_ms, pause_rows, receipt })
    }

    /// Gives it up before the switch: the target is clean again, and the org was served all along.
    pub(crate) async fn abandon(self) -> anyhow::Result<()> {
        let found = self.found().await?;
        let directory = &self.house.directory;
        if found.step == Step::Ordered {
            anyhow::ensure!(directory.withdraw_move(&self.org).await?, ELSEWHERE);
            return Ok(());
        }
        self.give_up(&found).await?;
        let eraser = self.take_turns(Step::Abandoning).await?;
        self.clean(self.to, &self.target, &eraser).await?;
        self.end_turns(&eraser).await?;
        self.note(self.from, "regions.move.abandoned", json!({ "to": self.to })).await?;
        anyhow::ensure!(directory.abandon_move(&self.org).await?, ELSEWHERE);
        Ok(())
    }

    /// Nobody switches it any more, whoever moves it beside this; only then is anything erased.
    pub(super) async fn give_up(&self, found: &Move) -> anyhow::Result<()> {
        anyhow::ensure!(found.step < Step::Moved, "it has moved: order it back instead");
        let directory = &self.house.directory;
        if found.step == Step::Fenced {
            let lifted = directory.lift_fence(&self.org, found.fence).await?;
            anyhow::ensure!(lifted, ELSEWHERE);
        }
        if found.step != Step::Abandoning {
            anyhow::ensure!(directory.give_up_move(&self.org).await?, ELSEWHERE);
        }
        Ok(())
    }

    pub(super) async fn found(&self) -> anyhow::Result<Move> {
        let found = self.house.directory.move_of(&self.org).await?;
        let found = found.filter(|found| found.step != Step::Done && found.to == self.to);
        found.with_context(|| {
            format!(
                "nothing of {} is ordered to move to `{}`: an owner of it orders that, \
                 at PUT /api/region/move",
                self.org, self.to
            )
        })
    }

    async fn begin(&self, found: &Move) -> anyhow::Result<()> {
        let directory = &self.house.directory;
        anyhow::ensure!(
            found.step != Step::Abandoning,
            "it is being given up: run it with `--abandon` to the end"
        );
        self.served_together().await?;
        if found.step == Step::Ordered {
            let moving = json!({ "from": self.from, "to": self.to });
            self.note(self.from, "regions.move.begun", moving).await?;
            anyhow::ensure!(
                directory.begin_move(&self.org, self.to).await?,
                "it was begun by others"
            );
        }
        if found.step == Step::Fenced {
            // An earlier run was cut off behind its fence.
            directory.lift_fence(&self.org, found.fence).await?;
        }
        let homes = self.house.databases.homes();
        homes.settle(&self.org, homes.born(&self.org, self.from), self.from);
        let now = directory.move_of(&self.org).await?.context("it was given up")?;
        anyhow::ensure!(now.step == Step::Copying, ELSEWHERE);
        let known = self.answered(now.fence, KNOW_WITHIN).await?;
        anyhow::ensure!(known, "a process that serves `{}` does not say that it knows", self.from);
        Ok(())
    }

    /// Copies, compares, fences and switches.
    async fn carry_over(&self) -> anyhow::Result<Pause> {
        let (source, target) = ((&self.source, self.from), (&self.target, self.to));
        let mut rows = Rows::open(&self.org, self.house, source, target).await?;
        let done = self.carry(&mut rows).await;
        if done.is_err() {
            // Whatever it noted is of no use to another run. That one takes this away otherwise.
            let _of_no_use = rows.close().await;
        }
        done
    }

    async fn carry(&self, rows: &mut Rows<'_>) -> anyhow::Result<Pause> {
        let copied = rows.copy().await?;
        let files = self.house.log.carry(&self.org, (self.from, self.to)).await?;
        (self.tell)(&format!("copied {copied} rows, {} files; comparing them", files.fresh));
        rows.compare().await?;
        let same = self.house.log.compare(&self.org, (self.from, self.to)).await?;
        anyhow::ensure!(same, "other files of its log lie at the target");
        self.fits(rows).await?;
        let mut last = None;
        for _ in 0..TRIES_MAX {
            match self.switch(rows).await {
                Ok(pause) => {
                    self.arrived(pause.ms, &rows.held()).await?;
                    if !self.erase_unseen {
                        rows.is_left_alone().await?;
                    }
                    return Ok(pause);
                }
                Err(error) => {
                    (self.tell)(&format!("not yet: {error:#}"));
                    last = Some(error);
                }
            }
            tokio::time::sleep(TRY_EVERY).await;
            rows.follow().await?;
            rows.forget().await?;
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("it was not tried")))
    }

    /// Brings over what changed meanwhile until that takes no longer than writes may wait: the
    /// last round is what is done behind the fence, before anybody waits for it.
    async fn fits(&self, rows: &mut Rows<'_>) -> anyhow::Result<()> {
        let mut least = Duration::MAX;
        for _ in 0..ROUNDS_MAX {
            let begun = Instant::now();
            let changed = self.bring(rows).await?;
            // Another checkpoint may be there by now.
            let (to, org) = ((self.from, self.to), &self.org);
            let _once_more = self.house.log.is_carried(org, to).await?;
            let took = begun.elapsed();
            rows.forget().await?;
            (self.tell)(&format!("{changed} rows changed, {} ms", took.as_millis()));
            least = least.min(took);
            if least <= self.within.min(SHORT_ROUND) {
                break;
            }
        }
        anyhow::ensure!(
            least <= self.within,
            "to bring over what changes of it meanwhile takes {} ms, and its writes would wait for \
             that: {} ms are allowed. Nothing was fenced: it is served where it was. Try again when \
             it is used less or the databases are faster, or give the move up with `--abandon`",
            least.as_millis(),
            self.within.as_millis()
        );
        Ok(())
    }

    /// What changed since it was last looked at, rows and files; says how many rows.
    async fn bring(&self, rows: &mut Rows<'_>) -> anyhow::Result<u64> {
        let changed = rows.follow().await?;
        rows.is_still_copied().await?;
        self.house.log.carry(&self.org, (self.from, self.to)).await?;
        Ok(changed)
    }

    pub(super) async fn switch(&self, rows: &mut Rows<'_>) -> anyhow::Result<Pause> {
        let directory = &self.house.directory;
        let begun = Instant::now();
        let fence = directory.fence(&self.org).await?.context(ELSEWHERE)?;
        let done = self.behind_the_fence(rows, fence).await;
        let homes = self.house.databases.homes();
        match &done {
            Ok(_) => homes.settle(&self.org, homes.born(&self.org, self.from), self.to),
            Err(_) => drop(directory.lift_fence(&self.org, fence).await?),
        }
        self.house.record.unfence(&self.org);
        let rows = done?;
        Ok(Pause { ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), rows })
    }

    async fn behind_the_fence(&self, rows: &mut Rows<'_>, fence: i64) -> anyhow::Result<u64> {
        let closed = self.answered(fence, CLOSE_WITHIN).await?;
        anyhow::ensure!(closed, "a process that serves `{}` did not close its gate", self.from);
        // The rooms of this very command have work of their own.
        self.house.record.fence(&self.org).await;
        let changed = self.bring(rows).await?;
        // Behind the reading of the notes: none of those that counted was taken away.
        rows.is_noting().await?;
        rows.same_keys(true).await?;
        let same = self.house.log.is_carried(&self.org, (self.from, self.to)).await?;
        anyhow::ensure!(same, "the published files differ between the two regions");
        rows.is_its_turn().await?;
        let switched = self.house.directory.switch(&self.org, fence).await?;
        anyhow::ensure!(switched, "the fence was lifted before the switch");
        Ok(changed)
    }

    /// At the new home, in the same tree: what came over, table by table.
    async fn arrived(&self, pause: u64, held: &[Held]) -> anyhow::Result<()> {
        let (rows, digests): (Vec<u64>, Vec<&str>) =
            held.iter().map(|one| (one.rows, one.sha256.as_str())).unzip();
        let changes = json!({
            "from": self.from, "to": self.to, "pauseMs": pause,
            "rows": rows.iter().sum::<u64>(), "tables": held.len(), "digests": digests.join(" "),
        });
        self.note(self.to, "regions.move.arrived", changes).await
    }

    pub(super) async fn note(
        &self,
        region: Region,
        action: &'static str,
        changes: serde_json::Value,
    ) -> anyhow::Result<()> {
        let caller = Caller::operator(self.org.clone(), region, crate::commands::OPERATOR);
        let event = Event::done(action, "org", self.org.as_str()).changes(changes);
        self.house.record.note(&caller, &event).await.context("the event of the move")?;
        Ok(())
    }
}
