use base::metrics::Metrics;
use futures_util::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::sleep;

use super::*;

const MIB: usize = 1 << 20;
const ALL: usize = 64 * MIB;

fn room() -> Bodies {
    Bodies::of_answers(ALL, Duration::from_secs(10), &Metrics::new())
}

/// An answer that says no length, in pieces of 64 KiB; whether it breaks off after them.
fn unsaid(size: usize, breaks: bool) -> impl Body<Data = Bytes> + Unpin {
    let piece = Bytes::from(vec![b'x'; 64 << 10]);
    let pieces = (0..size / piece.len()).map(move |_| Ok(Frame::data(piece.clone())));
    let end = breaks.then(|| Err(std::io::Error::other("it gave up")));
    StreamBody::new(stream::iter(pieces.chain(end)).boxed())
}

fn collect(room: &Bodies) -> Collect<'_> {
    Collect::new(room, Does::Chat, Duration::from_secs(5), Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_length_finds_the_room_that_it_needs_though_twice_as_much_is_not_free()
{
    let room = room();
    let _others = room.take(room.largest() - 19 * MIB).await.unwrap();
    let begun = Instant::now();
    let answer = collect(&room).whole(unsaid(17 * MIB, false)).await.unwrap();
    assert_eq!((answer.len(), begun.elapsed()), (17 * MIB, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_gives_up_while_its_answer_waits_for_room_is_not_at_fault() {
    let room = room();
    let failed = collect(&room).whole(unsaid(MIB, true)).await.unwrap_err();
    assert!(matches!(failed, Error::ProviderFailed), "it waited for nothing: {failed:?}");
    let others = room.take(room.largest()).await.unwrap();
    let collect = collect(&room);
    let waited = tokio::join!(collect.whole(unsaid(MIB, true)), async {
        sleep(Duration::from_secs(2)).await;
        drop(others);
    });
    let full = waited.0.unwrap_err();
    assert!(matches!(full, Error::AnswersFull { bytes: MIB, .. }), "{full:?}");
}
