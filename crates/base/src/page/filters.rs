//! How times, numbers and money stand in a page. A script shows them in the reader's
//! own language and time zone; without it they stand as they are written here.

#![expect(
    missing_docs,
    clippy::inline_always,
    reason = "`filter_fn` writes the items; our documentation stands on the functions"
)]

use std::fmt::Write as _;

use askama::filters::HtmlSafeOutput;
use jiff::tz::TimeZone;

use crate::money::NanoCents;
use crate::time::At;

/// An instant: `25 Nov 2026, 13:20 UTC`.
#[askama::filter_fn]
pub fn when(at: &At, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(time_element(*at, "%-d %b %Y, %H:%M UTC", "when")))
}

/// The day of an instant: `25 Nov 2026`.
#[askama::filter_fn]
pub fn day(at: &At, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(time_element(*at, "%-d %b %Y", "day")))
}

/// An instant to the second, for lists of events: `2026-11-25 13:20:07 UTC`.
#[askama::filter_fn]
pub fn exact(at: &At, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(time_element(*at, "%Y-%m-%d %H:%M:%S UTC", "exact")))
}

/// A whole number, or a reference to one: a template gives a field as a reference and the
/// result of a call as it is.
pub trait Whole: Copy {
    /// The number; the largest there is, if it is larger.
    fn whole(self) -> i64;
}

macro_rules! whole {
    ($($number:ty),*) => { $(impl Whole for $number {
        fn whole(self) -> i64 {
            i64::try_from(self).unwrap_or(i64::MAX)
        }
    })* };
}
whole!(u8, u16, u32, u64, usize, i32, i64);

impl<T: Whole> Whole for &T {
    fn whole(self) -> i64 {
        (*self).whole()
    }
}

/// A whole number: `12,345`.
#[askama::filter_fn]
pub fn number(n: impl Whole, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    let n = n.whole();
    Ok(HtmlSafeOutput(format!("<data class=\"num\" value=\"{n}\">{}</data>", grouped(n))))
}

/// A whole number, short: `12.3k`.
#[askama::filter_fn]
pub fn compact(n: impl Whole, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    let n = n.whole();
    let text = short(n);
    let full = grouped(n);
    Ok(HtmlSafeOutput(format!("<data class=\"num\" value=\"{n}\" title=\"{full}\">{text}</data>")))
}

/// Money in whole units with two decimals, four where it is less than a cent: `12.50`.
#[askama::filter_fn]
pub fn money(m: &NanoCents, _: &dyn askama::Values) -> askama::Result<HtmlSafeOutput<String>> {
    let text = money_text(*m);
    Ok(HtmlSafeOutput(format!("<data class=\"num\" value=\"{m}\" title=\"{m}\">{text}</data>")))
}

/// One part of an address: everything but letters, digits and `-_.~` is escaped.
#[askama::filter_fn]
pub fn part(
    text: impl std::fmt::Display,
    _: &dyn askama::Values,
) -> askama::Result<HtmlSafeOutput<String>> {
    Ok(HtmlSafeOutput(percent_encoded(&text.to_string())))
}

/// Text as one part of an address (RFC 3986, unreserved characters stay).
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn time_element(at: At, format: &str, kind: &str) -> String {
    let text = at.to_zoned(TimeZone::UTC).strftime(format);
    format!("<time datetime=\"{at}\" data-as=\"{kind}\">{text}</time>")
}

/// `-12,345`.
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3k`, `4.5M`.
pub fn short(n: i64) -> String {
    let magnitude = n.unsigned_abs();
    let sign = if n < 0 { "-" } else { "" };
    for (unit, name) in [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        if magnitude >= unit {
            let (whole, tenth) = (magnitude / unit, magnitude % unit * 10 / unit);
            return if whole >= 100 || tenth == 0 {
                format!("{sign}{whole}{name}")
            } else {
                format!("{sign}{whole}.{tenth}{name}")
            };
        }
    }
    n.to_string()
}

/// `1,234.50`; four decimals below one cent that is not nothing.
pub fn money_text(m: NanoCents) -> String {
    /// Nano-cents in a ten-thousandth of a whole unit.
    const TEN_THOUSANDTH: i64 = 10_000_000;
    let tiny = m.0 != 0 && m.0.unsigned_abs() < 1_000_000_000;
    let (unit, places) = if tiny { (TEN_THOUSANDTH, 4) } else { (TEN_THOUSANDTH * 100, 2) };
    let rounded = m.0.unsigned_abs().saturating_add(unit.unsigned_abs() / 2) / unit.unsigned_abs();
    let scale = 10_u64.pow(places);
    let sign = if m.0 < 0 && rounded != 0 { "-" } else { "" };
    let whole = grouped(i64::try_from(rounded / scale).unwrap_or(i64::MAX));
    let width = if tiny { 4 } else { 2 };
    format!("{sign}{whole}.{:0width$}", rounded % scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_money_read_well() {
        for (n, long, brief) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (-1_234, "-1,234", "-1.2k"),
            (12_345, "12,345", "12.3k"),
            (1_000_000, "1,000,000", "1M"),
            (123_456_789, "123,456,789", "123M"),
        ] {
            assert_eq!((grouped(n).as_str(), short(n).as_str()), (long, brief));
        }
        for (nanos, text) in [
            (0, "0.00"),
            (1_250_000_000_000, "12.50"),
            (123_456_789_000_000_000, "1,234,567.89"),
            (25_000_000, "0.0003"),
            (-100_000_000_000, "-1.00"),
            (1, "0.0000"),
        ] {
            assert_eq!(money_text(NanoCents(nanos)), text, "{nanos}");
        }
        assert_eq!(percent_encoded("a b/ü"), "a%20b%2F%C3%BC");
    }

    #[test]
    fn a_time_says_its_zone_and_carries_the_instant() {
        let at: At = "2026-11-25T13:20:07Z".parse().unwrap();
        let text = time_element(at, "%-d %b %Y, %H:%M UTC", "when");
        assert_eq!(
            text,
            "<time datetime=\"2026-11-25T13:20:07Z\" data-as=\"when\">25 Nov 2026, 13:20 UTC</time>"
        );
    }
}
