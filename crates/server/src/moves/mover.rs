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

use super::erase::Receipt;
use super::rows::{Held, Rows};
use crate::wire::House;

/// How long every process that serves the org may take to say that it knows of the move, or
/// that its gate is closed; and how often it is looked for.
const KNOW_WITHIN: Duration = Duration::from_secs(15);
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long what is read behind the fence may take. Nodes lift a fence after five seconds, and
/// some of these are needed to close the gates and to carry the last files.
pub(crate) const READ_WITHIN: Duration = Duration::from_secs(2);
/// Rounds of copying before the first fence, and rows below which there is no need of more.
const ROUNDS_MAX: u32 = 20;
const FEW_ROWS: u64 = 500;
/// Fences that are tried.
const TRIES_MAX: u32 = 5;
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Somebody else was faster: another run of the command, or a node.
const ELSEWHERE: &str = "it is at another step by now: run it again";

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
    /// How long reading and comparing the rows may take behind the fence: see [`READ_WITHIN`].
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
    pub(crate) receipt: Receipt,
}

impl Mover<'_> {
    /// Whatever is left to do.
    pub(crate) async fn run(self) -> anyhow::Result<Outcome> {
        let found = self.found().await?;
        let mut pause_ms = None;
        if found.step < Step::Moved {
            self.begin(&found).await?;
            pause_ms = Some(self.carry_over().await?);
        } else {
            self.look_again().await?;
        }
        (self.tell)("moved; erasing what was left");
        let receipt = self.erase().await?;
        let Self { org, from, to, .. } = self;
        Ok(Outcome { org, from, to, pause_ms, receipt })
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
        self.clean(self.to, &self.target).await?;
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

    /// Copies, fences, compares and switches; says how long writes waited.
    async fn carry_over(&self) -> anyhow::Result<u64> {
        let (source, target) = ((&self.source, self.from), (&self.target, self.to));
        let mut rows = Rows::open(&self.org, self.house, source, target).await?;
        for round in 0..ROUNDS_MAX {
            let copied = rows.copy().await?;
            rows.is_still_copied().await?;
            let files = self.house.log.carry(&self.org, (self.from, self.to)).await?;
            (self.tell)(&format!("copied {copied} rows, {} files", files.fresh));
            if round > 0 && copied < FEW_ROWS {
                break;
            }
        }
        let same = self.house.log.compare(&self.org, (self.from, self.to)).await?;
        anyhow::ensure!(same, "other files of its log lie at the target");
        self.fits(&mut rows).await?;
        let mut last = None;
        for _ in 0..TRIES_MAX {
            match self.switch(&mut rows).await {
                Ok((pause, held)) => {
                    self.arrived(pause, &held).await?;
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
            rows.copy().await?;
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("it was not tried")))
    }

    /// Whether what is read behind the fence is read in the time that there is, before anybody
    /// waits for it. Once is enough: a machine may be busy for a moment.
    async fn fits(&self, rows: &mut Rows<'_>) -> anyhow::Result<()> {
        let mut least = rows.rehearse().await?;
        for _ in 1..TRIES_MAX {
            if least <= self.within {
                break;
            }
            least = least.min(rows.rehearse().await?);
        }
        anyhow::ensure!(
            least <= self.within,
            "to read and compare its rows takes {} ms, and its writes would wait for that: {} ms are \
             allowed. Nothing was fenced: it is served where it was. Try again when its rows are \
             fewer or the databases faster, or give the move up with `--abandon`",
            least.as_millis(),
            self.within.as_millis()
        );
        Ok(())
    }

    async fn switch(&self, rows: &mut Rows<'_>) -> anyhow::Result<(u64, Vec<Held>)> {
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
        let held = done?;
        Ok((u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), held))
    }

    async fn behind_the_fence(&self, rows: &mut Rows<'_>, fence: i64) -> anyhow::Result<Vec<Held>> {
        let closed = self.answered(fence, CLOSE_WITHIN).await?;
        anyhow::ensure!(closed, "a process that serves `{}` did not close its gate", self.from);
        // The rooms of this very command have work of their own.
        self.house.record.fence(&self.org).await;
        rows.copy().await?;
        rows.is_still_copied().await?;
        self.house.log.carry(&self.org, (self.from, self.to)).await?;
        let held = rows.compare().await?;
        let same = self.house.log.is_carried(&self.org, (self.from, self.to)).await?;
        anyhow::ensure!(same, "the published files differ between the two regions");
        let switched = self.house.directory.switch(&self.org, fence).await?;
        anyhow::ensure!(switched, "the fence was lifted before the switch");
        Ok(held)
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

    /// Whether everybody who serves the org has answered to this closing of the gate.
    async fn answered(&self, fence: i64, within: Duration) -> anyhow::Result<bool> {
        let begun = Instant::now();
        loop {
            let (who, said) = tokio::try_join!(self.who_serves(), async {
                Ok(self.house.directory.who_is_fenced(&self.org, fence).await?)
            })?;
            if who.iter().all(|one| said.contains(one)) {
                return Ok(true);
            }
            if begun.elapsed() >= within {
                return Ok(false);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every process that serves the region that the org leaves.
    async fn who_serves(&self) -> anyhow::Result<Vec<String>> {
        Ok(match self.house.directory.holder_of(self.from).await? {
            None => Vec::new(),
            Some(shared) if shared == regions::SHARED => {
                let members = nodes::members(self.house.databases.region(self.from)?).await?;
                let living = members.into_iter().filter(|member| member.dead_at.is_none());
                living.map(|member| member.instance).collect()
            }
            Some(one) => vec![one],
        })
    }

    /// Whoever serves one of the two regions serves both: only then does everybody who let the
    /// org's callers in before do so afterwards.
    async fn served_together(&self) -> anyhow::Result<()> {
        let directory = &self.house.directory;
        let (from, to) =
            (directory.holder_of(self.from).await?, directory.holder_of(self.to).await?);
        anyhow::ensure!(
            from == to,
            "`{}` and `{}` are served by different processes: a move needs processes that serve \
             both (`regions`)",
            self.from,
            self.to
        );
        if from.is_some_and(|from| from == regions::SHARED) {
            let members = async |region| -> anyhow::Result<Vec<String>> {
                let all = nodes::members(self.house.databases.region(region)?).await?;
                let living = all.into_iter().filter(|member| member.dead_at.is_none());
                let mut living: Vec<_> = living.map(|member| member.instance).collect();
                living.sort_unstable();
                Ok(living)
            };
            let (from, to) = (members(self.from).await?, members(self.to).await?);
            anyhow::ensure!(
                from == to,
                "not every process that serves one region serves the other"
            );
        }
        Ok(())
    }
}
