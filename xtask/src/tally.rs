//! Adds up what the test runners say they did.

use std::fmt;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    /// Reads the line with which nextest closes.
    pub(crate) fn of_nextest(line: &str) -> Option<Self> {
        let counts = line.trim().strip_prefix("Summary [")?;
        counts.split_once(" run:").map(|(_, counts)| Self::of(counts))
    }

    /// Reads the line with which `cargo test` closes each of its programs.
    pub(crate) fn of_cargo_test(line: &str) -> Option<Self> {
        // Not trimmed: what a failed test has printed may look the same.
        let counts = line.strip_prefix("test result: ")?;
        counts.split_once(". ").map(|(_, counts)| Self::of(counts))
    }

    fn of(counts: &str) -> Self {
        let mut tally = Self::default();
        for count in without_remarks(counts).split([',', ';']) {
            let Some((number, what)) = count.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => tally.passed += number,
                "skipped" | "ignored" => tally.skipped += number,
                "failed" | "timed out" | "exec failed" => tally.failed += number,
                _ => {}
            }
        }
        tally
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Drops what stands in brackets: `4 passed (1 slow, 1 leaky), 1 failed`.
fn without_remarks(counts: &str) -> String {
    let mut pieces = counts.split('(');
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept.push_str(piece.split_once(')').map_or("", |(_, rest)| rest));
    }
    kept.replace(" ,", ",")
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nextest(line: &str) -> Option<String> {
        Tally::of_nextest(line).map(|tally| tally.to_string())
    }

    #[test]
    fn nextest_is_read() {
        let all = "     Summary [   0.010s] 3 tests run: 3 passed, 0 skipped\n";
        assert_eq!(nextest(all).unwrap(), "3 passed, 0 failed");
        let some = "Summary [ 9.1s] 7/8 tests run: 4 passed (1 slow, 1 leaky), 1 failed, 2 timed out, 5 skipped";
        assert_eq!(nextest(some).unwrap(), "4 passed, 3 failed, 5 skipped");
        let one = "Summary [0.0s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(nextest(one).unwrap(), "1 passed, 0 failed");
        assert_eq!(nextest("    test result: FAILED. 0 passed; 1 failed; 0 ignored"), None);
    }

    #[test]
    fn cargo_test_is_added_up() {
        let good = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.1s";
        let bad = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        let mut tally = Tally::of_cargo_test(good).unwrap();
        tally += Tally::of_cargo_test(bad).unwrap();
        assert_eq!(tally.to_string(), "4 passed, 2 failed, 1 skipped");
        assert_eq!(Tally::of_cargo_test("running 5 tests"), None);
    }
}
