//! Money is integer: nano-cents, so that the price of one token is exact.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nano-cents in one whole unit (one euro, one dollar).
const NANOS_PER_UNIT: i64 = 100_000_000_000;
/// Digits behind the decimal point of one whole unit.
const DIGITS: usize = 11;

/// An amount of money in billionths of a cent, in the currency of the price list.
///
/// One token at 2.50 per million tokens is 250,000 nano-cents. The largest
/// amount is a little over 92 million whole units. On the wire it is a decimal
/// string of whole units, `"12.50"`: never a float.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct NanoCents(pub i64);

/// The text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of money such as \"12.50\", with at most {DIGITS} decimals")]
pub struct NotMoney(String);

impl NanoCents {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or the largest amount there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after taking `other` away; may be negative.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// So many times as much, or the largest amount there is.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for NanoCents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = (self.0 / NANOS_PER_UNIT).unsigned_abs();
        let rest = format!("{:011}", (self.0 % NANOS_PER_UNIT).unsigned_abs());
        let rest = rest.trim_end_matches('0');
        write!(f, "{sign}{whole}.{rest:0<2}")
    }
}

impl From<NanoCents> for String {
    fn from(amount: NanoCents) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for NanoCents {
    type Error = NotMoney;

    fn try_from(text: String) -> Result<Self, NotMoney> {
        text.parse()
    }
}

impl std::str::FromStr for NanoCents {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let wrong = || NotMoney(text.chars().take(40).collect());
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(part) || part.len() > DIGITS {
            return Err(wrong());
        }
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let part: i64 = format!("{part:0<DIGITS$}").parse().map_err(|_| wrong())?;
        whole
            .checked_mul(NANOS_PER_UNIT)
            .and_then(|nanos| nanos.checked_add(part))
            .map(|nanos| Self(sign * nanos))
            .ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_and_read_without_loss() {
        for (nanos, text) in [
            (0, "0.00"),
            (1, "0.00000000001"),
            (250_000, "0.0000025"),
            (1_250_000_000_000, "12.50"),
            (-100_000_000_000, "-1.00"),
        ] {
            assert_eq!(NanoCents(nanos).to_string(), text);
            assert_eq!(text.parse(), Ok(NanoCents(nanos)));
        }
        assert_eq!("7".parse(), Ok(NanoCents(7 * NANOS_PER_UNIT)));
        for wrong in ["", "1.", ".5", "1e3", "1,5", "0.000000000001", "99999999999"] {
            assert!(wrong.parse::<NanoCents>().is_err(), "{wrong}");
        }
    }
}
