//! Where spending goes: a straight line through the last days of the ledger.

use std::collections::BTreeMap;

use base::money::NanoCents;
use base::time::At;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::{Ceiling, Level};

/// Microseconds in a UTC day.
const DAY: i64 = 86_400_000_000;
/// The days that a pace is made of, today among them. A week, so that a quiet weekend
/// does not look like an end of work.
const PACE_DAYS: i64 = 7;
/// Days of the ledger that a forecast reads, today among them: any month to its end.
pub(crate) const DAYS_READ: i64 = 31;

/// Where the spending of one subject goes, if it goes on as in its last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Forecast {
    /// Where in the org.
    pub level: Level,
    /// Whose spending.
    pub subject: String,
    /// When this was reckoned.
    #[schema(value_type = String)]
    pub at: At,
    /// The days that the pace is made of, today among them: seven, fewer for who began
    /// later, none for who spent nothing in 31 days.
    pub pace_days: u8,
    /// What a day costs at that pace.
    #[schema(value_type = String)]
    pub pace_per_day: NanoCents,
    /// Each day of this month up to today.
    pub days: Vec<SpentDay>,
    /// This UTC day.
    pub today: Outlook,
    /// This UTC month.
    pub this_month: Outlook,
}

/// What one day cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpentDay {
    /// The UTC day.
    #[schema(value_type = String)]
    pub day: Date,
    /// What its calls cost, as the ledger has it.
    #[schema(value_type = String)]
    pub money: NanoCents,
}

/// One period and its budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outlook {
    /// What may be spent, if there is a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub budget: Option<NanoCents>,
    /// What the ledger says was spent; calls under way are not in it yet.
    #[schema(value_type = String)]
    pub spent: NanoCents,
    /// What will have been spent when the period ends, at the pace of the last days.
    #[schema(value_type = String)]
    pub projected: NanoCents,
    /// The last day of the period, UTC.
    #[schema(value_type = String)]
    pub last_day: Date,
    /// How it ends.
    pub course: Course,
    /// When the budget is used up at that pace, if that is before the period ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub runs_out_at: Option<At>,
}

/// How a period ends for its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// There is no budget.
    NoBudget,
    /// The budget outlasts the period.
    Holds,
    /// The budget is used up before the period ends.
    RunsOut,
    /// The budget is used up already.
    Spent,
}

/// Money in a stretch of time.
#[derive(Debug, Clone, Copy)]
struct Pace {
    nanocents: i128,
    micros: i128,
}

impl Forecast {
    /// Draws the line. `ledger` has the days that cost something or saw a call, as
    /// `2026-11-23`; more than [`DAYS_READ`] of them do not matter.
    pub(crate) fn of(
        (level, subject): (Level, &str),
        ceiling: &Ceiling,
        now: At,
        ledger: &BTreeMap<String, NanoCents>,
    ) -> Self {
        let micros = now.as_microsecond();
        let today = micros.div_euclid(DAY);
        let date = date(today);
        let money =
            |day: i64| ledger.get(&self::date(day).to_string()).copied().unwrap_or_default();
        let known = |day: &i64| ledger.contains_key(&self::date(*day).to_string());
        let first = (today - DAYS_READ + 1..=today).find(known);
        let from = first.map_or(today, |first| first.max(today - PACE_DAYS + 1));
        let pace = Pace {
            nanocents: (from..=today).map(|day| i128::from(money(day).0)).sum::<i128>().max(0),
            // Hours are no pace yet: a first morning counts as a whole day.
            micros: i128::from((micros - from * DAY).max(DAY)),
        };
        let first_of_month = today - i64::from(date.day()) + 1;
        let after_month = first_of_month + i64::from(date.days_in_month());
        let days: Vec<SpentDay> = (first_of_month..=today)
            .map(|day| SpentDay { day: self::date(day), money: money(day) })
            .collect();
        let month = days.iter().fold(NanoCents::ZERO, |sum, day| sum.plus(day.money));
        Self {
            level,
            subject: subject.to_owned(),
            at: now,
            pace_days: first.map_or(0, |_| u8::try_from(today - from + 1).unwrap_or_default()),
            pace_per_day: pace.over(DAY),
            days,
            today: Outlook::of(ceiling.money_per_day, money(today), micros, today + 1, pace),
            this_month: Outlook::of(ceiling.money_per_month, month, micros, after_month, pace),
        }
    }
}

impl Outlook {
    /// `end` is the first day behind the period.
    fn of(budget: Option<NanoCents>, spent: NanoCents, now: i64, end: i64, pace: Pace) -> Self {
        let ends = end * DAY;
        let empty = budget.and_then(|budget| pace.reaches(budget.minus(spent)));
        let empty = empty.and_then(|wait| now.checked_add(wait)).filter(|empty| *empty < ends);
        let course = match budget {
            None => Course::NoBudget,
            Some(budget) if spent >= budget => Course::Spent,
            Some(_) if empty.is_some() => Course::RunsOut,
            Some(_) => Course::Holds,
        };
        Self {
            budget,
            spent,
            projected: spent.plus(pace.over(ends - now)),
            last_day: date(end - 1),
            course,
            runs_out_at: empty
                .filter(|_| course == Course::RunsOut)
                .and_then(|empty| At::from_microsecond(empty).ok()),
        }
    }
}

impl Pace {
    /// What so many microseconds cost.
    fn over(self, micros: i64) -> NanoCents {
        let cost = self.nanocents.saturating_mul(i128::from(micros)) / self.micros;
        NanoCents(i64::try_from(cost).unwrap_or(i64::MAX))
    }

    /// After how many microseconds that much is spent; never, at no pace.
    fn reaches(self, money: NanoCents) -> Option<i64> {
        let wait = i128::from(money.0.max(0)).saturating_mul(self.micros);
        i64::try_from(wait.checked_div(self.nanocents)?).ok()
    }
}

/// The date of a day since 1970.
fn date(day: i64) -> Date {
    let at = At::from_microsecond(day.saturating_mul(DAY)).unwrap_or(At::MAX);
    TimeZone::UTC.to_datetime(at).date()
}

/// The days that a forecast reads, newest first.
pub(crate) fn days_read(now: At) -> impl Iterator<Item = String> {
    let today = now.as_microsecond().div_euclid(DAY);
    (0..DAYS_READ).map(move |ago| date(today - ago).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> NanoCents {
        text.parse().unwrap()
    }

    fn forecast(now: &str, month: &str, ledger: &[(&str, &str)]) -> Forecast {
        let ceiling = Ceiling {
            money_per_month: Some(money(month)).filter(|month| *month != NanoCents::ZERO),
            money_per_day: Some(money("10.00")),
            ..Ceiling::default()
        };
        let ledger = ledger.iter().map(|(day, spent)| ((*day).to_owned(), money(spent))).collect();
        Forecast::of((Level::Org, "org"), &ceiling, now.parse().unwrap(), &ledger)
    }

    fn days(month: &str, days: std::ops::RangeInclusive<u8>) -> Vec<(String, String)> {
        days.map(|day| (format!("{month}-{day:02}"), "10.00".to_owned())).collect()
    }

    fn borrowed(days: &[(String, String)]) -> Vec<(&str, &str)> {
        days.iter().map(|(day, spent)| (day.as_str(), spent.as_str())).collect()
    }

    #[test]
    fn a_steady_pace_is_drawn_on_to_the_end_of_the_month() {
        // Twenty whole days at 10.00, and nothing yet on the 21st, which has just begun.
        let ledger = days("2026-11", 1..=20);
        let told = forecast("2026-11-21T00:00:00Z", "250.00", &borrowed(&ledger));
        let month = &told.this_month;
        assert_eq!((told.pace_days, told.pace_per_day), (7, money("10.00")));
        assert_eq!((month.spent, month.projected), (money("200.00"), money("300.00")));
        assert_eq!(month.course, Course::RunsOut);
        assert_eq!(month.runs_out_at, Some("2026-11-26T00:00:00Z".parse().unwrap()));
        assert_eq!(month.last_day.to_string(), "2026-11-30");
        assert_eq!(told.days.len(), 21);
        let holds = forecast("2026-11-21T00:00:00Z", "300.00", &borrowed(&ledger)).this_month;
        assert_eq!((holds.course, holds.runs_out_at), (Course::Holds, None), "to the cent");
    }

    #[test]
    fn the_pace_reaches_back_over_the_end_of_a_month_and_the_sum_does_not() {
        let mut ledger = days("2026-02", 20..=28);
        ledger.push(("2026-03-01".to_owned(), "5.00".to_owned()));
        let told = forecast("2026-03-01T12:00:00Z", "100.00", &borrowed(&ledger));
        // Six days at 10.00 and half a day at 5.00.
        assert_eq!(told.pace_per_day, money("10.00"));
        assert_eq!(told.this_month.spent, money("5.00"));
        assert_eq!(told.this_month.projected, money("310.00"), "March has 31 days");
        assert_eq!(told.today.projected, money("10.00"));
        let leap = forecast("2028-02-29T23:59:59.999999Z", "100.00", &[]).this_month;
        assert_eq!(
            (leap.last_day.to_string().as_str(), leap.course),
            ("2028-02-29", Course::Holds)
        );
    }

    #[test]
    fn who_spent_nothing_has_no_pace_and_no_end() {
        let told = forecast("2026-12-31T18:00:00Z", "1.00", &[]);
        assert_eq!((told.pace_days, told.pace_per_day), (0, NanoCents::ZERO));
        assert_eq!(told.this_month.projected, NanoCents::ZERO);
        assert_eq!(told.this_month.course, Course::Holds);
        assert_eq!(told.this_month.last_day.to_string(), "2026-12-31");
        // It spent once, longer ago than the pace reaches.
        let told = forecast("2026-12-31T18:00:00Z", "1.00", &[("2026-12-05", "0.50")]);
        assert_eq!((told.pace_days, told.pace_per_day), (7, NanoCents::ZERO));
        assert_eq!(told.this_month.projected, money("0.50"));
        assert_eq!(told.this_month.course, Course::Holds);
    }

    #[test]
    fn a_budget_that_is_used_up_says_so_and_names_no_day_to_come() {
        for spent in ["1.00", "1.01"] {
            let told = forecast("2026-11-10T12:00:00Z", "1.00", &[("2026-11-10", spent)]);
            assert_eq!(told.this_month.course, Course::Spent, "{spent}");
            assert_eq!(told.this_month.runs_out_at, None);
        }
    }

    #[test]
    fn without_a_budget_spending_is_projected_all_the_same() {
        let told = forecast("2026-11-10T12:00:00Z", "0.00", &[("2026-11-10", "1.00")]);
        assert_eq!(told.this_month.course, Course::NoBudget);
        assert_eq!(told.this_month.projected, money("21.50"));
    }

    #[test]
    fn a_first_morning_counts_as_a_whole_day_and_who_began_late_is_not_thinned_out() {
        let told = forecast("2026-11-10T01:00:00Z", "50.00", &[("2026-11-10", "2.40")]);
        assert_eq!((told.pace_days, told.pace_per_day), (1, money("2.40")));
        assert_eq!(told.today.projected, money("4.70"));
        let late = [("2026-11-09", "3.00"), ("2026-11-10", "3.00")];
        let told = forecast("2026-11-10T12:00:00Z", "50.00", &late);
        assert_eq!((told.pace_days, told.pace_per_day), (2, money("4.00")));
        // Who spends once a week has seven days of pace, not one.
        let weekly = [("2026-11-01", "7.00"), ("2026-11-08", "7.00")];
        let told = forecast("2026-11-09T00:00:00Z", "50.00", &weekly);
        assert_eq!(told.pace_days, 7);
        assert_eq!(told.pace_per_day.0, money("7.00").0 / 6, "six days and the 9th, just begun");
    }

    #[test]
    fn absurd_amounts_do_not_overflow() {
        let most = NanoCents(i64::MAX).to_string();
        let told = forecast("2026-11-02T12:00:00Z", &most, &[("2026-11-01", &most)]);
        assert_eq!(told.this_month.projected, NanoCents(i64::MAX));
        assert_eq!(told.this_month.course, Course::Spent);
    }
}
