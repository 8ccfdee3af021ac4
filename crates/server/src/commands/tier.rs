//! Moving old months of the record to the archive: for a person at a terminal, and for cron.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::str::FromStr;
use std::time::Duration;

use access::{Caller, Region};
use anyhow::Context as _;
use audit::{Tiered, Waits};
use base::db::Db;
use base::problem::Problem;
use base::time::At;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::bootstrap::{With, operator};
use super::say;
use crate::storage;
use crate::wire::House;

/// How often what stands in the way for a moment is tried again, and after how long: a
/// witness that is asked every few seconds, a checkpoint that was signed meanwhile.
const TRIES_MAX: u32 = 30;
const TRY_EVERY: Duration = Duration::from_secs(2);

/// `portico record tier`
#[derive(Debug, clap::Args)]
pub(crate) struct Tier {
    /// The first month that stays, such as 2026-06; without it, `record.hot_months` stay.
    #[arg(long)]
    before: Option<Month>,
    /// Of this organization alone: its id or its short name.
    #[arg(long)]
    org: Option<String>,
    /// Only says what would be moved.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    with: With,
}

/// A month, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month(Date);

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = format!("{text}-01").parse::<Date>().ok().filter(|_| text.len() == 7);
        day.map(Self).ok_or_else(|| "must be a month such as 2026-06".to_owned())
    }
}

impl Month {
    /// The first month that stays if so many stay beside the one that has begun.
    fn behind(now: At, months: u32) -> anyhow::Result<Self> {
        let first = now.to_zoned(TimeZone::UTC).date().first_of_month();
        Ok(Self(first.checked_sub(i64::from(months).months())?))
    }

    fn begins(self) -> anyhow::Result<At> {
        Ok(self.0.to_zoned(TimeZone::UTC)?.timestamp())
    }
}

impl Tier {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = self.with.config()?;
        let house = self.with.house().await?;
        let month = match (self.before, config.record.hot_months) {
            (Some(month), _) => month,
            (None, Some(months)) => Month::behind(house.clock.now(), months)?,
            (None, None) => anyhow::bail!(
                "say which months stay: `--before 2026-06`, or `record.hot_months` in the configuration"
            ),
        };
        let callers = match &self.org {
            Some(org) => vec![operator(&house, org).await?],
            None => all(&house).await?,
        };
        let mut owners = BTreeMap::new();
        for region in callers.iter().map(|caller| caller.region) {
            if let std::collections::btree_map::Entry::Vacant(place) = owners.entry(region) {
                place.insert(storage::owner(&config, region).await?);
            }
        }
        let moved = self.each(&house, &callers, &owners, month).await;
        for owner in owners.values() {
            // What left is no longer in the log of the embedded engine either.
            owner.settle().await?;
            owner.close().await;
        }
        house.close().await;
        moved
    }

    /// An org that cannot be moved keeps no other waiting; that one could not is the end.
    async fn each(
        &self,
        house: &House,
        callers: &[Caller],
        owners: &BTreeMap<Region, Db>,
        month: Month,
    ) -> anyhow::Result<()> {
        let (before, mut failed) = (month.begins()?, 0);
        for caller in callers {
            let owner = owners.get(&caller.region).context("its database is not open")?;
            match self.one(house, caller, owner, before).await {
                Ok(done) => self.tell(caller, &done),
                Err(problem) => {
                    failed += 1;
                    let value = json!({ "org": caller.org, "error": problem.to_string() });
                    say(self.with.json, &value, &format!("{}: {problem}", caller.org));
                }
            }
        }
        anyhow::ensure!(
            failed == 0,
            "{failed} records could not be moved; nothing of them is lost"
        );
        Ok(())
    }

    async fn one(
        &self,
        house: &House,
        caller: &Caller,
        owner: &Db,
        before: At,
    ) -> Result<Tiered, Problem> {
        if self.dry_run {
            return Ok(house.log.tierable(caller, before).await?);
        }
        let progress = !self.with.json && std::io::stderr().is_terminal();
        let (mut moved, mut chunks, mut tries) = (0, 0, 0);
        loop {
            match house.log.tier(caller, owner, before).await {
                Ok(piece) if piece.moved > 0 => {
                    (moved, chunks, tries) = (moved + piece.moved, chunks + piece.chunks, 0);
                    if progress {
                        eprint!("\r{}: {} of {}", caller.org, piece.hot_from, piece.until);
                    }
                    continue;
                }
                Ok(piece) if piece.waits != Some(Waits::Witnessed) || tries >= TRIES_MAX => {
                    if progress && moved > 0 {
                        eprintln!();
                    }
                    return Ok(Tiered { moved, chunks, ..piece });
                }
                Err(error) if tries >= TRIES_MAX || !error.is_passing() => return Err(error.into()),
                Ok(_) | Err(_) => tries += 1,
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }

    fn tell(&self, caller: &Caller, done: &Tiered) {
        let Tiered { hot_from, until, moved, chunks, waits } = done;
        let waits = waits.map(|waits| waits.to_string());
        let value = json!({
            "org": caller.org, "moved": moved, "files": chunks, "hotFrom": hot_from,
            "movable": until.saturating_sub(*hot_from), "waits": waits,
        });
        let waits = waits.map(|waits| format!("; the rest waits {waits}")).unwrap_or_default();
        let line = if self.dry_run {
            let movable = until.saturating_sub(*hot_from);
            format!("{}: {movable} events could be moved, from {hot_from}{waits}", caller.org)
        } else {
            format!(
                "{}: moved {moved} events into {chunks} files; the database begins at \
                     {hot_from}{waits}",
                caller.org
            )
        };
        // Where cron mails what is said, nothing is said of those where nothing was to do.
        if self.with.json || self.dry_run || *moved > 0 || done.waits.is_some() {
            say(self.with.json, &value, &line);
        }
    }
}

/// The operator, in every org of the regions that are served.
async fn all(house: &House) -> anyhow::Result<Vec<Caller>> {
    let mut callers = Vec::new();
    for (region, _) in house.databases.iter() {
        let mut after = String::new();
        loop {
            let page = house.record.sizes(region, &after).await?;
            let Some((last, _)) = page.last() else { break };
            after = last.to_string();
            for (org, _) in page {
                callers.push(Caller::operator(org, region, super::bootstrap::OPERATOR));
            }
        }
    }
    Ok(callers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_whole_and_the_one_that_has_begun_stays() {
        let begins = |text: &str| text.parse::<Month>().map(|it| it.begins().unwrap().to_string());
        assert_eq!(begins("2026-06").as_deref(), Ok("2026-06-01T00:00:00Z"));
        for wrong in ["2026", "2026-6", "2026-13", "2026-06-01", "june", ""] {
            assert!(begins(wrong).is_err(), "{wrong}");
        }
        let now = "2026-03-31T23:00:00Z".parse().unwrap();
        let behind = |months| Month::behind(now, months).unwrap().begins().unwrap().to_string();
        assert_eq!(behind(0), "2026-03-01T00:00:00Z");
        assert_eq!(behind(1), "2026-02-01T00:00:00Z");
        assert_eq!(behind(13), "2025-02-01T00:00:00Z");
    }
}
