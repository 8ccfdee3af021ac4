//! What the store said of a call that wants to be reserved.

use super::counters::NEVER;
use super::pack::Cut;
use crate::core::{
    Admitted, Ceiling, Dimension, Gauge, Refused, Retry, Standing, Subject, instant, limit_money,
    span,
};

/// Admitted or refused; nothing where it cannot be read.
pub(super) fn decision(
    cut: &mut Cut<'_>,
    subjects: &[Subject<'_>],
) -> Option<Result<Admitted, Refused>> {
    let status = cut.u8()?;
    if status == b'R' {
        let subject = subjects.get(usize::from(cut.u16()?).checked_sub(1)?)?;
        let dimension = *Dimension::ALL.get(usize::from(cut.u8()?))?;
        let (remaining, wait) = (cut.u64()?, cut.i64()?);
        let retry = if wait >= NEVER { Retry::Never } else { Retry::After(span(wait)) };
        let standing = Box::new(standing(cut, subjects)?);
        let limit = subject.ceiling.of(dimension)?;
        let (level, subject) = (subject.level, subject.name.into());
        return Some(Err(Refused { level, subject, dimension, limit, remaining, retry, standing }));
    }
    let (reserved_at, expires_at) = (instant(cut.i64()?), instant(cut.i64()?));
    let standing = standing(cut, subjects)?;
    let (repeated, limits_money) = (status == b'P', limit_money(subjects));
    Some(Ok(Admitted { reserved_at, expires_at, repeated, standing, limits_money }))
}

fn standing(cut: &mut Cut<'_>, subjects: &[Subject<'_>]) -> Option<Standing> {
    let mut standing = Standing::default();
    let requests = |ceiling: &Ceiling| ceiling.requests_per_minute;
    gauge(&mut standing.requests, cut, subjects, requests)?;
    gauge(&mut standing.tokens, cut, subjects, |ceiling| ceiling.tokens_per_minute)?;
    Some(standing)
}

/// A rate: whose, what remains, and when some comes back; whose is 0 where there is none.
fn gauge(
    tightest: &mut Option<Gauge>,
    cut: &mut Cut<'_>,
    subjects: &[Subject<'_>],
    limit: impl Fn(&Ceiling) -> Option<u64>,
) -> Option<()> {
    let (place, remaining, reset) = (usize::from(cut.u16()?), cut.u64()?, span(cut.i64()?));
    if let Some(place) = place.checked_sub(1) {
        let subject = subjects.get(place)?;
        let limit = limit(subject.ceiling)?;
        *tightest = Some(Gauge { level: subject.level, limit, remaining, reset });
    }
    Some(())
}
