//! A chart as shapes: stacked bars or lines over time, drawn on the server.
//!
//! Nothing is told by colour alone: bars carry hatchings, lines their own dashes, and the
//! numbers stand in a table behind the picture.

use std::fmt::{self, Write as _};

use crate::numbers::Metric;
use crate::pages::wording;

// The picture in tenths of its units; a unit is about a pixel of a wide window.
const WIDTH: i64 = 9_600;
const HEIGHT: i64 = 2_800;
const LEFT: i64 = 640;
const RIGHT: i64 = 100;
const TOP: i64 = 120;
const BOTTOM: i64 = 280;
/// Labels of the time axis at most.
const MARKS_MAX: usize = 8;
/// Lines across the picture, about.
const TICKS: i64 = 4;
/// Dashes of lines, by their place; the first is drawn through.
const DASHES: [&str; 6] = ["none", "7 4", "2 4", "10 4 2 4", "1 6", "14 5"];

/// How values are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// Parts of a whole, on top of each other.
    Stacked,
    /// Each by itself.
    Lines,
}

/// What is drawn in one colour.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// One for each bucket; none where there is nothing to say.
    pub(crate) values: Vec<Option<i64>>,
}

/// Tenths, as text: `12.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tenth(i64);

impl fmt::Display for Tenth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            rest => write!(f, "{}.{}", self.0 / 10, rest.abs()),
        }
    }
}

/// A label at a place.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) at: Tenth,
    pub(crate) label: String,
}

/// The shape of one series; `place` counts from 1 and names its colour.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) place: usize,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) dash: &'static str,
}

/// A strip of the picture that says its numbers when it is pointed at.
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) left: Tenth,
    pub(crate) width: Tenth,
    pub(crate) text: String,
}

/// A chart, ready to be written.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) drawn: Drawn,
    pub(crate) ticks: Vec<Mark>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) shapes: Vec<Shape>,
    pub(crate) hints: Vec<Hint>,
}

impl Chart {
    pub(crate) const WIDTH: Tenth = Tenth(WIDTH);
    pub(crate) const HEIGHT: Tenth = Tenth(HEIGHT);
    pub(crate) const LEFT: Tenth = Tenth(LEFT);
    pub(crate) const LABELS: Tenth = Tenth(LEFT - 80);
    pub(crate) const RIGHT: Tenth = Tenth(WIDTH - RIGHT);
    pub(crate) const TOP: Tenth = Tenth(TOP);
    pub(crate) const FLOOR: Tenth = Tenth(HEIGHT - BOTTOM);
    pub(crate) const DEEP: Tenth = Tenth(HEIGHT - BOTTOM - TOP);
    pub(crate) const FOOT: Tenth = Tenth(HEIGHT - 80);

    /// `steps` are the buckets: what stands on the axis, and what is said of one.
    pub(crate) fn draw(
        metric: Metric,
        drawn: Drawn,
        series: &[Series],
        steps: &[(String, String)],
    ) -> Self {
        let across = Across { count: i64::try_from(steps.len()).unwrap_or(i64::MAX).max(1) };
        let (top, tick) = scale(metric, largest(drawn, series));
        let up = Up { top };
        let ticks = (0..=top / tick)
            .map(|n| Mark { at: up.at(n * tick), label: wording::amount(metric, n * tick) });
        let every = steps.len().div_ceil(MARKS_MAX).max(1);
        let marks = steps
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(place, (label, _))| Mark { at: across.middle(place), label: label.clone() });
        let paths = match drawn {
            Drawn::Stacked => bars(series, across, up),
            Drawn::Lines => series.iter().map(|one| line(one, across, up)).collect(),
        };
        let shapes = series.iter().zip(paths).enumerate().map(|(place, (one, path))| Shape {
            place: place + 1,
            name: one.name.clone(),
            path,
            dash: DASHES.get(place).copied().unwrap_or("none"),
        });
        let hints = steps.iter().enumerate().map(|(place, (_, step))| Hint {
            left: across.left(place),
            width: across.width(),
            text: hint(metric, step, series, place),
        });
        Self {
            drawn,
            ticks: ticks.collect(),
            marks: marks.collect(),
            shapes: shapes.collect(),
            hints: hints.collect(),
        }
    }
}

/// Places along the time axis.
#[derive(Debug, Clone, Copy)]
struct Across {
    count: i64,
}

impl Across {
    fn edge(self, place: i64) -> i64 {
        LEFT + (WIDTH - LEFT - RIGHT) * place / self.count
    }

    fn left(self, place: usize) -> Tenth {
        Tenth(self.edge(i64::try_from(place).unwrap_or_default()))
    }

    fn width(self) -> Tenth {
        Tenth(((WIDTH - LEFT - RIGHT) / self.count).max(1))
    }

    fn middle(self, place: usize) -> Tenth {
        Tenth(self.left(place).0 + self.width().0 / 2)
    }

    /// Where a bar begins and how wide it is: a fifth is left free.
    fn bar(self, place: usize) -> (Tenth, Tenth) {
        let free = (self.width().0 / 10).min(40);
        (Tenth(self.left(place).0 + free), Tenth((self.width().0 - 2 * free).max(1)))
    }
}

/// Places along the axis of values.
#[derive(Debug, Clone, Copy)]
struct Up {
    top: i64,
}

impl Up {
    fn at(self, value: i64) -> Tenth {
        let deep = i128::from(HEIGHT - BOTTOM - TOP);
        let up = i128::from(value.clamp(0, self.top)) * deep / i128::from(self.top.max(1));
        Tenth(HEIGHT - BOTTOM - i64::try_from(up).unwrap_or_default())
    }
}

fn bars(series: &[Series], across: Across, up: Up) -> Vec<String> {
    let steps = series.iter().map(|one| one.values.len()).max().unwrap_or_default();
    let mut below = vec![0_i64; steps];
    let mut paths = Vec::with_capacity(series.len());
    for one in series {
        let mut path = String::new();
        for (place, (value, below)) in one.values.iter().zip(&mut below).enumerate() {
            let value = value.unwrap_or_default();
            if value <= 0 {
                continue;
            }
            let (left, width) = across.bar(place);
            let foot = up.at(*below);
            *below = below.saturating_add(value);
            let deep = Tenth((foot.0 - up.at(*below).0).max(5));
            let _infallible = write!(path, "M{left} {foot}h{width}v-{deep}h-{width}z");
        }
        paths.push(path);
    }
    paths
}

fn line(series: &Series, across: Across, up: Up) -> String {
    let mut path = String::new();
    let mut joined = false;
    for (place, value) in series.values.iter().enumerate() {
        let Some(value) = value else {
            joined = false;
            continue;
        };
        let (x, y) = (across.middle(place), up.at(*value));
        // A point alone is a line of no length with round ends: a dot.
        let next = if joined { format!("L{x} {y}") } else { format!("M{x} {y}h0") };
        path.push_str(&next);
        joined = true;
    }
    path
}

fn largest(drawn: Drawn, series: &[Series]) -> i64 {
    let steps = series.iter().map(|one| one.values.len()).max().unwrap_or_default();
    let at = |one: &Series, step: usize| one.values.get(step).copied().flatten().unwrap_or(0);
    let each = (0..steps).map(|step| match drawn {
        Drawn::Stacked => series.iter().fold(0, |sum: i64, one| sum.saturating_add(at(one, step))),
        Drawn::Lines => series.iter().map(|one| at(one, step)).max().unwrap_or_default(),
    });
    each.max().unwrap_or_default()
}

/// The top of the axis and the step between its lines: 1, 2 or 5 and zeros.
fn scale(metric: Metric, largest: i64) -> (i64, i64) {
    let least = match metric {
        // A ten-thousandth of a whole unit: what is written of small amounts.
        Metric::Money => 10_000_000,
        Metric::Calls | Metric::Tokens | Metric::Errors | Metric::Refused | Metric::Latency => 1,
    };
    let rough = (largest.saturating_add(TICKS - 1) / TICKS).max(least);
    let mut unit = least;
    while unit.saturating_mul(10) <= rough {
        unit = unit.saturating_mul(10);
    }
    let steps = [1, 2, 5, 10].map(|times: i64| unit.saturating_mul(times));
    let tick = steps.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let top = largest.max(1).div_euclid(tick) + i64::from(largest % tick != 0 || largest == 0);
    (top.max(1).saturating_mul(tick), tick)
}

fn hint(metric: Metric, step: &str, series: &[Series], place: usize) -> String {
    let mut text = step.to_owned();
    for one in series {
        if let Some(Some(value)) = one.values.get(place)
            && *value != 0
        {
            let value = wording::amount(metric, *value);
            let _infallible = write!(text, "\n{}: {value}", one.name);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[i64]) -> Series {
        Series { name: "one".into(), values: values.iter().copied().map(Some).collect() }
    }

    #[test]
    fn the_axis_reaches_the_largest_value_in_a_few_round_steps() {
        for largest in [0, 1, 3, 7, 99, 100, 101, 12_345, 999_999_999] {
            let (top, tick) = scale(Metric::Calls, largest);
            assert!(top >= largest && top % tick == 0, "{largest}: {top} by {tick}");
            assert!((1..=6).contains(&(top / tick)), "{largest}: {top} by {tick}");
        }
        assert_eq!(scale(Metric::Money, 0), (10_000_000, 10_000_000));
    }

    #[test]
    fn bars_stand_on_each_other_and_stay_in_the_picture() {
        let steps = vec![("a".to_owned(), "A".to_owned()); 2];
        let both = [series(&[50, 0]), series(&[50, 100])];
        let chart = Chart::draw(Metric::Calls, Drawn::Stacked, &both, &steps);
        assert_eq!(chart.shapes.len(), 2);
        let [first, second] = chart.shapes.as_slice() else { panic!("two shapes") };
        assert_eq!(first.path.matches('M').count(), 1, "nothing is drawn for a zero");
        assert!(first.path.starts_with("M68 252h"), "{}", first.path);
        assert!(second.path.starts_with("M68 132h"), "{}", second.path);
        assert_eq!(chart.hints[0].text, "A\none: 50\none: 50");
    }

    #[test]
    fn a_gap_in_a_line_is_left_open() {
        let steps = vec![("a".to_owned(), "A".to_owned()); 3];
        let gap = Series { name: "p50".into(), values: vec![Some(1), None, Some(2)] };
        let chart = Chart::draw(Metric::Latency, Drawn::Lines, &[gap], &steps);
        assert_eq!(chart.shapes[0].path.matches('M').count(), 2);
        assert!(!chart.shapes[0].path.contains('L'));
    }
}
