//! The questions that usage answers.

use std::collections::BTreeMap;

use access::Caller;
use base::time::At;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::filter::{Dimension, Filter, View};
use crate::numbers::{Metric, Numbers};
use crate::period::Period;
use crate::read::{Line, Part};
use crate::span::{Bucket, instant};
use crate::view::{Amounts, Point, Ranked, Ranking, Series};
use crate::{Error, Usage};

/// Subjects of a ranking when the caller does not say.
const SUBJECTS_DEFAULT: u32 = 10;
/// Subjects of a ranking at most.
const SUBJECTS_MAX: u32 = 50;

/// Which calls, when, in which steps.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesFilter {
    /// From the hour or day of this instant on (RFC 3339). If not given, 30 days, or 24 hours
    /// by hours.
    #[param(value_type = Option<String>)]
    pub from: Option<At>,
    /// To the end of the hour or day of this instant. If not given, now.
    #[param(value_type = Option<String>)]
    pub to: Option<At>,
    /// The steps: `hour` for at most 7 days of the last 32, or `day` for at most 366. If not
    /// given, hours for up to two days.
    #[param(inline)]
    pub bucket: Option<Bucket>,
    /// Only this model.
    pub model: Option<String>,
    /// Only members of this team, at the time of the call.
    pub team: Option<String>,
    /// Only this member or service account.
    pub member: Option<String>,
    /// Only this key.
    pub key: Option<String>,
}

/// Which calls, when, and what makes a subject large.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RankingFilter {
    /// From the hour or day of this instant on (RFC 3339). If not given, 30 days, or 24 hours
    /// by hours.
    #[param(value_type = Option<String>)]
    pub from: Option<At>,
    /// To the end of the hour or day of this instant. If not given, now.
    #[param(value_type = Option<String>)]
    pub to: Option<At>,
    /// What the period is rounded to: `hour` or `day`. If not given, hours for up to two days.
    #[param(inline)]
    pub bucket: Option<Bucket>,
    /// Only this model.
    pub model: Option<String>,
    /// Only members of this team, at the time of the call.
    pub team: Option<String>,
    /// Only this member or service account.
    pub member: Option<String>,
    /// Only this key.
    pub key: Option<String>,
    /// What the ranking is by: `calls` if not given.
    #[param(inline)]
    pub metric: Option<Metric>,
    /// Subjects: 1 to 50, 10 if not given.
    pub limit: Option<u32>,
}

/// A period, told apart: what a page shows.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) view: View,
    pub(crate) period: Period,
    pub(crate) until: Option<At>,
    pub(crate) line: Line,
    pub(crate) total: Numbers,
    pub(crate) before: Numbers,
    pub(crate) parts: Vec<Part>,
    pub(crate) names: BTreeMap<String, String>,
}

impl Usage {
    /// What was used over time, and in the period before. Whoever may not see the settings
    /// of the org sees what they used themselves.
    pub async fn series(&self, caller: &Caller, asked: &SeriesFilter) -> Result<Series, Error> {
        let (view, period) = self.asked(caller, asked)?;
        let until = self.fold_to_read(&view.scope).await?.until;
        let (line, before) = self.line_and_before(&view, period).await?;
        let items = period.steps().map(|at| Point {
            at: instant(at),
            amounts: Amounts::from(&line.get(&at).copied().unwrap_or_default()),
        });
        Ok(Series {
            from: instant(period.from),
            to: instant(period.to),
            bucket: period.bucket,
            until,
            own: view.own,
            items: items.collect(),
            total: Amounts::from(&Numbers::sum(line.values())),
            before: Amounts::from(&before),
        })
    }

    /// What was used, told apart by a dimension: the largest subjects, and all others.
    pub async fn by(
        &self,
        caller: &Caller,
        asked: &RankingFilter,
        dimension: Dimension,
    ) -> Result<Ranking, Error> {
        let limit = asked.limit.unwrap_or(SUBJECTS_DEFAULT);
        if !(1..=SUBJECTS_MAX).contains(&limit) {
            let detail = format!("`limit` must be 1 to {SUBJECTS_MAX}");
            return Err(Error::BadQuery("limit", detail));
        }
        let series = asked.series();
        let (view, period) = self.asked(caller, &series)?;
        let by = (dimension, asked.metric.unwrap_or_default());
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let until = self.fold_to_read(&view.scope).await?.until;
        let line = self.line(&view.scope, &view.filter, period).await?;
        let parts = self.parts(&view.scope, &view.filter, period, by, limit).await?;
        let names = self.names_of(caller, dimension, &parts).await;
        let total = Numbers::sum(line.values());
        Ok(Ranking {
            from: instant(period.from),
            to: instant(period.to),
            until,
            own: view.own,
            dimension,
            other: rest(dimension, &total, &parts).as_ref().map(Amounts::from),
            items: parts.iter().map(|part| Ranked::of(part, &names)).collect(),
            total: Amounts::from(&total),
        })
    }

    /// Everything that a page shows of a period.
    pub(crate) async fn picture(
        &self,
        caller: &Caller,
        (filter, period): (Filter, Period),
        (dimension, metric): (Dimension, Metric),
        limit: usize,
    ) -> Result<Picture, Error> {
        let view = filter.seen_by(caller)?;
        let until = self.fold_to_read(&view.scope).await?.until;
        let (line, before) = self.line_and_before(&view, period).await?;
        let by = (dimension, metric);
        let parts = self.parts(&view.scope, &view.filter, period, by, limit).await?;
        let names = self.names_of(caller, dimension, &parts).await;
        let total = Numbers::sum(line.values());
        Ok(Picture { view, period, until, line, total, before, parts, names })
    }

    /// Who may see what, and when.
    pub(crate) fn asked(
        &self,
        caller: &Caller,
        asked: &SeriesFilter,
    ) -> Result<(View, Period), Error> {
        let filter = Filter::of(
            asked.model.as_deref(),
            asked.team.as_deref(),
            asked.member.as_deref(),
            asked.key.as_deref(),
        )?;
        let view = filter.seen_by(caller)?;
        let period = Period::asked(self.clock.now(), asked.from, asked.to, asked.bucket)?;
        Ok((view, period))
    }

    /// The period by buckets, and the sum of the one before: they lie together.
    async fn line_and_before(&self, view: &View, period: Period) -> Result<(Line, Numbers), Error> {
        let both = Period { from: period.before().from, ..period };
        let mut before = self.line(&view.scope, &view.filter, both).await?;
        let line = before.split_off(&period.from);
        Ok((line, Numbers::sum(before.values())))
    }

    /// The names of the subjects of a ranking.
    async fn names_of(
        &self,
        caller: &Caller,
        dimension: Dimension,
        parts: &[Part],
    ) -> BTreeMap<String, String> {
        let ids = parts.iter().map(|part| part.subject.clone());
        let ids: Vec<String> = ids.filter(|id| !id.is_empty()).collect();
        self.names_of_ids(caller, dimension, &ids).await
    }

    pub(crate) async fn names_of_ids(
        &self,
        caller: &Caller,
        dimension: Dimension,
        ids: &[String],
    ) -> BTreeMap<String, String> {
        match dimension {
            // A model's name is its id.
            Dimension::Model => BTreeMap::new(),
            Dimension::Team | Dimension::Member | Dimension::Key if ids.is_empty() => {
                BTreeMap::new()
            }
            Dimension::Team | Dimension::Member | Dimension::Key => {
                self.names.names(caller, ids).await.into_iter().collect()
            }
        }
    }
}

/// What the parts leave of the whole. Teams overlap: nothing can be said of the rest.
pub(crate) fn rest(dimension: Dimension, total: &Numbers, parts: &[Part]) -> Option<Numbers> {
    match dimension {
        Dimension::Team => None,
        Dimension::Model | Dimension::Member | Dimension::Key => {
            let parts: Vec<Numbers> = parts.iter().map(Part::total).collect();
            Some(total.minus(&Numbers::sum(&parts)))
        }
    }
}

impl RankingFilter {
    fn series(&self) -> SeriesFilter {
        SeriesFilter {
            from: self.from,
            to: self.to,
            bucket: self.bucket,
            model: self.model.clone(),
            team: self.team.clone(),
            member: self.member.clone(),
            key: self.key.clone(),
        }
    }
}
