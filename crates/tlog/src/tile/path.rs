//! Numbers in paths: `1234067` is `x001/x234/067`, so that no folder grows large and no file
//! is in the way of a folder.

use super::{Malformed, TILE_WIDTH};

/// Digits of one element.
const GROUP: usize = 3;
/// Bytes of the longest path after its level, and some.
const PLACE_BYTES_MAX: usize = 64;

/// `<N>` and, of what is partial, `.p/<W>`.
pub(super) fn place(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path.insert_str(0, &format!("x{:03}/", rest % 1000));
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{path}.p/{width}") } else { path }
}

/// Reads `<N>[.p/<W>]`. Other spellings of the same place may pass: the caller compares.
pub(super) fn read_place(text: &str) -> Result<(u64, u16), Malformed> {
    if text.len() > PLACE_BYTES_MAX {
        return Err(Malformed::Path);
    }
    let (elements, width) = match text.split_once(".p/") {
        Some((elements, width)) => (elements, width.parse().map_err(|_| Malformed::Path)?),
        None => (text, TILE_WIDTH),
    };
    let mut index = 0u64;
    for element in elements.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        if digits.len() != GROUP {
            return Err(Malformed::Path);
        }
        let digits: u64 = digits.parse().map_err(|_| Malformed::Path)?;
        index = index
            .checked_mul(1000)
            .and_then(|index| index.checked_add(digits))
            .ok_or(Malformed::NoSuchTile)?;
    }
    Ok((index, width))
}
