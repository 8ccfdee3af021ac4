//! An evidence bundle: what an auditor needs of a period, in one file that is judged offline.
//!
//! ```text
//! period ─► positions ─► event ─► checkpoint, published now ─► manifest, keys, policy, page
//!   then, while it is being sent:   events, 256 at a time ─► openings, each agreed with
//!                                   what was published    ─► bundles of entries ─► directory
//! ```
//! A fault on the way ends the file before its directory: what arrived is no bundle.

mod making;
mod zip;

use std::collections::BTreeSet;
use std::ops::Range;

use access::{Caller, Permission};
use axum::http::StatusCode;
use base::args;
use base::db::DbError;
use base::problem::{FieldError, Problem};
use base::time::At;
use serde::Deserialize;
use serde_json::{Value, json};
use tlog::Tile;
use tlog::tile::{LEVEL_MAX, TILE_WIDTH};

pub(super) use self::making::Making;
use self::zip::Zip;
use super::checkpoint::Newest;
use super::edge::Edge;
use super::fault::LogError;
use super::org::{Place, int};
use super::{Log, LogKeys};
use crate::event::Event;
use crate::explore::Error;
use crate::filter::must_instant;
use crate::sql;

/// Events of a bundle at most.
const ENTRIES_MAX: u64 = 100_000;
/// Bytes that its openings may come to: sizes in a plain ZIP file have 32 bits.
const OPENINGS_BYTES_MAX: u64 = 3 << 30;
/// Bytes that the opening of an event has beside its values: salts, names and quotes.
const OPENING_BYTES: u64 = 512;

/// The period of a bundle.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Period {
    /// Not before this instant: RFC 3339, or `2026-11-25T13:20` or a day, in UTC.
    #[serde(deserialize_with = "must_instant")]
    #[param(value_type = String)]
    from: At,
    /// Before this instant, written like `from`.
    #[serde(deserialize_with = "must_instant")]
    #[param(value_type = String)]
    to: At,
}

impl Log {
    /// Checks, records and begins a bundle: an error is said before the first byte.
    pub(super) async fn evidence(&self, caller: &Caller, period: Period) -> Result<Making, Error> {
        let scope = caller.require(Permission::EventsExport)?;
        caller.recent_factor()?;
        if period.from > period.to {
            return Err(bad_period("the period ends before it begins"));
        }
        let place = self.place(&scope)?;
        let shown = place.lying_in(period).await?;
        place.bounded(&shown).await?;
        let made = Event::done("audit.evidence.made", "record", scope.org().as_str());
        let made = made.changes(json!({
            "period": { "from": period.from, "to": period.to },
            "events": { "from": shown.start, "to": shown.end },
        }));
        let made = self.0.record.note(caller, &made).await?;
        let _turn = place.turn_at_home().await?;
        // Its own making is in the tree that it is a part of.
        let newest = place
            .covering(u64::try_from(made.seq().ok_or(crate::NotDurable)?).unwrap_or_default() + 1)
            .await?;
        let mut zip = Zip::default();
        let said = place.begin(&mut zip, period, &shown, &newest).await;
        let partial = self.0.told(said)?;
        let log = self.clone();
        Ok(Making::new(log, scope, zip, shown, (newest.size, partial)))
    }
}

impl Place<'_> {
    /// The positions from the first event of a period to behind the last.
    async fn lying_in(&self, period: Period) -> Result<Range<u64>, DbError> {
        let (db, record) = (self.db()?, &self.log.record);
        let (from, to) = (period.from.as_microsecond(), period.to.as_microsecond());
        let size = db.maybe(sql::SIZE, args![]).await?;
        let size = size.map(|row| row.int("size")).transpose()?.unwrap_or_default();
        let first = record.first_since((&db, &self.scope), from).await?.unwrap_or(size);
        let last = record.last_before((&db, &self.scope), to).await?;
        let next = last.map_or(first, |last| first.max(last + 1));
        let position = |seq: i64| u64::try_from(seq).unwrap_or_default();
        Ok(position(first)..position(next))
    }

    /// That so much fits into one bundle.
    async fn bounded(&self, shown: &Range<u64>) -> Result<(), Error> {
        let entries = shown.end - shown.start;
        if entries > ENTRIES_MAX {
            return Err(bad_period(&format!(
                "{entries} events lie in this period and a bundle holds at most {ENTRIES_MAX}: \
                 begin later, and make several"
            )));
        }
        let args = args![int(shown.start)?, int(shown.end)?];
        let row = self.db()?.maybe(sql::PERIOD_BYTES, args).await?;
        let bytes = row.map(|row| row.count("bytes")).transpose()?.unwrap_or_default();
        // Quotes are written as two bytes.
        if bytes * 2 + entries * OPENING_BYTES > OPENINGS_BYTES_MAX {
            return Err(bad_period(
                "the events of this period are more than a bundle can hold: begin later, and \
                 make several",
            ));
        }
        Ok(())
    }

    /// Writes all but entries and openings, for whoever has the turn; gives the partial bundle,
    /// if it is one of those to come.
    async fn begin(
        &self,
        zip: &mut Zip,
        period: Period,
        shown: &Range<u64>,
        newest: &Newest,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let bundles = bundles(shown);
        let partial = Edge::bundle(newest.size).filter(|it| bundles.contains(&it.index()));
        let partial = match partial {
            Some(bundle) => Some(self.bundle(bundle).await?),
            None => None,
        };
        let tiles = self.tiles(tiles(&bundles, newest.size)).await?;
        // The log may have been renamed behind the checkpoint.
        let origin = newest.note.lines().next().unwrap_or_default();
        let manifest = json!({
            "format": "portico-evidence/v1", "origin": origin, "org": self.org(),
            "from": period.from, "to": period.to, "first": shown.start, "next": shown.end,
            "size": newest.size, "madeAt": self.log.record.clock.now(),
        });
        let keys = keys(&self.keys().await?);
        let listed = self.listed(newest).await?;
        let listed = serde_json::to_vec(&listed).map_err(std::io::Error::from)?;
        let mut write = || {
            zip.file("manifest.json", manifest.to_string().as_bytes())?;
            zip.file("checkpoint", newest.note.as_bytes())?;
            zip.file("directory.json", &listed)?;
            zip.file("keys.json", keys.to_string().as_bytes())?;
            zip.file("policy.txt", access::policy().as_bytes())?;
            zip.file("verify.html", self.log.page.as_bytes())?;
            for (tile, bytes) in &tiles {
                zip.file(&tile.path(), bytes)?;
            }
            zip.begin("openings.jsonl")
        };
        write().map_err(LogError::Unpacked)?;
        Ok(partial)
    }
}

/// The bundles in which these entries lie.
fn bundles(shown: &Range<u64>) -> Range<u64> {
    let width = u64::from(TILE_WIDTH);
    if shown.is_empty() { 0..0 } else { shown.start / width..shown.end.div_ceil(width) }
}

/// The tiles from which, with these bundles, the root can be computed: those at the right edge,
/// and those above the bundles.
fn tiles(bundles: &Range<u64>, size: u64) -> BTreeSet<Tile> {
    let mut tiles: BTreeSet<Tile> = Edge::tiles(size).collect();
    for level in 1..=LEVEL_MAX {
        let shift = 8 * u32::from(level);
        let above = bundles.start >> shift..(bundles.end >> shift) + 1;
        if !bundles.is_empty() {
            tiles.extend(above.filter_map(|index| Tile::within(level, index, size)));
        }
    }
    // That of the last leaves follows from their entries, if they are there.
    let partial = size / u64::from(TILE_WIDTH);
    tiles.retain(|tile| tile.level() > 0 || !(bundles.contains(&partial)));
    tiles
}

/// The history of keys, with both ends of each.
fn keys(keys: &LogKeys) -> Value {
    let signed = keys.keys.iter().filter(|key| key.from.is_some());
    let told = signed.map(|key| json!({ "vkey": key.vkey, "from": key.from, "to": key.to }));
    json!({ "keys": told.collect::<Vec<_>>() })
}

fn bad_period(detail: &str) -> Error {
    let wrong = FieldError { pointer: "/from".to_owned(), detail: detail.to_owned() };
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
    Error::BadPeriod(problem.errors(vec![wrong]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tiles_lead_from_the_entries_that_are_shown_to_the_root() {
        let paths = |shown: Range<u64>, size| {
            let tiles = tiles(&bundles(&shown), size);
            tiles.iter().map(Tile::path).collect::<Vec<_>>().join(" ")
        };
        let edge = "tile/0/273.p/112 tile/1/001.p/17 tile/2/000.p/1";
        assert_eq!(paths(0..0, 70_000), edge);
        // Without `tile/1/000` nothing would tie the entries to the root.
        let with_path = "tile/0/273.p/112 tile/1/000 tile/1/001.p/17 tile/2/000.p/1";
        assert_eq!(paths(0..1, 70_000), with_path);
        assert_eq!(paths(65_535..65_536, 70_000), with_path);
        assert_eq!(paths(65_536..65_537, 70_000), edge);
        let whole = "tile/1/000 tile/1/001.p/17 tile/2/000.p/1";
        assert_eq!(paths(0..70_000, 70_000), whole);
        assert_eq!(paths(0..256, 256), "tile/1/000.p/1");
        assert_eq!(paths(0..7, 7), "");
    }
}
