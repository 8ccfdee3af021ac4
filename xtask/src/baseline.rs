//! How many instructions each step took when the baseline was written, and what differs from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::shell::{self, Outcome, note};

/// How much more than the baseline is refused, and how much less asks for a new one, in percent.
const TOLERANCE: u64 = 5;
const HEAD: &str =
    "# Instructions of each inner step of a call: `cargo xtask steps --count --write`.\n";
const WRITE: &str = "`cargo xtask steps --count --write` writes a new baseline";

/// Instructions of each step.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Writes these as the baseline.
pub(crate) fn write(counts: &Counts) -> Outcome<()> {
    let lines = counts.iter().map(|(step, count)| line(step, *count) + "\n");
    let text = HEAD.to_owned() + &lines.collect::<String>();
    fs::write(file(), text).map_err(|why| format!("{}: {why}", file().display()))
}

/// Says what differs from the baseline; a step that takes more of it is an error.
pub(crate) fn hold(counts: &Counts) -> Outcome<()> {
    let text = fs::read_to_string(file());
    let text = text.map_err(|why| format!("{}: {why}", file().display()))?;
    let differences = differences(&read(&text), counts);
    for difference in &differences {
        note(&difference.text);
    }
    let refused = differences.into_iter().filter(|difference| difference.refused);
    let refused: Vec<_> = refused.map(|difference| difference.step).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(format!("the baseline is not kept: {}", refused.join(", ")))
}

/// A step as the baseline and a terminal show it.
pub(crate) fn line(step: &str, count: u64) -> String {
    format!("{step:<32}{count:>10}")
}

fn file() -> PathBuf {
    shell::root().join("bench/steps/baseline.txt")
}

fn read(text: &str) -> Counts {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.trim_end().rsplit_once(' '))
        .filter_map(|(step, count)| Some((step.trim_end().to_owned(), count.parse().ok()?)))
        .collect()
}

#[derive(Debug)]
struct Difference {
    step: String,
    text: String,
    refused: bool,
}

fn differences(baseline: &Counts, counts: &Counts) -> Vec<Difference> {
    let steps: BTreeSet<_> = baseline.keys().chain(counts.keys()).collect();
    let differences = steps.into_iter().filter_map(|step| {
        let (what, refused) = match (baseline.get(step), counts.get(step)) {
            (Some(then), Some(now)) if now * 100 > then * (100 + TOLERANCE) => {
                let more = percent(now - then, *then);
                (format!("{now} instructions, {more} % more than the {then} of the baseline"), true)
            }
            (Some(then), Some(now)) if now * 100 < then * (100 - TOLERANCE) => {
                let less = percent(then - now, *then);
                let what = "instructions, so that the baseline no longer says anything";
                (format!("{now} {what}: {less} % less than its {then}"), false)
            }
            (None, Some(now)) => (format!("{now} instructions, and not in the baseline"), true),
            (Some(_), None) => ("in the baseline, and no longer counted".to_owned(), true),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(Difference { step: step.clone(), text: format!("{step}: {what}; {WRITE}"), refused })
    });
    differences.collect()
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = part * 1_000 / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(&str, u64)]) -> Counts {
        counts.iter().map(|(step, count)| ((*step).to_owned(), *count)).collect()
    }

    fn told(then: u64, now: u64) -> Vec<(bool, String)> {
        let differences = differences(&of(&[("key check", then)]), &of(&[("key check", now)]));
        differences.into_iter().map(|one| (one.refused, one.text)).collect()
    }

    #[test]
    fn a_step_that_takes_more_than_five_percent_more_is_refused_by_its_name() {
        assert_eq!(told(1_000, 1_050), []);
        let [(true, text)] = &told(1_000, 1_051)[..] else { unreachable!("is refused") };
        assert!(
            text.starts_with("key check: 1051 instructions, 5.1 % more than the 1000"),
            "{text}"
        );
        assert!(text.ends_with(WRITE), "{text}");
    }

    #[test]
    fn a_step_that_takes_less_asks_for_a_new_baseline_and_fails_nothing() {
        assert_eq!(told(1_000, 950), []);
        let [(false, text)] = &told(1_000, 949)[..] else { unreachable!("is told") };
        assert!(text.contains("5.1 % less") && text.ends_with(WRITE), "{text}");
    }

    #[test]
    fn no_step_comes_or_goes_unseen() {
        let (none, one) = (of(&[]), of(&[("commit", 7)]));
        for (baseline, counts) in [(&none, &one), (&one, &none)] {
            assert!(
                matches!(&differences(baseline, counts)[..], [difference] if difference.refused)
            );
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let counts = of(&[("commit", 7), ("pattern match among 10,000", 123_456)]);
        let lines = counts.iter().map(|(step, count)| line(step, *count) + "\n");
        assert_eq!(read(&(HEAD.to_owned() + &lines.collect::<String>())), counts);
    }
}
