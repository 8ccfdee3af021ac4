//! Reading bytes from the front.

/// The next `len` bytes, and moves behind them; none, and stays, where fewer are left.
pub fn some<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// The same, as many as an array has: `u32::from_be_bytes(take(rest)?)`.
pub fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    some(rest, N)?.try_into().ok()
}
