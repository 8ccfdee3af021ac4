//! What tokens cost, exactly.

use base::money::NanoCents;
use base::time::At;

use super::config::PriceConfig;
use crate::wire::usage::Usage;

const MILLION: i64 = 1_000_000;

/// The prices of one model, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices(Vec<Price>);

/// Nano-cents per token, from an instant on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Price {
    pub(crate) from: At,
    pub(crate) input: NanoCents,
    pub(crate) output: NanoCents,
    pub(crate) cached: NanoCents,
}

impl Prices {
    /// Compiles a price list; says what is wrong with it.
    pub(crate) fn compile(prices: &[PriceConfig]) -> Result<Self, String> {
        let mut compiled = Vec::with_capacity(prices.len());
        for price in prices {
            let from = price
                .from
                .to_zoned(jiff::tz::TimeZone::UTC)
                .map_err(|error| format!("`from` is not a day: {error}"))?;
            let input = per_token("input_per_million", price.input_per_million)?;
            let cached = match price.cached_input_per_million {
                Some(cached) => per_token("cached_input_per_million", cached)?,
                None => input,
            };
            let output = per_token("output_per_million", price.output_per_million)?;
            compiled.push(Price { from: from.timestamp(), input, output, cached });
        }
        compiled.sort_by_key(|price| std::cmp::Reverse(price.from));
        if compiled.windows(2).any(|pair| matches!(pair, [a, b] if a.from == b.from)) {
            return Err("two prices begin on the same day".to_owned());
        }
        Ok(Self(compiled))
    }

    /// Whether it costs nothing.
    pub(crate) fn is_free(&self) -> bool {
        self.0.is_empty()
    }

    /// The price at this time; none of what is free.
    pub(crate) fn at(&self, at: At) -> Option<&Price> {
        self.0.iter().find(|price| price.from <= at).or(self.0.last())
    }

    /// The prices that begin later than the one at this time, the next one first.
    pub(crate) fn after(&self, at: At) -> impl Iterator<Item = &Price> {
        let current = self.at(at).map(|price| price.from);
        self.0.iter().rev().filter(move |price| Some(price.from) > current)
    }

    /// What these tokens cost at this time. Before its day the first price holds.
    pub(crate) fn of(&self, at: At, usage: &Usage) -> NanoCents {
        let Some(price) = self.at(at) else { return NanoCents::ZERO };
        let cached = usage.cached.min(usage.prompt);
        let fresh = price.input.times(usage.prompt - cached);
        fresh.plus(price.cached.times(cached)).plus(price.output.times(usage.completion))
    }
}

fn per_token(field: &str, per_million: NanoCents) -> Result<NanoCents, String> {
    if per_million.0 < 0 {
        return Err(format!("`{field}` is below zero"));
    }
    if per_million.0 % MILLION != 0 {
        return Err(format!("`{field}` has more than five decimals: one token has no exact price"));
    }
    Ok(NanoCents(per_million.0 / MILLION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(from: &str, input: &str, output: &str) -> PriceConfig {
        PriceConfig {
            from: from.parse().unwrap(),
            input_per_million: input.parse().unwrap(),
            output_per_million: output.parse().unwrap(),
            cached_input_per_million: Some("0.50".parse().unwrap()),
        }
    }

    #[test]
    fn a_price_holds_from_its_day_on_and_is_exact() {
        let list = [price("2026-01-01", "2.50", "10.00"), price("2026-02-01", "1.00", "4.00")];
        let prices = Prices::compile(&list).unwrap();
        let usage = Usage { prompt: 1_000, completion: 100, cached: 400, ..Usage::default() };
        let at = |text: &str| prices.of(text.parse().unwrap(), &usage).to_string();
        assert_eq!(at("2025-12-31T23:59:59Z"), "0.0027", "never free by oversight");
        assert_eq!(at("2026-01-31T23:59:59Z"), "0.0027");
        assert_eq!(at("2026-02-01T00:00:00Z"), "0.0012");
    }

    #[test]
    fn a_price_that_holds_before_its_day_is_no_change_to_come() {
        let list = [price("2026-01-01", "2.50", "10.00"), price("2026-02-01", "1.00", "4.00")];
        let prices = Prices::compile(&list).unwrap();
        for (now, coming) in [("2025-06-01", 1), ("2026-01-15", 1), ("2026-02-01", 0)] {
            let now = format!("{now}T00:00:00Z").parse().unwrap();
            assert_eq!(prices.after(now).count(), coming, "{now}");
        }
        assert_eq!(Prices::default().after(At::UNIX_EPOCH).count(), 0);
    }

    #[test]
    fn a_price_that_no_token_can_have_is_refused() {
        assert!(Prices::compile(&[price("2026-01-01", "0.000001", "1")]).is_err());
        assert!(Prices::compile(&[price("2026-01-01", "-1", "1")]).is_err());
        let twice = [price("2026-01-01", "1", "1"), price("2026-01-01", "2", "2")];
        assert!(Prices::compile(&twice).is_err());
    }
}
