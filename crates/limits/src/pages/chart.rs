//! Spending as a picture: what each day cost, the budget, and the line that goes on.

use base::money::NanoCents;
use base::time::At;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::forecast::{Course, Forecast, Outlook};

/// The picture, in units of its own.
const WIDTH: i64 = 480;
const HEIGHT: i64 = 140;
/// Where its days are drawn.
const LEFT: i64 = 2;
const TOP: i64 = 8;
const ACROSS: i64 = WIDTH - 2 * LEFT;
const DOWN: i64 = HEIGHT - TOP - 2;
const FLOOR: i64 = TOP + DOWN;
/// Between two days.
const GAP: i64 = 2;

/// A forecast, as a page shows it.
#[derive(Debug)]
pub(super) struct Spending {
    pub(super) forecast: Forecast,
    pub(super) rows: Vec<SpentRow>,
    pub(super) month: Chart,
    /// Only where a day has a budget.
    pub(super) day: Option<Chart>,
}

/// One line of the table behind the picture.
#[derive(Debug)]
pub(super) struct SpentRow {
    pub(super) day: String,
    pub(super) money: NanoCents,
    pub(super) so_far: NanoCents,
}

/// What is drawn.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) floor: i64,
    pub(super) bars: Vec<Bar>,
    /// How high the budget is.
    pub(super) budget_y: Option<i64>,
    /// The line that goes on.
    pub(super) ahead: Line,
    pub(super) first: String,
    pub(super) last: String,
}

/// What was spent on a day, standing on what was spent before.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) width: i64,
    /// Of what was spent before.
    pub(super) before_y: i64,
    pub(super) before_height: i64,
    /// Of the day itself.
    pub(super) y: i64,
    pub(super) height: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) x1: i64,
    pub(super) y1: i64,
    pub(super) x2: i64,
    pub(super) y2: i64,
}

/// A height of the picture for an amount.
#[derive(Debug, Clone, Copy)]
struct Scale(i128);

impl Scale {
    fn to(amounts: impl IntoIterator<Item = NanoCents>) -> Self {
        let most = amounts.into_iter().map(|amount| i128::from(amount.0)).max();
        Self(most.unwrap_or_default().max(1))
    }

    fn y(self, amount: NanoCents) -> i64 {
        let height = i128::from(amount.0.max(0)) * i128::from(DOWN) / self.0;
        FLOOR - i64::try_from(height).unwrap_or(DOWN).min(DOWN)
    }
}

impl Spending {
    /// Draws a forecast.
    pub(super) fn of(forecast: Forecast) -> Self {
        let mut so_far = NanoCents::ZERO;
        let rows = forecast.days.iter().map(|one| {
            so_far = so_far.plus(one.money);
            SpentRow { day: day_month(one.day), money: one.money, so_far }
        });
        let rows = rows.collect();
        let month = Chart::of_month(&forecast);
        let day = forecast.today.budget.map(|_| Chart::of_days(&forecast));
        Self { forecast, rows, month, day }
    }

    /// `30 November`.
    pub(super) fn month_ends(&self) -> String {
        day_month(self.forecast.this_month.last_day)
    }

    /// `24 November`, UTC.
    pub(super) fn month_runs_out(&self) -> String {
        self.forecast.this_month.runs_out_at.map(|at| day_month(date(at))).unwrap_or_default()
    }

    /// `the last 7 days`, of which this is the number.
    pub(super) fn pace_days(&self) -> u8 {
        self.forecast.pace_days
    }

    pub(super) fn this_month(&self) -> &Outlook {
        &self.forecast.this_month
    }

    pub(super) fn today(&self) -> &Outlook {
        &self.forecast.today
    }
}

impl Outlook {
    /// The mark beside a budget: how it looks, and what it says.
    pub(super) fn badge(&self) -> Option<(&'static str, &'static str)> {
        match self.course {
            Course::NoBudget => None,
            Course::Holds => Some(("ok", "holds")),
            Course::RunsOut => Some(("warn", "ends early")),
            Course::Spent => Some(("bad", "used up")),
        }
    }
}

impl Chart {
    /// The month: each bar is the sum up to a day, the budget a line across, and from now
    /// on the sum at the pace of the last days.
    fn of_month(forecast: &Forecast) -> Self {
        let Outlook { budget, spent, projected, .. } = forecast.this_month;
        let scale = Scale::to([spent, projected].into_iter().chain(budget));
        let mut before = NanoCents::ZERO;
        let mut chart = Self::frame(forecast, |bar, money| {
            let after = before.plus(money);
            (bar.before_y, bar.before_height) = (scale.y(before), FLOOR - scale.y(before));
            (bar.y, bar.height) = (scale.y(after), scale.y(before) - scale.y(after));
            before = after;
        });
        chart.budget_y = budget.map(|budget| scale.y(budget));
        (chart.ahead.y1, chart.ahead.y2) = (scale.y(spent), scale.y(projected));
        chart
    }

    /// Day by day: each bar is a day's own, and the line that goes on is level.
    fn of_days(forecast: &Forecast) -> Self {
        let (budget, pace) = (forecast.today.budget, forecast.pace_per_day);
        let days = forecast.days.iter().map(|day| day.money);
        let scale = Scale::to(days.chain([pace]).chain(budget));
        let mut chart = Self::frame(forecast, |bar, money| {
            (bar.y, bar.height) = (scale.y(money), FLOOR - scale.y(money));
        });
        chart.budget_y = budget.map(|budget| scale.y(budget));
        (chart.ahead.y1, chart.ahead.y2) = (scale.y(pace), scale.y(pace));
        chart
    }

    /// The days of the month side by side; `raise` gives each bar its height.
    fn frame(forecast: &Forecast, mut raise: impl FnMut(&mut Bar, NanoCents)) -> Self {
        let last = forecast.this_month.last_day;
        let days = i64::from(last.day()).max(1);
        let x = |day: i64| LEFT + ACROSS * day / days;
        let bars = forecast.days.iter().zip(0_i64..).map(|(spent, day)| {
            let (x, width) = (x(day), (x(day + 1) - x(day) - GAP).max(1));
            let mut bar = Bar { x, width, before_y: FLOOR, before_height: 0, y: FLOOR, height: 0 };
            raise(&mut bar, spent.money);
            bar
        });
        let bars: Vec<Bar> = bars.collect();
        let now = i64::try_from(forecast.days.len()).unwrap_or(days);
        Self {
            bars,
            width: WIDTH,
            height: HEIGHT,
            floor: FLOOR,
            budget_y: None,
            ahead: Line { x1: x(now) - GAP, y1: FLOOR, x2: LEFT + ACROSS, y2: FLOOR },
            first: day_month(last.first_of_month()),
            last: day_month(last),
        }
    }
}

fn date(at: At) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// `24 November`. Days of the ledger are UTC, so no script moves them elsewhere.
fn day_month(day: Date) -> String {
    day.strftime("%-d %B").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::core::{Ceiling, Level};

    fn spending(now: &str, spent: &[(&str, &str)], month: Option<&str>) -> Spending {
        let ledger: BTreeMap<String, NanoCents> =
            spent.iter().map(|(day, money)| ((*day).to_owned(), money.parse().unwrap())).collect();
        let money_per_month = month.map(|money| money.parse().unwrap());
        let ceiling =
            Ceiling { money_per_month, money_per_day: money_per_month, ..Ceiling::default() };
        Spending::of(Forecast::of((Level::Org, "org"), &ceiling, now.parse().unwrap(), &ledger))
    }

    #[test]
    fn nothing_is_drawn_outside_the_picture() {
        let most = NanoCents(i64::MAX).to_string();
        for (now, spent, budget) in [
            ("2026-02-01T00:00:00Z", vec![], None),
            ("2026-11-30T23:59:59Z", vec![("2026-11-02", "3.00")], Some("0.01")),
            ("2026-11-15T12:00:00Z", vec![("2026-11-14", most.as_str())], Some("1.00")),
            ("2028-02-29T12:00:00Z", vec![("2028-02-01", "0.00")], Some("100.00")),
        ] {
            let spending = spending(now, &spent, budget);
            for chart in std::iter::once(&spending.month).chain(&spending.day) {
                for bar in &chart.bars {
                    assert!(bar.x >= 0 && bar.x + bar.width <= WIDTH, "{now} {bar:?}");
                    assert!(bar.y >= TOP && bar.height >= 0, "{now} {bar:?}");
                    assert!(bar.y + bar.height + bar.before_height == FLOOR, "{now} {bar:?}");
                }
                let Line { x1, y1, x2, y2 } = chart.ahead;
                assert!(x1 <= x2 && y1.min(y2) >= TOP && y1.max(y2) <= FLOOR, "{now}");
            }
        }
    }

    #[test]
    fn the_budget_is_as_high_as_the_sum_that_reaches_it() {
        let drawn = spending("2026-11-02T00:00:00Z", &[("2026-11-01", "5.00")], Some("5.00"));
        assert_eq!(drawn.month.budget_y, drawn.month.bars.last().map(|bar| bar.before_y));
        assert_eq!(drawn.month_ends(), "30 November");
        assert_eq!(drawn.rows.last().map(|row| row.so_far), "5.00".parse().ok());
    }
}
