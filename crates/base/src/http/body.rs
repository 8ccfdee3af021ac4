//! Reading a whole body: within a bound of its own, one of all bodies together, and deadlines.

use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout_at};

use crate::bodies::{Bodies, Room};
use crate::problem::Problem;

/// Bytes of a refused body that are still read and thrown away, so that a caller who
/// is still sending sees the refusal and not a broken connection.
const DRAIN_MAX: usize = 128 << 20;

/// A whole body must have arrived by then: 32 MiB at 3 Mbit/s.
const BODY_TOTAL: Duration = Duration::from_secs(90);
/// Longest silence inside a body.
const BODY_IDLE: Duration = Duration::from_secs(30);

/// Memory that is set aside for a body because of the length that it says alone, where nobody
/// counts the room; what it really brings takes the rest. Thousands of callers may say much and
/// send little.
const ASIDE_MAX: usize = 64 << 10;

/// The whole body, or a problem that says why not: 413 when it is larger than `max`, 503 when the
/// [`Bodies`] that the request carries have no room for it in time. The room is given back when the
/// last of the bytes is dropped. Whoever declares a length and sends nothing takes none.
pub async fn read(request: Request, max: usize) -> Result<Bytes, Problem> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let waits = request.headers().contains_key(EXPECT);
    if declared.is_some_and(|length| length > DRAIN_MAX || (waits && length > max)) {
        return Err(too_large(max));
    }
    let bodies = request.extensions().get::<Bodies>().cloned();
    let mut deadline = Instant::now() + BODY_TOTAL;
    let mut body = request.into_body().into_data_stream();
    let mut refused = declared.filter(|length| *length > max).map(|_| too_large(max));
    let mut room: Option<Room> = None;
    let mut pieces = Pieces::default();
    let mut size = 0_usize;
    while let Some(chunk) =
        timeout_at(deadline.min(Instant::now() + BODY_IDLE), body.next()).await.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body stopped coming")
        })?
    {
        let chunk = chunk.map_err(|_| {
            Problem::bad_request("unreadable_body", "the body could not be read to its end")
        })?;
        size = size.saturating_add(chunk.len());
        if size > max {
            refused = Some(too_large(max));
        } else if refused.is_none()
            && let Some(bodies) = &bodies
            && room.as_ref().is_none_or(|room| room.bytes() < size)
        {
            let asked = Instant::now();
            match bodies.room(size, declared, max).await {
                Ok(found) => room = Some(found),
                Err(problem) => refused = Some(problem),
            }
            deadline += asked.elapsed();
        }
        if size > DRAIN_MAX {
            break;
        }
        if refused.is_some() {
            (pieces, room) = (Pieces::default(), None);
        } else {
            let counted = room.as_ref().map(Room::bytes);
            pieces.push(chunk, counted.unwrap_or_else(|| aside(declared)));
        }
    }
    match (refused, room) {
        (Some(refused), _) => Err(refused),
        (None, Some(room)) => Ok(room.hold(pieces.whole())),
        (None, None) => Ok(pieces.whole()),
    }
}

/// What has come of a body. One that comes in one piece is not copied.
#[derive(Default)]
struct Pieces {
    first: Option<Bytes>,
    whole: BytesMut,
}

impl Pieces {
    fn push(&mut self, piece: Bytes, aside: usize) {
        if self.first.is_none() && self.whole.is_empty() {
            self.first = Some(piece);
            return;
        }
        if let Some(first) = self.first.take() {
            self.whole.reserve(aside);
            self.whole.extend_from_slice(&first);
        }
        self.whole.extend_from_slice(&piece);
    }

    fn whole(self) -> Bytes {
        self.first.unwrap_or_else(|| self.whole.freeze())
    }
}

fn aside(declared: Option<usize>) -> usize {
    declared.unwrap_or_default().min(ASIDE_MAX)
}

fn too_large(max: usize) -> Problem {
    let detail = format!("the body is larger than {max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_only_drips_is_given_up() {
        let drip = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });
        let begun = Instant::now();
        let refused = read(Request::new(axum::body::Body::from_stream(drip)), 1 << 20).await;
        assert_eq!(refused.unwrap_err().status(), StatusCode::REQUEST_TIMEOUT);
        assert!(begun.elapsed() <= BODY_TOTAL);
    }

    #[test]
    fn a_length_that_is_only_said_makes_little_room() {
        assert_eq!([None, Some(100), Some(DRAIN_MAX)].map(aside), [0, 100, ASIDE_MAX]);
    }
}
