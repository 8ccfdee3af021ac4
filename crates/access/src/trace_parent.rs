//! The trace that a request is a part of, as W3C's `traceparent` header names it.

/// Bytes of a header that we can read: `00-<trace id>-<span id>-<flags>`.
const LEN: usize = 55;

/// The caller's own span. Made only from a header without fault, so its size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never zero.
    pub trace: u128,
    /// The caller's span in it; never zero.
    pub span: u64,
    /// Whether the caller keeps the trace.
    pub sampled: bool,
}

impl TraceParent {
    /// Reads the header; nothing if it has a fault. Versions to come may append fields.
    pub fn parse(header: &str) -> Option<Self> {
        let (known, more) = header.split_at_checked(LEN)?;
        let mut parts = known.split('-');
        let (version, trace) = (part(&mut parts, 2)?, part(&mut parts, 32)?);
        let (span, flags) = (part(&mut parts, 16)?, part(&mut parts, 2)?);
        let plain = if version == 0 { more.is_empty() } else { version < 0xff && ends(more) };
        let span = u64::try_from(span).ok()?;
        let sound = plain && parts.next().is_none() && trace != 0 && span != 0;
        sound.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

fn ends(more: &str) -> bool {
    more.is_empty() || more.starts_with('-')
}

/// The next part, if it is lower-case hexadecimal of this length.
fn part<'a>(parts: &mut impl Iterator<Item = &'a str>, len: usize) -> Option<u128> {
    let text = parts.next().filter(|text| text.len() == len)?;
    let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_of_the_standard_is_read() {
        let parent = TraceParent {
            trace: 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            span: 0x00f0_67aa_0ba9_02b7,
            sampled: true,
        };
        assert_eq!(TraceParent::parse(GOOD), Some(parent));
        let unsampled = GOOD.replace("-01", "-00");
        assert_eq!(TraceParent::parse(&unsampled), Some(TraceParent { sampled: false, ..parent }));
        let later = GOOD.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn a_header_with_a_fault_is_no_parent() {
        let faults = [
            String::new(),
            GOOD[1..].to_owned(),
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "01", 1) + "x",
            GOOD.replace("4bf9", "+bf9"),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace('-', "_"),
            "é".repeat(40),
        ];
        for fault in faults {
            assert_eq!(TraceParent::parse(&fault), None, "{fault}");
        }
    }
}
