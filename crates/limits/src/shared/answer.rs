//! What every answer of a script begins and ends with.

use base::time::At;

use super::counters::{Generation, Said};
use super::pack::Cut;
use crate::core::{Expired, instant};

/// How the org stands in the store, told with every answer.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// Which life of the store this is.
    pub(crate) life: Generation,
    /// Whether the counters may differ from the ledger: leases have ended, or calls were
    /// taken up.
    pub(crate) dirty: bool,
    /// Calls under way.
    pub(crate) open: u32,
    /// Grows with every call that is reserved or settled.
    pub(crate) seq: u64,
    /// Which limits the nodes must know.
    pub(crate) version: u64,
    /// Leases that have ended; told once.
    pub(crate) expired: Vec<Expired>,
}

/// Reads an answer; nothing if it is not one.
pub(super) fn read<T>(
    answer: &[u8],
    body: impl FnOnce(&mut Cut<'_>) -> Option<T>,
) -> Option<Said<T>> {
    let mut cut = Cut(answer);
    match cut.u8()? {
        b'L' => return Some(Said::Lost),
        b'V' => return Some(Said::Stale),
        b'G' => return Some(Said::Gathering),
        b'T' => return cut.i64().map(|latest| Said::Ahead(instant(latest))),
        _ => {}
    }
    let life = cut.eight()?;
    let dirty = cut.u8()? != 0;
    let (open, seq, version) = (cut.u32()?, cut.u64()?, cut.u64()?);
    let done = body(&mut cut)?;
    let many = cut.u16()?;
    let expired = (0..many).map(|_| expired(&mut cut)).collect::<Option<_>>()?;
    Some(Said::Done(Given { life, dirty, open, seq, version, expired }, done))
}

fn expired(cut: &mut Cut<'_>) -> Option<Expired> {
    let request = cut.text()?.into();
    let (reserved_at, expired_at) = (moment(cut)?, moment(cut)?);
    Some(Expired { request, reserved_at, expired_at, tokens: cut.u64()?, money: cut.money()? })
}

fn moment(cut: &mut Cut<'_>) -> Option<At> {
    cut.i64().map(instant)
}
