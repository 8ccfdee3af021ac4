//! Times: RFC 3339 in UTC.

use std::fmt;

/// Microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i64);

const MICROS: i64 = 1_000_000;
const DAY_SECS: i64 = 86_400;

impl Instant {
    pub(crate) fn from_secs(secs: u64) -> Self {
        Self(i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(MICROS))
    }

    /// `YYYY-MM-DDTHH:MM:SS`, up to nine decimals, and `Z`. What is finer than a microsecond is
    /// dropped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = match text.strip_suffix('Z')?.split_once('.') {
            Some((whole, decimals)) => (whole, decimals),
            None => (text.strip_suffix('Z')?, "0"),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 19 || !(1..=9).contains(&decimals.len()) || !digits(decimals) {
            return None;
        }
        let number = |from: usize, to: usize| {
            let part = whole.get(from..to).filter(|part| digits(part))?;
            part.parse::<i64>().ok()
        };
        let mark = |at: usize, mark: u8| whole.as_bytes().get(at) == Some(&mark);
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if !marks.iter().all(|(at, byte)| mark(*at, *byte)) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let known = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
        if !known || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let fine: String = decimals.chars().chain("000000".chars()).take(6).collect();
        let secs = days_before(year, month, day) * DAY_SECS + hour * 3600 + minute * 60 + second;
        Some(Self(secs * MICROS + fine.parse::<i64>().ok()?))
    }

    /// Microseconds since 1970.
    pub(crate) fn micros(self) -> i64 {
        self.0
    }

    /// Later by so many seconds.
    pub(crate) fn after(self, secs: u64) -> Self {
        let micros = i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(MICROS);
        Self(self.0.saturating_add(micros))
    }
}

fn leaps(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if leaps(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970 to a day of the Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let past = year - 1;
    let years = past * 365 + past / 4 - past / 100 + past / 400 - 719_162;
    let months: i64 = (1..month).map(|month| days_of(year, month)).sum();
    years + months + day - 1
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, micros) = (self.0.div_euclid(MICROS), self.0.rem_euclid(MICROS));
        let (mut days, of_day) = (secs.div_euclid(DAY_SECS), secs.rem_euclid(DAY_SECS));
        // A time of a cosignature may be any number: beyond the calendar it is told in seconds.
        if !(0..2_932_897).contains(&days) {
            return write!(f, "{secs} s after 1970");
        }
        let mut year = 1970 + days / 366;
        while days_before(year + 1, 1, 1) <= days {
            year += 1;
        }
        days -= days_before(year, 1, 1);
        let mut month = 1;
        while days >= days_of(year, month) {
            days -= days_of(year, month);
            month += 1;
        }
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", days + 1)?;
        if micros > 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn times_are_read_and_told_alike() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2026-11-25T21:24:34.000001Z",
            "2100-03-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
        ] {
            assert_eq!(Instant::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Instant::parse("2026-01-01T00:00:00Z"), Some(Instant::from_secs(1_767_225_600)));
        assert_eq!(
            Instant::parse("2026-01-01T00:00:00.5Z"),
            Instant::parse("2026-01-01T00:00:00.500000999Z")
        );
        for text in [
            "",
            "Z",
            "2026-01-01",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+00:00",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:0éZ",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }
}
