//! The patterns of one org in memory, as of one moment.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use access::{OrgId, Region};
use base::db::{DbError, Row};

use crate::PatternId;
use crate::engine::{Draft, Index, Overlay};
use crate::kept::Kept;
use crate::seals::Seals;

/// More patterns than this are opened and indexed beside the async workers.
const BESIDE_FROM: usize = 64;

/// All patterns of an org. Never changed: a change makes a new snapshot.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Grows with every change of the org's patterns.
    pub(crate) version: i64,
    /// In the order of their slugs.
    patterns: Vec<Arc<Kept>>,
    places: HashMap<PatternId, usize>,
    /// The published versions.
    answering: Index<usize>,
    /// The latest versions, whatever their state.
    every: Index<usize>,
}

impl Snapshot {
    /// Opens and indexes rows; many of them on a thread of their own.
    pub(crate) async fn load(
        rows: Vec<Row>,
        seals: Arc<Seals>,
        region: Region,
        org: OrgId,
    ) -> Result<Self, DbError> {
        if rows.len() < BESIDE_FROM {
            return Self::build(&rows, &seals, region, &org);
        }
        tokio::task::spawn_blocking(move || Self::build(&rows, &seals, region, &org))
            .await
            .map_err(|cause| DbError::unreadable("patterns", cause))?
    }

    fn build(rows: &[Row], seals: &Seals, region: Region, org: &OrgId) -> Result<Self, DbError> {
        let version = rows.first().map(|row| row.int("org_version")).transpose()?.unwrap_or(0);
        let read = |row| Kept::read(row, seals, region, org).map(Arc::new);
        Ok(Self::of(version, rows.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Indexes patterns.
    pub(crate) fn of(version: i64, mut patterns: Vec<Arc<Kept>>) -> Self {
        // Not the engine's order: each sorts text its own way.
        patterns.sort_by(|one, other| one.slug().cmp(other.slug()));
        let places =
            patterns.iter().enumerate().map(|(place, kept)| (kept.id.clone(), place)).collect();
        let answering = index(patterns.iter().enumerate().filter_map(|(place, kept)| {
            Some((place, kept.published.as_ref().map(|version| &*version.draft)?))
        }));
        let every = index(patterns.iter().map(|kept| &*kept.latest.draft).enumerate());
        Self { version, patterns, places, answering, every }
    }

    /// In the order of their slugs.
    pub(crate) fn patterns(&self) -> &[Arc<Kept>] {
        &self.patterns
    }

    /// Those whose slugs come behind `slug`.
    pub(crate) fn behind(&self, slug: &str) -> &[Arc<Kept>] {
        let start = self.patterns.partition_point(|kept| kept.slug() <= slug);
        self.patterns.get(start..).unwrap_or_default()
    }

    /// The pattern with this id or slug.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Kept>> {
        let place = if let Ok(id) = name.parse::<PatternId>() {
            *self.places.get(&id)?
        } else {
            self.patterns.binary_search_by(|kept| kept.slug().cmp(name)).ok()?
        };
        self.patterns.get(place)
    }

    /// The published patterns that score at least `floor` for a question, best first.
    pub(crate) fn answering(&self, question: &str, floor: f64) -> Vec<(&Arc<Kept>, f64)> {
        self.ranked(&self.answering, question, floor)
    }

    /// The patterns whose latest version has words in common with a text, best first, and
    /// behind them those whose name or slug has the text in it: a word half written finds.
    pub(crate) fn search(&self, text: &str) -> Vec<&Arc<Kept>> {
        let mut found: Vec<_> =
            self.ranked(&self.every, text, 0.0).into_iter().map(|(kept, _)| kept).collect();
        let part = text.trim().to_lowercase();
        if part.is_empty() {
            return found;
        }
        let known: HashSet<PatternId> = found.iter().map(|kept| kept.id.clone()).collect();
        let holds = |kept: &&Arc<Kept>| {
            kept.slug().contains(&part) || kept.latest.draft.name.to_lowercase().contains(&part)
        };
        let more = self.patterns.iter().filter(|kept| !known.contains(&kept.id)).filter(holds);
        found.extend(more);
        found
    }

    /// The published patterns, with a draft in the place of the pattern that is named.
    pub(crate) fn overlaid(
        &self,
        without: Option<&PatternId>,
        name: &str,
        triggers: &[String],
    ) -> Overlay<'_, usize> {
        let place = without.and_then(|id| self.places.get(id));
        self.answering.overlaid(place, name, triggers)
    }

    /// The pattern at a place of an index.
    pub(crate) fn at(&self, place: usize) -> Option<&Arc<Kept>> {
        self.patterns.get(place)
    }

    fn ranked(&self, index: &Index<usize>, text: &str, floor: f64) -> Vec<(&Arc<Kept>, f64)> {
        let ranked = index.rank(text, floor, usize::MAX).into_iter();
        ranked.filter_map(|(place, score)| Some((self.patterns.get(*place)?, score))).collect()
    }
}

/// An index over drafts.
pub(crate) fn index<'a, K: Ord>(drafts: impl IntoIterator<Item = (K, &'a Draft)>) -> Index<K> {
    let words = |(key, draft): (K, &'a Draft)| (key, &*draft.name, &*draft.triggers);
    Index::build(drafts.into_iter().map(words))
}
