//! Actions of streams.

use super::{Words, words};

pub(super) const STREAMS: &[Words] = &[
    words("streams.sink.added", "Stream made", "let the record flow into the sink {it}"),
    words(
        "streams.sink.blocked",
        "Stream blocked",
        "could not bring {item} into the sink {it}[: {why}]",
    ),
    words("streams.sink.changed", "Stream changed", "changed the sink {it}"),
    words("streams.sink.paused", "Stream paused", "paused the sink {it}"),
    words("streams.sink.removed", "Stream removed", "removed the sink {it}"),
    words(
        "streams.sink.replayed",
        "Stream sent again",
        "let the record flow into the sink {it} again from event {next} on",
    ),
    words("streams.sink.resumed", "Stream resumed", "resumed the sink {it}"),
    words("streams.sink.retried", "Stream tried again", "let the sink {it} be tried again"),
    words(
        "streams.sink.rotated",
        "Stream's secret made anew",
        "made a new secret for the sink {it}",
    ),
    words(
        "streams.sink.set_aside",
        "Item of a stream set aside",
        "set {item} aside in the stream into the sink {it}",
    ),
    words("streams.sink.tested", "Stream tested", "sent a test to the sink {it}[: {why}]"),
];
