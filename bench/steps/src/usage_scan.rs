//! A stream of 1,000 events is passed on, and read for its usage as it passes.

use std::fmt::Write as _;
use std::hint::black_box;

use bytes::Bytes;
use gateway::testing::pass_on;

use crate::Step;

const EVENTS: u64 = 1_000;
/// As much as comes from a socket at once: an event seldom ends where a chunk does.
const CHUNK_BYTES: usize = 1_400;

pub(crate) fn step() -> Step {
    let mut stream = String::new();
    for number in 0..EVENTS {
        let _infallible = write!(
            stream,
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\
             \"model\":\"small\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word {number}\"}},\
             \"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
        );
    }
    stream.push_str(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\
         \"model\":\"small\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2000,\
         \"total_tokens\":2010}}\n\ndata: [DONE]\n\n",
    );
    let stream = Bytes::from(stream);
    let ends = (0..stream.len()).step_by(CHUNK_BYTES).skip(1).chain([stream.len()]);
    let mut from = 0;
    let chunks: Vec<Bytes> =
        ends.map(|end| stream.slice(std::mem::replace(&mut from, end)..end)).collect();
    Step {
        times: EVENTS,
        ..Step::new("usage scan of a streamed event", move || {
            let (_passed, used) = pass_on(black_box(&chunks));
            assert_eq!(used, Some((10, 2_000)), "the usage is in its last event");
        })
    }
}
