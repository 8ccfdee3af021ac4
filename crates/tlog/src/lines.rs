//! Pieces that all the text formats share: lines and decimal numbers, each with one spelling.

use crate::tree::SIZE_MAX;

/// Digits of the largest number.
const DIGITS_MAX: usize = 19;

/// Takes the next line; it must end in a newline, which is taken too.
pub(crate) fn take<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (line, after) = rest.split_once('\n')?;
    *rest = after;
    Some(line)
}

/// Reads a number below 2^63 without sign and without needless zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.len() > DIGITS_MAX || (text.starts_with('0') && text != "0") {
        return None;
    }
    text.parse().ok().filter(|number| *number <= SIZE_MAX)
}

/// Whether the text has no control character but the newline.
pub(crate) fn printable(text: &str) -> bool {
    !text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("9223372036854775807"), Some(SIZE_MAX));
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "१", "9223372036854775808"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }
}
